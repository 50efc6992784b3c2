"""Journals of one drive for the tests of the journal and of its readers."""

from hyperspace.journal import Journal, encode_line, open_journal
from hyperspace.space import check_space
from hyperspace.trials.trial import Trial

SPACE = check_space([(0.0, 1.0), ["a", "b"]])


def trial(iteration, attempt=0):
    return Trial(drive=3, iteration=iteration, x=(0.1 * iteration, "a"), attempt=attempt, arm="design")


def write(path, count, first=0):
    journal = Journal(path, "study-1", 3, SPACE)
    for iteration in range(first, first + count):
        running = trial(iteration)
        journal.started(running)
        journal.reported(running, 1, {"loss": 0.5})
        journal.finished(running.finish("ok", metrics={"loss": float(iteration)}, seconds=0.1))
    journal.close()


def go_on(folder, attempt, *trials):
    """Go on with drive 3 as the owner of a later lease."""
    folder.journals.mkdir(exist_ok=True)
    reader = folder.reader(3, SPACE)
    reader.read()
    journal = open_journal(folder, "study-1", 3, SPACE, reader, attempt, lambda: None)
    for each in trials:
        journal.started(each.finish("running") if each.finished else each)
        if each.finished:
            journal.finished(each)
    return journal


def put(path, *records):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(encode_line(record | {"sequence": number}) for number, record in enumerate(records)))

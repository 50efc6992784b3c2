import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest

import hyperspace.system.disk
from hyperspace.errors import StudyError
from hyperspace.journal import Journal, LeaseLostError, Leases, StudyFolder, decode_line, encode_line, open_journal, read_journal
from hyperspace.space import check_space
from hyperspace.trials.records import finished_record, started_record
from hyperspace.trials.trial import Trial, TrialKey

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


def test_what_was_written_is_read_back(tmp_path):
    write(tmp_path / "j", 5)
    contents = read_journal(tmp_path / "j", SPACE)
    assert contents.study == "study-1"
    assert [t.metrics["loss"] for t in contents.trials.values()] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert contents.trials[TrialKey(2, 3)].x == (0.2, "a")
    assert contents.lines == 16


def test_lines_are_plain_json_with_a_checksum(tmp_path):
    write(tmp_path / "j", 1)
    lines = (tmp_path / "j").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["study", "started", "reported", "finished"]
    assert [json.loads(line)["sequence"] for line in lines] == [0, 1, 2, 3]


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


def test_a_drive_goes_on_in_a_segment_of_its_own(tmp_path):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, trial(0).finish("ok"), trial(1))
    first = folder.journal_file(3).read_bytes()
    go_on(folder, 4, trial(1, attempt=1).finish("ok"))
    assert folder.journal_file(3).read_bytes() == first
    assert list(folder.segments()) == [3]
    assert list(folder.segments()[3]) == [0, 4]
    assert folder.next_attempt() == 5
    (readers,) = folder.read_journals(SPACE, [3]).values()
    assert [t.finished for t in readers.trials.values()] == [True, True]
    assert json.loads(folder.journal_file(3, 4).read_text().splitlines()[0])["follows"] == {"0": 4}


def test_every_torn_end_is_left_out(tmp_path):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, *[trial(iteration).finish("ok") for iteration in range(3)])
    path = folder.journal_file(3)
    data = path.read_bytes()
    whole = len(data[: data.rindex(b"\n", 0, -1) + 1])
    for size in range(whole + 1, len(data)):
        path.write_bytes(data[:size])
        contents = read_journal(path, SPACE)
        assert contents.torn == size - whole
        assert [t.finished for t in contents.trials.values()] == [True, True, False]
    with pytest.warns(RuntimeWarning, match="cut short by a kill"):
        go_on(folder, 1, trial(3).finish("ok"))
    again = folder.reader(3, SPACE)
    again.read()
    again.check_whole()
    assert [t.finished for t in again.trials.values()] == [True, True, False, True]
    go_on(folder, 2, trial(2).finish("ok"))  # without another warning


def test_a_running_trial_begun_again_finishes_once(tmp_path):
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    journal.started(trial(0, attempt=1))
    journal.finished(trial(0, attempt=1).finish("ok", metrics={"loss": 1.0}))
    journal.finished(trial(0, attempt=2).finish("ok", metrics={"loss": 2.0}))
    journal.close()
    (finished,) = read_journal(tmp_path / "j", SPACE).trials.values()
    assert (finished.attempt, finished.metrics) == (1, {"loss": 1.0})


def test_any_flipped_bit_is_found_and_named(tmp_path):
    path = tmp_path / "j"
    write(path, 2)
    data = path.read_bytes()
    for position in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        if position == len(data) - 1:
            continue  # the last newline: that is a torn line
        with pytest.raises(StudyError, match=rf"{path.name}, line {data[:position].count(10) + 1}:"):
            read_journal(path, SPACE)


@pytest.mark.parametrize("lines", [[0, 2], [0, 1, 1], [1]])
def test_missing_and_doubled_lines_are_found(tmp_path, lines):
    path = tmp_path / "j"
    write(path, 1)
    content = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(content[number] for number in lines))
    with pytest.raises(StudyError, match="sequence number"):
        read_journal(path, SPACE)


HEADER = {"event": "study", "format": 1, "study": "study-1", "drive": 3}
STARTED = {"event": "started", "drive": 3, "iteration": 0, "x": [0.5, "a"]}
FINISHED = {"event": "finished", "drive": 3, "iteration": 0, "status": "ok", "metrics": {"loss": 1.0}, "seconds": 1.0}


def put(path, *records):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(encode_line(record | {"sequence": number}) for number, record in enumerate(records)))


@pytest.mark.parametrize("record", [FINISHED, STARTED, {"event": "?"}, {"event": "study"}, HEADER | {"format": 2}])
def test_a_first_line_that_is_no_header_is_an_error_with_its_line(tmp_path, record):
    put(tmp_path / "j", record)
    with pytest.raises(StudyError, match="line 1:"):
        read_journal(tmp_path / "j", SPACE)


@pytest.mark.parametrize(
    "changes",
    [
        {"drive": 2},
        {"drive": "3"},
        {"drive": None},
        {"iteration": -1},
        {"iteration": 0.0},
        {"iteration": True},
        {"x": [2.0, "a"]},
        {"x": "0a"},
        {"x": None},
        {"attempt": -1},
        {"attempt": "0"},
        {"subspace": -1},
        {"region": 1.5},
        {"arm": 3},
        {"model": [1]},
        {"predicted": "low"},
        {"known": 3},
        {"known": [{"0": -1}]},
        {"known": [{"a": 1}]},
        {"pending": [-1]},
        {"pending": 3},
        {"started": "now"},
        {"started": -1.0},
        {"rank": -1},
        {"host": None},
        {"origin": "elsewhere"},
        {"event": "ended"},
        {"event": "study"},
        {"event": ["started"]},
    ],
)
def test_each_field_of_a_begun_trial_is_checked(tmp_path, changes):
    folder = StudyFolder(tmp_path)
    put(folder.journal_file(3), HEADER, STARTED | changes)
    with pytest.raises(StudyError, match=r"00003\.jsonl, line 2:"):
        folder.read_journals(SPACE, [3])


@pytest.mark.parametrize(
    "changes",
    [
        {"drive": 2},
        {"iteration": 1},
        {"iteration": "0"},
        {"iteration": [0]},
        {"status": "fine"},
        {"status": "running"},
        {"status": None},
        {"metrics": [1.0]},
        {"metrics": {"loss": "low"}},
        {"metrics": {"loss": {}}},
        {"seconds": -1.0},
        {"seconds": "1"},
        {"error": 3},
        {"fault": "mine"},
        {"reports": [[1]]},
        {"reports": [["1", 2.0]]},
    ],
)
def test_each_field_of_an_ended_trial_is_checked(tmp_path, changes):
    folder = StudyFolder(tmp_path)
    put(folder.journal_file(3), HEADER, STARTED, FINISHED | changes)
    with pytest.raises(StudyError, match=r"00003\.jsonl, line 3:"):
        folder.read_journals(SPACE, [3])


def test_a_journal_under_another_name_or_in_another_study_is_named(tmp_path):
    folder = StudyFolder(tmp_path)
    put(folder.journal_file(2), HEADER)
    with pytest.raises(StudyError, match=r"00002\.jsonl, line 1: it begins the journal of drive 3"):
        folder.read_journals(SPACE, [2])
    put(folder.journal_file(3), HEADER)
    folder.read_journals(SPACE, [3], "study-1")
    with pytest.raises(StudyError, match=r"00003\.jsonl, line 1: the journal belongs to another study"):
        folder.read_journals(SPACE, [3], "study-2")


@pytest.mark.parametrize("number", [1, 7, 999999999999])
def test_a_copy_of_a_segment_under_another_number_is_named_and_hides_nothing(tmp_path, number):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, trial(0)).close()
    go_on(folder, 2, trial(1)).close()
    shutil.copy(folder.journal_file(3, 0), folder.journal_file(3, number))
    with pytest.raises(StudyError, match=rf"00003\.{number}\.jsonl, line 1: it begins segment 0 .* that of segment {number};"):
        folder.read_journals(SPACE, [3])


def test_a_segment_of_an_earlier_version_does_not_tell_its_number(tmp_path):
    folder = StudyFolder(tmp_path)
    put(folder.journal_file(3, 4), HEADER | {"follows": {}})
    assert folder.read_journals(SPACE, [3])[3].attempt == 4


@pytest.mark.parametrize("kind", ["directory", "fifo", "dangling link", "unreadable"])
@pytest.mark.parametrize("name", ["study.json", "journals/00003.jsonl"])
def test_what_is_no_file_is_an_error_and_no_wait(tmp_path, monkeypatch, kind, name):
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    path = tmp_path / name
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    else:
        path.write_text("?")

        def refuse(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    if kind == "dangling link":  # as if it were not there
        assert folder.read_study() is None
        return
    read = folder.read_study if name == "study.json" else lambda: folder.read_journals(SPACE, [3])
    with pytest.raises(StudyError, match=f"{path.name} cannot be read"):
        read()


class Interruption(BaseException):
    """Ctrl-C at the worst moment."""


@pytest.mark.parametrize("when", ["before", "after", "half"])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "fstat", "close"])
@pytest.mark.parametrize("error", [Interruption(), OSError(5, "Input/output error"), OSError(28, "No space left on device")])
@pytest.mark.filterwarnings("ignore:.*the disk is full")
def test_a_write_that_is_cut_short_anywhere_damages_nothing(tmp_path, monkeypatch, call, when, error):
    path = tmp_path / "j"
    journal = Journal(path, "study-1", 3, SPACE)
    journal.started(trial(0))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # of the wait for space
    real, armed = getattr(os, call), [True]

    def fail(*arguments, **options):
        file = arguments[0] if call == "open" else os.readlink(f"/proc/self/fd/{arguments[0]}")
        if not armed or str(file) != str(path):
            return real(*arguments, **options)
        armed.clear()
        if when == "after" or call == "close":
            real(*arguments, **options)
        elif when == "half" and call == "write":
            real(arguments[0], bytes(arguments[1])[:10])
        raise error

    monkeypatch.setattr(os, call, fail)
    with contextlib.suppress(Interruption, StudyError, OSError):
        journal.finished(trial(0).finish("ok", metrics={"loss": 1.0}))
    assert not armed
    read_journal(path, SPACE)
    journal.close()
    contents = read_journal(path, SPACE)
    assert (contents.lines, contents.torn) == (3, 0)
    assert contents.trials[TrialKey(0, 3)].metrics == {"loss": 1.0}


def test_a_file_that_was_removed_or_shortened_meanwhile_is_an_error(tmp_path):
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    os.truncate(tmp_path / "j", 20)
    with pytest.raises(StudyError, match="it has lost its end"):
        journal.finished(trial(0).finish("ok"))
    (tmp_path / "j").unlink()
    with pytest.raises(StudyError, match="cannot be written: No such file"):
        journal.close()


def test_any_number_of_drives_needs_no_open_files(tmp_path):
    journals = [Journal(tmp_path / str(drive), "study-1", drive, SPACE) for drive in range(50)]
    before = len(os.listdir("/proc/self/fd"))
    for drive, journal in enumerate(journals):
        journal.started(Trial(drive=drive, iteration=0, x=(0.1, "a")))
    assert len(os.listdir("/proc/self/fd")) == before


def test_reading_runs_no_code(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b"cos\nsystem\n(S'touch hit'\ntR.\n")
    with pytest.raises(StudyError, match="line 1"):
        read_journal(path, SPACE)


def test_strict_json_only():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_line({"x": float("nan")})
    assert decode_line(encode_line({"x": 0.1})[:-1])["x"] == 0.1


def test_each_line_is_synced_before_the_call_returns(tmp_path, monkeypatch):
    calls = []
    write_to, sync = os.write, os.fsync
    monkeypatch.setattr(os, "write", lambda file, data: calls.append("write") or write_to(file, data))
    monkeypatch.setattr(os, "fsync", lambda file: calls.append("fsync") or sync(file))
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    assert calls == ["write", "fsync", "fsync", "write", "fsync"]  # the header, its file's name, and the event
    calls.clear()
    journal.finished(trial(0).finish("ok"))
    journal.close()
    assert calls == ["write", "fsync"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB of its own."""
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.filterwarnings("ignore:.*the disk is full")
def test_on_a_full_disk_nobody_hears_of_an_end_before_it_is_written(small_disk, monkeypatch):
    path = small_disk / "j"
    journal = Journal(path, "study-1", 3, SPACE)
    journal.started(trial(0))
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    error = "x" * 5000  # more than what is left of the last page
    waits = []

    def wait(seconds):
        read = read_journal(path, SPACE)  # readable all the time
        assert not read.trials[TrialKey(0, 3)].finished
        waits.append(read.lines)
        if len(waits) == 3:
            filler.unlink()

    monkeypatch.setattr(time, "sleep", wait)
    journal.finished(trial(0).finish("failed", error=error))
    assert waits == [2, 2, 2]
    journal.started(trial(1))
    journal.close()
    contents = read_journal(path, SPACE)
    assert [(t.status, t.error) for t in contents.trials.values()] == [("failed", error), ("running", None)]
    assert contents.torn == 0


@pytest.mark.filterwarnings("ignore:.*the disk is full")
def test_a_disk_that_stays_full_is_one_sentence(small_disk, monkeypatch):
    journal = Journal(small_disk / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    monkeypatch.setattr(hyperspace.system.disk, "PATIENCE", 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(StudyError, match="the disk is full; free space and start again"):
        journal.finished(trial(0).finish("failed", error="x" * 5000))
    with pytest.raises(StudyError, match="the disk is full; free space and start again"):
        journal.close()


def test_a_folder_is_set_aside_and_never_lost(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    for number in (1, 2):
        folder.write_study({"format": 1, "number": number})
        assert folder.set_aside() == tmp_path / f"study.old-{number}"
    assert StudyFolder(tmp_path / "study.old-1").read_study()["number"] == 1
    assert folder.read_study() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', "\xff"])
def test_a_damaged_study_file_is_named(tmp_path, text):
    folder = StudyFolder(tmp_path)
    folder.study_file.write_text(text)
    with pytest.raises(StudyError, match=r"study\.json"):
        folder.read_study()


def test_segments_of_a_drive_are_read_as_one(tmp_path):
    folder = StudyFolder(tmp_path)
    first = trial(0).finish("ok", metrics={"loss": 1.0})
    go_on(folder, 0, first, trial(1))  # killed while it evaluated iteration 1
    reader = folder.reader(3, SPACE)
    assert reader.read()
    assert [t.finished for t in reader.trials.values()] == [True, False]
    assert not reader.read()
    go_on(folder, 1, trial(1, attempt=1).finish("ok", metrics={"loss": 2.0}), trial(2, attempt=1))
    assert reader.read()
    assert [(t.attempt, t.status) for t in reader.trials.values()] == [(0, "ok"), (1, "ok"), (1, "running")]
    assert folder.drives() == [3]


@pytest.mark.parametrize("looks_in_between", [True, False])
def test_what_a_stalled_owner_writes_after_it_was_taken_over_does_not_count(tmp_path, looks_in_between):
    folder = StudyFolder(tmp_path)
    stalled = go_on(folder, 0, trial(0))
    reader = folder.reader(3, SPACE)
    reader.read()
    second = go_on(folder, 1, trial(0, attempt=1))
    if looks_in_between:
        reader.read()
    stalled.finished(trial(0).finish("ok", metrics={"loss": 1.0}))
    if looks_in_between:
        reader.read()
        assert not reader.trials[TrialKey(0, 3)].finished
    second.finished(trial(0, attempt=1).finish("ok", metrics={"loss": 2.0}))
    stalled.started(trial(1))
    reader.read()
    reader.check_whole()
    assert {key: t.metrics for key, t in reader.trials.items()} == {TrialKey(0, 3): {"loss": 2.0}}


def test_a_reader_takes_back_what_does_not_count(tmp_path):
    """It has read a line of the stalled owner before the new owner's first line was there."""
    folder = StudyFolder(tmp_path)
    stalled = go_on(folder, 0, trial(0))
    taker = folder.reader(3, SPACE)
    taker.read()
    second = open_journal(folder, "study-1", 3, SPACE, taker, 1, lambda: None)
    stalled.finished(trial(0).finish("ok"))
    stalled.started(trial(1))
    reader = folder.reader(3, SPACE)
    reader.read()
    assert [t.finished for t in reader.trials.values()] == [True, False]
    second.started(trial(0, attempt=1))
    reader.read()
    assert [(t.iteration, t.attempt, t.finished) for t in reader.trials.values()] == [(0, 1, False)]


def test_a_segment_begun_by_a_stalled_owner_does_not_count(tmp_path):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, trial(0).finish("ok"))
    taker = folder.reader(3, SPACE)
    taker.read()
    stalled = open_journal(folder, "study-1", 3, SPACE, taker, 1, lambda: None)
    go_on(folder, 2, trial(1, attempt=1).finish("ok", metrics={"loss": 2.0}))
    stalled.started(trial(1))
    stalled.finished(trial(1).finish("ok", metrics={"loss": 1.0}))
    (reader,) = folder.read_journals(SPACE, [3]).values()
    assert reader.trials[TrialKey(1, 3)].metrics == {"loss": 2.0}


def test_two_writers_of_one_segment_are_one_too_many(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    one, other = (open_journal(folder, "study-1", 3, SPACE, None, 0, lambda: None) for _ in range(2))
    one.started(trial(0))
    with pytest.raises(LeaseLostError, match="was there already"):
        other.started(trial(0))
    other.close()
    assert read_journal(folder.journal_file(3), SPACE).lines == 2


def test_an_owner_that_has_lost_its_lease_writes_nothing(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    leases = Leases(folder.leases)
    leases.take("00003")
    journal = open_journal(folder, "study-1", 3, SPACE, None, 0, leases.claim("00003").check)
    journal.started(trial(0))
    before = folder.journal_file(3).read_bytes()
    (folder.leases / "00003.0.json").unlink()
    for act in (lambda: journal.finished(trial(0).finish("ok")), lambda: journal.started(trial(1))):
        with pytest.raises(LeaseLostError, match="was taken over by another run"):
            act()
    journal.close()
    assert folder.journal_file(3).read_bytes() == before
    leases.close()


def test_an_owner_that_loses_its_lease_within_a_write_does_not_tell_of_it(tmp_path, monkeypatch):
    """Whoever has taken the lease over meanwhile may have read the journal before that write."""
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    leases = Leases(folder.leases)
    leases.take("00003")
    journal = open_journal(folder, "study-1", 3, SPACE, None, 0, leases.claim("00003").check)
    journal.started(trial(0))
    write = os.write

    def write_late(file, data):
        (folder.leases / "00003.0.json").unlink(missing_ok=True)
        return write(file, data)

    monkeypatch.setattr(os, "write", write_late)
    with pytest.raises(LeaseLostError, match="was taken over by another run"):
        journal.finished(trial(0).finish("ok"))
    journal.close()
    leases.close()


def test_a_lost_segment_and_a_shortened_one_are_named(tmp_path):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, trial(0).finish("ok"), trial(1))
    go_on(folder, 1, trial(1, attempt=1).finish("ok"))
    first = folder.journal_file(3)
    data = first.read_bytes()
    first.write_bytes(data[: data.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(StudyError, match=r"00003\.jsonl ends after line 3, .* counts on 4 lines"):
        folder.read_journals(SPACE, [3])
    first.unlink()
    with pytest.raises(StudyError, match=r"segment 0 of drive 3's journal is missing, .*00003\.1\.jsonl counts on 4"):
        folder.read_journals(SPACE, [3])


def test_of_two_results_of_earlier_versions_the_lowest_attempt_holds(tmp_path):
    """Their segments do not tell what counts of the ones before."""
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    for attempt, loss in ((0, 1.0), (1, 2.0)):
        started, finished = trial(0, attempt=attempt), trial(0, attempt=attempt).finish("ok", metrics={"loss": loss})
        records = [
            {"event": "study", "format": 1, "study": "study-1", "drive": 3},
            {"event": "started"} | started_record(started, SPACE),
            {"event": "finished", "drive": 3, "iteration": 0, "attempt": attempt} | finished_record(finished),
        ]
        lines = [encode_line(record | {"sequence": number}) for number, record in enumerate(records)]
        folder.journal_file(3, attempt).write_bytes(b"".join(lines))
    (reader,) = folder.read_journals(SPACE, [3]).values()
    assert reader.trials[TrialKey(0, 3)].metrics == {"loss": 1.0}


@pytest.mark.parametrize("has_links", [True, False])
def test_of_several_creators_of_a_study_one_is_first(tmp_path, monkeypatch, has_links):
    if not has_links:

        def refuse(source, target):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    folder = StudyFolder(tmp_path / "study")
    assert folder.write_study({"format": 1, "by": "a"}, create=True)
    assert not folder.write_study({"format": 1, "by": "b"}, create=True)
    assert folder.read_study()["by"] == "a"
    assert [file.name for file in sorted(folder.path.iterdir())] == ["journals", "study.json"]

import errno
import os
import shutil

import pytest
from journals import SPACE, go_on, put, trial, write

from hyperspace.errors import StudyError
from hyperspace.journal import (
    DriveReader,
    Journal,
    JournalReader,
    StudyFolder,
    encode_line,
    open_journal,
    read_journal,
)
from hyperspace.trials.records import finished_record, started_record
from hyperspace.trials.trial import TrialKey


def test_what_was_written_is_read_back(tmp_path):
    write(tmp_path / "j", 5)
    contents = read_journal(tmp_path / "j", SPACE)
    assert contents.study == "study-1"
    assert [t.metrics["loss"] for t in contents.trials.values()] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert contents.trials[TrialKey(2, 3)].x == (0.2, "a")
    assert contents.lines == 16


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
    (running,) = read_journal(tmp_path / "j", SPACE).trials.values()
    assert (running.attempt, running.finished) == (1, False)
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


def test_reading_runs_no_code(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b"cos\nsystem\n(S'touch hit'\ntR.\n")
    with pytest.raises(StudyError, match="line 1"):
        read_journal(path, SPACE)


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


def append(path, *records):
    """Append records to a segment; their sequence numbers follow those of its lines."""
    first = path.read_bytes().count(b"\n")
    with open(path, "ab") as file:
        file.writelines(encode_line(record | {"sequence": number}) for number, record in enumerate(records, first))


def test_a_file_is_read_on_from_where_it_ended(tmp_path):
    path = tmp_path / "j"
    reader = JournalReader(path, SPACE)
    assert (reader.read(), reader.study, reader.lines) == ([], None, 0)
    put(path, HEADER)
    assert (reader.read(), reader.study, reader.lines) == ([], "study-1", 1)
    append(path, STARTED)
    assert reader.read() == [TrialKey(0, 3)]
    assert reader.read() == []
    append(path, {"event": "reported", "drive": 3, "iteration": 0, "step": 1, "metrics": {"loss": 2.0}})
    assert (reader.read(), reader.lines) == ([], 3)
    append(path, FINISHED, STARTED | {"iteration": 1})
    assert reader.read() == [TrialKey(0, 3), TrialKey(1, 3)]
    assert (reader.lines, reader.size, reader.torn) == (5, path.stat().st_size, 0)


def test_a_line_counts_once_it_is_complete(tmp_path):
    path = tmp_path / "j"
    put(path, HEADER, STARTED)
    data, reader = path.read_bytes(), JournalReader(tmp_path / "live", SPACE)
    seen = []
    for size in range(len(data) + 1):
        reader.path.write_bytes(data[:size])
        seen += [(size, key) for key in reader.read()]
        assert reader.size + reader.torn == size
    assert seen == [(len(data), TrialKey(0, 3))]


def test_lines_of_others_are_synced_before_they_count(tmp_path, monkeypatch):
    path = tmp_path / "j"
    put(path, HEADER, STARTED)
    synced = []

    def sync(file):
        synced.append(os.readlink(f"/proc/self/fd/{file}"))
        assert reader.lines == 0

    monkeypatch.setattr(os, "fsync", sync)
    reader = JournalReader(path, SPACE, durable=True)
    reader.read()
    assert synced == [str(path)]
    reader.read()  # without news
    assert synced == [str(path)]
    read_journal(path, SPACE)
    assert synced == [str(path)]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EBADF])
def test_a_file_that_nobody_can_write_needs_no_sync(tmp_path, monkeypatch, number):
    def refuse(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    put(tmp_path / "j", HEADER)
    reader = JournalReader(tmp_path / "j", SPACE, durable=True)
    reader.read()
    assert reader.lines == 1


def test_lines_that_cannot_be_synced_do_not_count(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    put(tmp_path / "j", HEADER)
    reader = JournalReader(tmp_path / "j", SPACE, durable=True)
    with pytest.raises(StudyError, match="j cannot be read: Input/output error"):
        reader.read()
    assert reader.lines == 0


def test_a_retry_takes_the_place_of_a_failure_when_it_ends(tmp_path):
    failed = FINISHED | {"status": "failed", "metrics": {}, "error": "ValueError: no"}
    put(tmp_path / "j", HEADER, STARTED, failed, STARTED | {"retry": 1, "attempt": 1})
    reader = JournalReader(tmp_path / "j", SPACE)
    reader.read()
    (trial,) = reader.trials.values()
    assert (trial.status, trial.retry) == ("failed", 0)
    append(tmp_path / "j", FINISHED)
    reader.read()
    (trial,) = reader.trials.values()
    assert (trial.status, trial.retry, trial.attempt) == ("ok", 1, 1)
    assert trial.error is None
    append(tmp_path / "j", STARTED | {"retry": 1}, failed)  # not another retry
    reader.read()
    assert list(reader.trials.values()) == [trial]


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4, 5])
def test_lines_after_those_that_count_are_as_if_they_were_not_there(tmp_path, cut):
    records = [HEADER, STARTED, FINISHED, STARTED | {"iteration": 1}, FINISHED | {"iteration": 1}]
    put(tmp_path / "whole", *records)
    put(tmp_path / "cut", *records[:cut])
    expected = read_journal(tmp_path / "cut", SPACE)
    for before in (True, False):  # it has read the whole file, or nothing, before it is told
        reader = JournalReader(tmp_path / "whole", SPACE)
        read = reader.read() if before else []
        changed = reader.end_at(cut)
        assert (reader.lines, reader.size, reader.trials) == (expected.lines, expected.size, expected.trials)
        assert {*changed} >= {*read} - {*reader.trials}
        assert {*read, *changed} >= {*reader.trials}
        assert reader.end_at(cut) == []
        append(tmp_path / "whole", STARTED | {"iteration": reader.path.read_bytes().count(b"\n")})
        assert reader.read() == []
        if cut <= len(records):
            reader.check_whole()


def test_more_lines_count_when_a_later_header_says_so(tmp_path):
    put(tmp_path / "j", HEADER, STARTED, FINISHED, STARTED | {"iteration": 1})
    reader = JournalReader(tmp_path / "j", SPACE)
    assert reader.end_at(2) == [TrialKey(0, 3)]
    assert not reader.trials[TrialKey(0, 3)].finished
    assert reader.end_at(3) == [TrialKey(0, 3)]
    assert reader.trials[TrialKey(0, 3)].finished
    reader.check_whole()
    reader.end_at(5)
    with pytest.raises(StudyError, match=r"j ends after line 4, .* counts on 5 lines of it"):
        reader.check_whole()


def test_a_drive_without_files_has_nothing_yet(tmp_path):
    files = {}
    reader = DriveReader(lambda: files, 3, SPACE, "study-1")
    assert not reader.read()
    assert (reader.attempt, reader.first_unfinished, reader.trials) == (-1, 0, {})
    reader.check_whole()
    put(tmp_path / "j", HEADER, STARTED, FINISHED, STARTED | {"iteration": 1})
    files[0] = tmp_path / "j"
    assert reader.read()
    assert (reader.attempt, reader.first_unfinished) == (0, 1)


def test_the_first_unfinished_iteration_is_the_first_gap(tmp_path):
    later = [STARTED | {"iteration": 2}, FINISHED | {"iteration": 2}]
    put(tmp_path / "j", HEADER, STARTED, FINISHED, *later)
    reader = DriveReader(lambda: {0: tmp_path / "j"}, 3, SPACE)
    reader.read()
    assert reader.first_unfinished == 1


def test_a_segment_without_lines_decides_nothing(tmp_path):
    """Its owner has taken the lease, and was killed within its first write."""
    put(tmp_path / "0", HEADER, STARTED, FINISHED)
    put(tmp_path / "1", HEADER | {"attempt": 1, "follows": {"0": 2}})
    (tmp_path / "2").write_bytes(encode_line(HEADER | {"sequence": 0, "attempt": 2, "follows": {}})[:20])
    reader = DriveReader(lambda: {number: tmp_path / str(number) for number in range(3)}, 3, SPACE)
    assert reader.read()
    assert reader.attempt == 2
    assert not reader.trials[TrialKey(0, 3)].finished
    reader.check_whole()


def test_a_folder_may_show_a_later_segment_first(tmp_path):
    put(tmp_path / "0", HEADER, STARTED, FINISHED)
    put(tmp_path / "1", HEADER | {"attempt": 1, "follows": {"0": 2}}, STARTED | {"attempt": 1})
    reader = DriveReader(dict, 3, SPACE)
    assert reader.read({1: tmp_path / "1"})
    with pytest.raises(StudyError, match=r"segment 0 of drive 3's journal is missing, and .*1 counts on 2 lines of it"):
        reader.check_whole()
    reader.read({1: tmp_path / "1", 0: tmp_path / "0"})
    assert list(reader.segments) == [0, 1]
    assert [(t.attempt, t.finished) for t in reader.trials.values()] == [(1, False)]
    reader.check_whole()


def test_a_header_counts_for_the_segments_that_it_does_not_name(tmp_path):
    """They were begun by owners that had lost their leases before the header was written."""
    put(tmp_path / "0", HEADER | {"attempt": 0}, STARTED)
    put(tmp_path / "1", HEADER | {"attempt": 1, "follows": {"0": 2}}, STARTED | {"iteration": 1})
    put(tmp_path / "2", HEADER | {"attempt": 2, "follows": {"0": 2}}, STARTED | {"iteration": 2})
    reader = DriveReader(lambda: {number: tmp_path / str(number) for number in range(3)}, 3, SPACE)
    reader.read()
    assert sorted(key.iteration for key in reader.trials) == [0, 2]


def test_of_the_records_of_a_trial_a_finished_one_holds_and_the_latest_retry_among_them(tmp_path):
    """As earlier versions wrote them, whose segments do not tell what counts of the ones before."""
    failed = FINISHED | {"status": "failed", "metrics": {}}
    put(tmp_path / "0", HEADER, STARTED, failed, STARTED | {"iteration": 1})
    put(tmp_path / "1", HEADER, STARTED | {"attempt": 1, "retry": 1}, FINISHED, STARTED | {"iteration": 1, "attempt": 1})
    put(tmp_path / "2", HEADER, STARTED | {"attempt": 2}, failed)
    reader = DriveReader(lambda: {number: tmp_path / str(number) for number in range(3)}, 3, SPACE)
    reader.read()
    assert [(t.status, t.retry, t.attempt) for t in reader.trials.values()] == [("ok", 1, 1), ("running", 0, 1)]


@pytest.mark.parametrize("follows", [{"0": -1}, {"0": True}, {"0": "1"}, {"first": 1}, [1], "0"])
def test_a_header_that_counts_wrongly_is_named(tmp_path, follows):
    put(tmp_path / "j", HEADER | {"follows": follows})
    with pytest.raises(StudyError, match="j, line 1: "):
        read_journal(tmp_path / "j", SPACE)

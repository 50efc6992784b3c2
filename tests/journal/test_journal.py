import contextlib
import json
import os
import subprocess
import time

import pytest

import hyperspace.journal.writer
from hyperspace.errors import StudyError
from hyperspace.journal import Journal, StudyFolder, decode_line, encode_line, read_journal
from hyperspace.space import check_space
from hyperspace.trial import Trial, TrialKey

SPACE = check_space([(0.0, 1.0), ["a", "b"]])


def trial(iteration, attempt=0):
    return Trial(drive=3, iteration=iteration, x=(0.1 * iteration, "a"), attempt=attempt, arm="design")


def write(path, count, contents=None, first=0):
    journal = Journal(path, "study-1", 3, SPACE, contents)
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


def test_a_journal_goes_on_where_it_ends(tmp_path):
    path = tmp_path / "j"
    write(path, 2)
    write(path, 2, read_journal(path, SPACE), first=2)
    assert len(read_journal(path, SPACE).trials) == 4


def test_every_torn_end_is_left_out_and_cut_off_by_its_owner(tmp_path):
    path = tmp_path / "j"
    write(path, 3)
    data = path.read_bytes()
    whole = len(data[: data.rindex(b"\n", 0, -1) + 1])
    for size in range(whole + 1, len(data)):
        path.write_bytes(data[:size])
        contents = read_journal(path, SPACE)
        assert contents.torn == size - whole
        assert [t.finished for t in contents.trials.values()] == [True, True, False]
    with pytest.warns(RuntimeWarning, match="cut short by a kill"):
        write(path, 1, read_journal(path, SPACE), first=3)
    again = read_journal(path, SPACE)
    assert again.torn == 0
    assert [t.finished for t in again.trials.values()] == [True, True, False, True]


def test_a_running_trial_begun_again_finishes_once(tmp_path):
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE, None)
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


def test_well_formed_nonsense_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "j"
    for record in ({"event": "finished", "drive": 1, "iteration": 0}, {"event": "started"}, {"event": "?"}, {"event": "study"}):
        path.write_bytes(encode_line(record | {"sequence": 0}))
        with pytest.raises(StudyError, match="line 1:"):
            read_journal(path, SPACE)


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
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE, None)
    calls.clear()
    journal.started(trial(0))
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
def test_on_a_full_disk_what_has_ended_is_held_and_nothing_begins(small_disk, monkeypatch):
    path = small_disk / "j"
    journal = Journal(path, "study-1", 3, SPACE, None)
    journal.started(trial(0))
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    error = "x" * 5000  # more than what is left of the last page
    journal.finished(trial(0).finish("failed", error=error))
    assert not read_journal(path, SPACE).trials[TrialKey(0, 3)].finished

    waits = []

    def wait(seconds):
        waits.append(read_journal(path, SPACE).lines)  # readable all the time
        if len(waits) == 3:
            filler.unlink()

    monkeypatch.setattr(time, "sleep", wait)
    journal.started(trial(1))
    assert waits == [2, 2, 2]
    journal.close()
    contents = read_journal(path, SPACE)
    assert [(t.status, t.error) for t in contents.trials.values()] == [("failed", error), ("running", None)]
    assert contents.torn == 0


@pytest.mark.filterwarnings("ignore:.*the disk is full")
def test_a_disk_that_stays_full_is_one_sentence(small_disk, monkeypatch):
    journal = Journal(small_disk / "j", "study-1", 3, SPACE, None)
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    monkeypatch.setattr(hyperspace.journal.writer, "_PATIENCE", 0.0)
    journal.finished(trial(0).finish("failed", error="x" * 5000))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
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


def segment(folder, number, *trials):
    """Write a segment of drive 3."""
    journal = Journal(folder.journal_file(3, number), "study-1", 3, SPACE, None)
    for each in trials:
        journal.started(each.finish("running") if each.finished else each)
        if each.finished:
            journal.finished(each)
    journal.close()


def test_segments_of_a_drive_are_read_as_one(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.write_study({"format": 1})
    first = trial(0).finish("ok", metrics={"loss": 1.0})
    segment(folder, 0, first, trial(1))  # killed while it evaluated iteration 1
    reader = folder.reader(3, SPACE)
    assert reader.read()
    assert [t.finished for t in reader.trials.values()] == [True, False]
    assert not reader.read()
    segment(folder, 1, trial(1, attempt=1).finish("ok", metrics={"loss": 2.0}), trial(2, attempt=1))
    assert reader.read()
    assert [(t.attempt, t.status) for t in reader.trials.values()] == [(0, "ok"), (1, "ok"), (1, "running")]
    assert folder.drives() == [3]


def test_of_two_results_of_one_trial_the_lowest_attempt_holds(tmp_path):
    """A stalled owner ends its evaluation after another one has taken over and repeated it."""
    folder = StudyFolder(tmp_path)
    folder.write_study({"format": 1})
    stalled = Journal(folder.journal_file(3), "study-1", 3, SPACE, None)
    stalled.started(trial(0))
    segment(folder, 1, trial(0, attempt=1).finish("ok", metrics={"loss": 2.0}))
    reader = folder.reader(3, SPACE)
    reader.read()
    assert reader.trials[TrialKey(0, 3)].metrics == {"loss": 2.0}
    stalled.finished(trial(0).finish("ok", metrics={"loss": 1.0}))
    stalled.close()
    reader.read()
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

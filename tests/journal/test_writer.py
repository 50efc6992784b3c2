import contextlib
import errno
import json
import os
import subprocess
import time

import pytest
from journals import SPACE, go_on, trial, write

import hyperspace.system.disk
from hyperspace.errors import StudyError
from hyperspace.journal import (
    Journal,
    LeaseLostError,
    Leases,
    StudyFolder,
    decode_line,
    open_journal,
    read_journal,
)
from hyperspace.trials.trial import Trial, TrialKey


def test_lines_are_plain_json_with_a_checksum(tmp_path):
    write(tmp_path / "j", 1)
    lines = (tmp_path / "j").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["study", "started", "reported", "finished"]
    assert [json.loads(line)["sequence"] for line in lines] == [0, 1, 2, 3]


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


def test_two_writers_of_one_segment_are_one_too_many(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    one, other = (open_journal(folder, "study-1", 3, SPACE, None, 0, lambda: None) for _ in range(2))
    one.started(trial(0))
    with pytest.raises(LeaseLostError, match="was there already"):
        other.started(trial(0))
    other.close()
    assert read_journal(folder.journal_file(3), SPACE).lines == 2


@pytest.fixture
def owned(tmp_path):
    """The files of a study, and a journal whose writer holds a lease and has begun a trial."""
    folder = StudyFolder(tmp_path)
    folder.journals.mkdir()
    leases = Leases(folder.leases)
    leases.take("00003")
    journal = open_journal(folder, "study-1", 3, SPACE, None, 0, leases.claim("00003").check)
    journal.started(trial(0))
    yield folder, journal
    leases.close()


def test_an_owner_that_has_lost_its_lease_writes_nothing(owned):
    folder, journal = owned
    before = folder.journal_file(3).read_bytes()
    (folder.leases / "00003.0.json").unlink()
    for act in (lambda: journal.finished(trial(0).finish("ok")), lambda: journal.started(trial(1))):
        with pytest.raises(LeaseLostError, match="was taken over by another run"):
            act()
    journal.close()
    assert folder.journal_file(3).read_bytes() == before


def test_an_owner_that_loses_its_lease_within_a_write_does_not_tell_of_it(owned, monkeypatch):
    """Another owner may have read the journal before that write."""
    folder, journal = owned
    write = os.write

    def write_late(file, data):
        (folder.leases / "00003.0.json").unlink(missing_ok=True)
        return write(file, data)

    monkeypatch.setattr(os, "write", write_late)
    with pytest.raises(LeaseLostError, match="was taken over by another run"):
        journal.finished(trial(0).finish("ok"))
    journal.close()


def test_a_journal_without_an_event_makes_no_file(tmp_path):
    Journal(tmp_path / "j", "study-1", 3, SPACE).close()
    assert not (tmp_path / "j").exists()


def test_the_lease_is_looked_at_before_and_after_each_write(tmp_path):
    path, sizes = tmp_path / "j", []
    journal = Journal(path, "study-1", 3, SPACE, check=lambda: sizes.append(path.stat().st_size if path.exists() else 0))
    journal.started(trial(0))
    started = path.stat().st_size
    assert (sizes[0], sizes[-1]) == (0, started)
    sizes.clear()
    journal.finished(trial(0).finish("ok"))
    assert sizes == [started, path.stat().st_size]
    sizes.clear()
    journal.close()  # nothing is left to write
    assert sizes == []


def test_reports_are_not_waited_for_on_a_full_disk_and_keep_their_order(tmp_path, monkeypatch):
    path, write = tmp_path / "j", os.write
    journal = Journal(path, "study-1", 3, SPACE)
    journal.started(trial(0))
    before = path.read_bytes()

    def refuse(file, data):
        write(file, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", refuse)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    for step in (1, 2):
        with pytest.warns(RuntimeWarning, match="j: the disk is full. Nothing is lost"):
            journal.reported(trial(0), step, {"loss": float("inf"), "curve": (1.0, float("nan"))})
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "write", write)
    journal.finished(trial(0).finish("ok"))
    events = [decode_line(line) for line in path.read_bytes().splitlines()]
    assert [event["event"] for event in events] == ["study", "started", "reported", "reported", "finished"]
    assert [event["step"] for event in events[2:4]] == [1, 2]
    assert events[2]["metrics"] == {"loss": "inf", "curve": [1.0, "nan"]}


def test_a_write_of_a_few_bytes_at_a_time_is_completed(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    journal.finished(trial(0).finish("ok"))
    contents = read_journal(tmp_path / "j", SPACE)
    assert (contents.lines, contents.torn) == (3, 0)


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path):
    journal = Journal(tmp_path / "j", "study-1", 3, SPACE)
    journal.started(trial(0))
    (tmp_path / "j").rename(tmp_path / "elsewhere")
    (tmp_path / "j").symlink_to("elsewhere")
    with pytest.raises(StudyError, match="j cannot be written: Too many levels of symbolic links"):
        journal.finished(trial(0).finish("ok"))


@pytest.mark.filterwarnings("error")
def test_a_header_counts_the_lines_that_were_read_and_no_later_ones(tmp_path):
    folder = StudyFolder(tmp_path)
    go_on(folder, 0, trial(0).finish("ok"))
    stalled = go_on(folder, 2, trial(1))
    reader = folder.reader(3, SPACE)
    reader.read()
    stalled.finished(trial(1).finish("ok"))
    open_journal(folder, "study-1", 3, SPACE, reader, 5, lambda: None).started(trial(1, attempt=1))
    header = decode_line(folder.journal_file(3, 5).read_bytes().splitlines()[0])
    assert (header["attempt"], header["follows"]) == (5, {"0": 3, "2": 2})

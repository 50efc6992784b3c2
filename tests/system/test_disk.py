"""Shortages that pass: which errors are such, and how they are waited for."""

import errno
import os

import pytest

from hyperspace.system import disk
from hyperspace.system.disk import Shortage, has_room, is_full, is_passing, wait_while_full, wait_while_short


def failing(number, times, value="done"):
    """Return a function that raises OSError(number) so many times, and returns `value` then."""
    left = [times]

    def attempt():
        if left[0] > 0:
            left[0] -= 1
            raise OSError(number, os.strerror(number), "/some/file")
        return value

    return attempt


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(disk, "RETRY", 0.001)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_waited_for_and_said_once(number):
    with pytest.warns(RuntimeWarning, match="it cannot be written: /some/file: ") as warned:
        assert wait_while_full(failing(number, 3), "it cannot be written") == "done"
    assert len(warned) == 1


def test_another_error_is_raised_at_once():
    with pytest.raises(PermissionError):
        wait_while_full(failing(errno.EACCES, 1), "it")
    with pytest.raises(BlockingIOError):
        wait_while_full(failing(errno.EAGAIN, 1), "it")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY])
def test_so_is_what_keeps_a_process_from_being_started(number):
    with pytest.warns(RuntimeWarning):
        assert wait_while_short(failing(number, 2), "it") == "done"
    error = OSError(number, "")
    assert is_passing(error)
    assert not is_full(error)


def test_waiting_ends(monkeypatch):
    monkeypatch.setattr(disk, "PATIENCE", 0.01)
    with pytest.warns(RuntimeWarning), pytest.raises(OSError, match="No space left"):
        wait_while_full(failing(errno.ENOSPC, 10**9), "it")
    with pytest.warns(RuntimeWarning):
        shortage = Shortage("it", OSError(errno.ENOSPC, ""))
    assert not shortage.is_hopeless


def test_room_is_looked_for_where_a_folder_would_be_made(tmp_path, monkeypatch):
    assert has_room(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []

    def full(*arguments, **options):
        raise OSError(errno.EDQUOT, "")

    monkeypatch.setattr(disk.tempfile, "TemporaryFile", full)
    assert not has_room(tmp_path)


def test_a_limit_on_the_size_of_files_is_named_as_what_ended_the_study(python):
    program = """
        import resource
        from hyperspace import hyperdrive
        from hyperspace.errors import StudyError
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            hyperdrive(lambda x: x[0], [(0.0, 1.0)], "study", model="RAND", n_calls=40)
        except StudyError as error:
            print(len(error.result.all_trials), error)
    """
    told = python(program).stdout
    assert "File too large. The " in told
    assert "removed" not in told

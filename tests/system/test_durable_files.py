"""Whole files of a study: only regular ones are read, what is written is there whole or not at all, and durable."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from hyperspace.system import durable_files
from hyperspace.system.durable_files import (
    create_whole,
    file_system_time,
    make_folder,
    once_more,
    open_regular,
    read_whole,
    replace_whole,
    sync_file,
    sync_folder,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def events(monkeypatch):
    """Record what is synced, linked, renamed and made, in order."""
    told = []

    def watch(name, label):
        real = getattr(os, name)

        def call(first, *arguments, **options):
            result = real(first, *arguments, **options)
            told.append((name, *label(first, *arguments)))
            return result

        monkeypatch.setattr(os, name, call)

    def synced(descriptor):
        what = os.fstat(descriptor)
        return ("folder", what.st_ino) if stat.S_ISDIR(what.st_mode) else ("file", what.st_size)

    watch("fsync", synced)
    watch("link", lambda source, target: (Path(target).name,))
    watch("replace", lambda source, target: (Path(target).name,))
    watch("mkdir", lambda folder, *more: (Path(folder).name,))
    return told


def failing(monkeypatch, name, number, times=None):
    """Let a call of the operating system fail, the first so many times or always; return the list of its calls."""
    real, calls = getattr(os, name), []

    def call(*arguments, **options):
        calls.append(arguments)
        if times is None or len(calls) <= times:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, call)
    return calls


# --- reading ------------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_and_through_a_link_too(tmp_path):
    (tmp_path / "file").write_bytes(b"a\x00b\n")
    (tmp_path / "link").symlink_to("file")
    assert read_whole(tmp_path / "file") == read_whole(tmp_path / "link") == b"a\x00b\n"


def test_what_is_no_regular_file_is_an_error_and_no_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="it is not a regular file") as raised:
            open_regular(tmp_path / name)
        assert raised.value.filename == str(tmp_path / name)
    with pytest.raises(OSError, match="not a regular file"):
        read_whole(Path(os.devnull))
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "nothing")


def test_no_descriptor_is_left_open_or_handed_to_children(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"1")
    before = os.listdir("/proc/self/fd")
    read_whole(tmp_path / "file")
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(tmp_path / "pipe")
    sync_folder(tmp_path)
    file_system_time(tmp_path)
    assert os.listdir("/proc/self/fd") == before
    descriptor = open_regular(tmp_path / "file")
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_a_handle_that_the_server_has_forgotten_is_asked_for_once_more(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"1")
    calls = failing(monkeypatch, "open", errno.ESTALE, times=1)
    assert read_whole(tmp_path / "file") == b"1"
    assert len(calls) == 2


@pytest.mark.parametrize(("number", "tries"), [(errno.ESTALE, 2), (errno.EIO, 1), (errno.EACCES, 1)])
def test_an_action_that_goes_on_failing_is_given_up(number, tries):
    done = []

    def action():
        done.append(1)
        raise OSError(number, "")

    with pytest.raises(OSError) as raised:  # noqa: PT011  # the number says which
        once_more(action)
    assert raised.value.errno == number
    assert len(done) == tries


# --- writing ------------------------------------------------------------------------------------------------------------------


def test_a_replaced_file_is_durable_before_it_has_its_name_and_its_name_is_durable_after(tmp_path, events):
    (tmp_path / "study.json").write_text("old")
    with open(tmp_path / "study.json") as reader:
        replace_whole(tmp_path / "study.json", "néw")
        assert reader.read() == "old"
    assert (tmp_path / "study.json").read_bytes() == "néw".encode()
    assert names(tmp_path) == ["study.json"]
    assert events == [("fsync", "file", 4), ("replace", "study.json"), ("fsync", "folder", tmp_path.stat().st_ino)]


def test_a_created_file_is_durable_before_it_has_its_name_and_its_name_is_durable_after(tmp_path, events):
    assert create_whole(tmp_path / "lease", "mine")
    assert events == [("fsync", "file", 4), ("link", "lease"), ("fsync", "folder", tmp_path.stat().st_ino)]
    assert not create_whole(tmp_path / "lease", "yours")
    assert (tmp_path / "lease").read_text() == "mine"
    assert names(tmp_path) == ["lease"]


def test_a_link_in_the_place_of_a_new_file_is_not_written_through(tmp_path):
    (tmp_path / "lease").symlink_to(tmp_path / "elsewhere")
    assert not create_whole(tmp_path / "lease", "mine")
    assert names(tmp_path) == ["lease"]


@pytest.mark.parametrize("links", [True, False])
def test_of_many_that_create_a_file_one_does(tmp_path, monkeypatch, links):
    if not links:
        failing(monkeypatch, "link", errno.EPERM)
    gate, made = threading.Barrier(8), []

    def create(number):
        gate.wait()
        if create_whole(tmp_path / "lease", str(number)):
            made.append(str(number))

    threads = [threading.Thread(target=create, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [(tmp_path / "lease").read_text()]
    assert names(tmp_path) == ["lease"]


def test_a_file_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_whole(tmp_path / "folder", "text")
    with pytest.raises(FileNotFoundError):
        replace_whole(tmp_path / "none" / "file", "text")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("write", [replace_whole, create_whole])
def test_a_disk_that_fails_is_an_error_and_leaves_nothing(tmp_path, monkeypatch, write):
    failing(monkeypatch, "fsync", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        write(tmp_path / "file", "text")
    assert names(tmp_path) == []


def test_without_hard_links_a_file_is_created_all_the_same_and_once(tmp_path, monkeypatch):
    failing(monkeypatch, "link", errno.EPERM)
    assert create_whole(tmp_path / "lease", "mine")
    assert not create_whole(tmp_path / "lease", "yours")
    assert (tmp_path / "lease").read_text() == "mine"
    assert names(tmp_path) == ["lease"]


def test_without_hard_links_a_file_that_cannot_be_written_whole_is_not_left_in_part(tmp_path, monkeypatch):
    failing(monkeypatch, "link", errno.EPERM)
    real, calls = os.fsync, []

    def full_at_the_second_file(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_the_second_file)
    with pytest.raises(OSError, match="No space left"):
        create_whole(tmp_path / "lease", "mine")
    assert names(tmp_path) == []


def test_a_file_system_that_cannot_sync_is_said_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(durable_files, "_warned", False)
    failing(monkeypatch, "fsync", errno.EINVAL)
    replace_whole(tmp_path / "one", "1")
    assert create_whole(tmp_path / "two", "2")
    assert (tmp_path / "one").read_text() + (tmp_path / "two").read_text() == "12"
    told = capsys.readouterr().err
    assert told.count(f"the file system of {tmp_path} cannot sync files") == told.count("\n") == 1


# --- making durable -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_that_cannot_be_synced_is_told_apart_from_one_that_is_lost(tmp_path, monkeypatch, number):
    with open(tmp_path / "file", "w") as file:
        assert sync_file(file.fileno())
        with monkeypatch.context() as patch:
            failing(patch, "fsync", number)
            assert not sync_file(file.fileno())
            sync_folder(tmp_path)
        for serious in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            with monkeypatch.context() as patch:
                failing(patch, "fsync", serious)
                with pytest.raises(OSError):  # noqa: PT011
                    sync_file(file.fileno())
                with pytest.raises(OSError):  # noqa: PT011
                    sync_folder(tmp_path)


@pytest.mark.parametrize("number", [errno.EBADF, errno.EACCES])
def test_a_folder_may_refuse_to_be_synced_where_a_file_may_not(tmp_path, monkeypatch, number):
    failing(monkeypatch, "fsync", number)
    sync_folder(tmp_path)
    with open(tmp_path / "file", "w") as file, pytest.raises(OSError):  # noqa: PT011
        sync_file(file.fileno())


def test_a_folder_that_may_be_written_and_not_listed_is_passed_over(tmp_path, monkeypatch):
    failing(monkeypatch, "open", errno.EACCES)
    sync_folder(tmp_path)


def test_folders_are_made_from_the_top_and_each_name_is_durable(tmp_path, events):
    make_folder(tmp_path / "a" / "b" / "c")
    made = [event[1] for event in events if event[0] == "mkdir"]
    parents = [folder.stat().st_ino for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")]
    assert made == ["a", "b", "c"]
    assert [event for event in events if event[0] == "fsync"] == [("fsync", "folder", inode) for inode in parents]
    events.clear()
    make_folder(tmp_path / "a" / "b")
    assert events == []


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises((FileExistsError, NotADirectoryError)):
            make_folder(path)


def test_the_time_is_that_of_the_file_system(tmp_path):
    (tmp_path / "before").write_text("")
    now = file_system_time(tmp_path)
    (tmp_path / "after").write_text("")
    assert (tmp_path / "before").stat().st_mtime <= now <= (tmp_path / "after").stat().st_mtime
    assert names(tmp_path) == ["after", "before"]

import os
from pathlib import Path

import pytest

from hyperspace.errors import InputError
from hyperspace.system.whole_file import check_output, write_output, write_whole


def test_a_file_is_replaced_with_the_permissions_of_a_new_one(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    file = tmp_path / "out.csv"
    file.write_bytes(b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_that_lies_in_wait_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "out.csv.part").symlink_to(victim)
    (tmp_path / "out.csv").symlink_to(victim)
    write_whole(tmp_path / "out.csv", b"new")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "out.csv").read_bytes() == b"new"


def test_a_device_is_written_to_and_stays(tmp_path):
    write_whole(os.devnull, b"new")
    assert not os.path.isfile(os.devnull)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "out.csv", b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "folder", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_place_that_is_none_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    check_output(tmp_path / "new")
    check_output(tmp_path / "file", "the table")
    with pytest.raises(
        InputError, match=rf"^the table '.*/new' cannot be written: there is no folder '{tmp_path}/no'; create it"
    ):
        check_output(tmp_path / "no" / "new", "the table")
    with pytest.raises(InputError, match="it is a folder; name a file in it"):
        check_output(tmp_path)
    with pytest.raises(InputError, match=r"there is no folder '.*file'"):
        check_output(tmp_path / "file" / "new")


def test_a_file_that_cannot_be_written_keeps_its_content_and_is_one_sentence(tmp_path):
    file = tmp_path / "file"
    write_output(file, b"old")
    assert file.read_bytes() == b"old"
    long = tmp_path / ("n" * 300)
    with pytest.raises(InputError, match=r"^the file '.*n' cannot be written: File name too long; name another file$"):
        write_output(long, b"new")
    with pytest.raises(InputError, match="No space left on device"):
        write_output(Path("/dev/full"), b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

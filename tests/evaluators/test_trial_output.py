import os

import pytest

from hyperspace.evaluators.trial_output import STDERR_FOLLOWS, TrialOutput, limit_error, read_end


def write(descriptors, *texts):
    for descriptor, text in zip(descriptors, texts, strict=True):
        os.write(descriptor, text)
        os.close(descriptor)


def test_the_files_of_each_attempt_have_names_of_their_own(tmp_path):
    for attempt in (0, 1, 12):
        TrialOutput(tmp_path / "trial", attempt).create()
    names = ["stderr-1.txt", "stderr-12.txt", "stderr.txt", "stdout-1.txt", "stdout-12.txt", "stdout.txt"]
    assert sorted(file.name for file in (tmp_path / "trial").iterdir()) == names


def test_what_was_there_before_is_emptied_and_writers_take_turns(tmp_path):
    output = TrialOutput(tmp_path, 0)
    write(output.open(), b"a long text of an earlier run", b"")
    first = output.open()
    other = os.open(output.stdout, os.O_WRONLY | os.O_APPEND)  # as a child process has it
    os.write(first[0], b"one ")
    os.write(other, b"two ")
    write(first, b"three", b"")
    os.close(other)
    assert output.stdout.read_bytes() == b"one two three"


@pytest.mark.parametrize("name", ["stdout.txt", "stderr.txt"])
def test_a_link_is_not_followed_and_no_descriptor_is_left_open(tmp_path, name):
    (tmp_path / "precious").write_text("kept")
    (tmp_path / name).symlink_to("precious")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="symbolic links"):
        TrialOutput(tmp_path, 0).open()
    assert os.listdir("/proc/self/fd") == before
    assert (tmp_path / "precious").read_text() == "kept"


def test_empty_files_and_an_empty_folder_are_removed(tmp_path):
    output = TrialOutput(tmp_path / "silent", 0)
    output.create()
    output.drop_empty()
    assert not (tmp_path / "silent").exists()
    output.drop_empty()  # nothing is left to remove
    output = TrialOutput(tmp_path / "speaks", 0)
    write(output.open(), b"", b"careful")
    output.drop_empty()
    assert [file.name for file in (tmp_path / "speaks").iterdir()] == ["stderr.txt"]


def test_files_of_the_objective_stay(tmp_path):
    output = TrialOutput(tmp_path / "trial", 0)
    output.create()
    (tmp_path / "trial" / "empty.dat").touch()
    output.drop_empty()
    assert [file.name for file in (tmp_path / "trial").iterdir()] == ["empty.dat"]


def test_the_end_of_the_standard_error_is_quoted(tmp_path):
    output = TrialOutput(tmp_path, 0)
    assert output.quote_errors() == ""
    write(output.open(), b"", b" \n\n")
    assert output.quote_errors() == ""
    write(output.open(), b"", b"x" * 5000 + b"the end\n")
    lines = output.quote_errors().split("\n")
    assert lines[:2] == ["", STDERR_FOLLOWS]
    assert lines[2].endswith("xthe end")
    assert 1500 < len(lines[2]) <= 2000


@pytest.mark.parametrize(
    ("content", "size", "end"),
    [
        (b"", 5, ""),
        (b"123", 5, "123"),
        (b"12345", 5, "12345"),
        (b"123456", 5, "23456"),
        ("aé".encode(), 1, "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_end_of_a_file_is_read(tmp_path, content, size, end):
    (tmp_path / "file").write_bytes(content)
    assert read_end(tmp_path / "file", size) == end


def test_a_file_that_cannot_be_read_is_empty(tmp_path):
    assert read_end(tmp_path / "none", 5) == read_end(tmp_path, 5) == ""


LONG = "Traceback" + "x" * 50_000 + "ValueError: the end"


def test_a_short_error_is_kept_as_it_is(tmp_path):
    for error in ("", "x" * 16_000):
        assert limit_error(error, tmp_path, 0) == error
    assert list(tmp_path.iterdir()) == []


def test_a_long_error_keeps_both_ends_and_a_file_keeps_it_whole(tmp_path):
    short = limit_error(LONG, tmp_path / "trial", 0)
    assert len(short) < 9000
    assert short.startswith("Traceback")
    assert short.endswith("ValueError: the end")
    left_out = len(LONG) - 8000
    assert f"\n[{left_out} characters are left out here; all of it is in error.txt of the trial's folder]\n" in short
    assert (tmp_path / "trial" / "error.txt").read_text() == LONG
    assert "error-2.txt" in limit_error(LONG, tmp_path / "trial", 2)


def test_without_a_folder_or_room_in_it_a_long_error_names_no_file(tmp_path):
    told = f"[{len(LONG) - 8000} characters are left out here]"
    assert told in limit_error(LONG, None, 0)
    (tmp_path / "file").touch()
    assert told in limit_error(LONG, tmp_path / "file" / "trial", 0)


def test_a_text_that_no_encoding_has_is_written_too(tmp_path):
    limit_error("\udcff" * 20_000, tmp_path, 0)
    assert (tmp_path / "error.txt").read_text() == "\\udcff" * 20_000

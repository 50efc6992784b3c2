"""Names of folders and files on the command line."""

import os
from pathlib import Path

import pytest
import typer

from hyperspace.cli.path_arguments import as_typed, output_file, study_folder


def test_a_name_stays_as_it_was_given_but_for_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert study_folder("results") == Path("results")
    assert study_folder("~/study") == Path("/home/someone/study")
    assert output_file("~/out.csv") == Path("/home/someone/out.csv")
    assert output_file(Path("a/b.csv")) == Path("a/b.csv")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "must be the name of a file or folder, got ''"),
        ("/", "the root of the file system"),
        ("a/../..//" + "b" * 300, "is too long: 300 bytes, of which 255 are allowed"),
        ("~nobody-of-this-name/study", "a user that this machine does not know"),
    ],
)
def test_a_name_that_no_study_can_have_is_a_usage_error(name, told):
    with pytest.raises(typer.BadParameter, match=told):
        study_folder(name)


def test_a_file_needs_a_name():
    with pytest.raises(typer.BadParameter, match="the file must be the name of a file or folder, got ''"):
        output_file("")


def test_bytes_that_the_locale_does_not_know_become_the_text_they_are():
    assert as_typed("größe") == "größe"
    assert as_typed(os.fsencode("größe").decode("ascii", "surrogateescape")) == "größe"
    assert as_typed("\udcff") == "\udcff"  # no text in any encoding: kept

"""Names of files and folders as users write them."""

import os

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.system.paths import absolute_folder, expanded


def test_a_name_is_made_absolute_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert absolute_folder("study") == tmp_path / "study"
    assert absolute_folder(".") == tmp_path
    assert absolute_folder("~/study") == tmp_path / "home" / "study"
    assert expanded("~/x.png", "output") == tmp_path / "home" / "x.png"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "the name of a file or folder, got ''"),
        ("a\0b", "the name of a file or folder"),
        (b"bytes", "the name of a file or folder"),
        (7, "the name of a file or folder, got 7"),
        ("/", "the root of the file system"),
        ("//", "the root of the file system"),
        ("~no-such-user/study", "the home folder of a user that this machine does not know"),
        ("x" * 300, "too long: 300 bytes"),
        ("folder/" * 700, "too long"),
        ("\ud800", "characters that the name of a file cannot have"),
    ],
)
def test_what_is_no_folder_for_a_study_is_one_sentence(name, says):
    with pytest.raises(InputError, match=says) as raised:
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], name, n_calls=2)
    assert len(str(raised.value)) < 250


def test_a_relative_name_needs_a_working_folder(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(InputError, match="the working folder is gone"):
        absolute_folder("study")


@pytest.mark.parametrize("exchange", ["round", "async", "files"])
def test_an_objective_may_change_the_working_folder(tmp_path, monkeypatch, exchange):
    def objective(x):
        os.makedirs("deeper", exist_ok=True)
        os.chdir("deeper")
        return x[0]

    monkeypatch.chdir(tmp_path)
    result = hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=4, model="RAND", exchange=exchange)
    assert result.nfev == 4
    assert load_results(tmp_path / "study").nfev == 4

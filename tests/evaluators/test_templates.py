import os

import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.templates import Template, remove_old, write_new

KNOWN = ["x", "layers", "trial.id", "trial.seed"]


@pytest.fixture
def template(tmp_path):
    """Return the template of a text."""

    def make(text, name="deck.in"):
        (tmp_path / name).write_bytes(text.encode())
        return Template(tmp_path / name)

    return make


def test_known_places_are_filled_and_all_else_stays(template):
    text = '{x} {x:.2f} {layers} {trial.id}\r\n{"json": {"a": 1}} {} {{x}} {x!r} { x } {y} {y:.2f} ${x}\n'
    shown = template(text).fill(KNOWN, lambda name, spec: f"<{name}|{spec}>")
    assert shown == ('<x|> <x|.2f> <layers|> <trial.id|>\r\n{"json": {"a": 1}} {} {<x|>} {x!r} { x } {y} {y:.2f} $<x|>\n')


def test_a_value_with_braces_is_not_filled_again(template):
    assert template("{x}").fill(KNOWN, lambda name, spec: "{layers}") == "{layers}"


def test_the_names_that_it_uses_are_known_ones(template):
    made = template("{x} {x:.2f} {y} {trial.budget}")
    assert made.names(KNOWN) == {"x"}
    assert made.names(["trial.budget", "z"]) == {"trial.budget"}


def test_a_place_of_a_trial_must_be_one_that_there_is(template):
    template("{x} {y} {trial.id} {trialid}").check(KNOWN)
    with pytest.raises(InputError, match=r"'deck.in' has a place for {trial.sed}, which is none of trial.id, trial.seed$"):
        template("{trial.sed:d}").check(KNOWN)


def test_likely_misspellings_are_those_that_resemble_a_known_name(template):
    assert template("{layer} {x} {set} {layers} {Layers:d}").likely_misspellings(KNOWN) == {"layer": "layers", "Layers": "layers"}


def test_it_is_read_once(template, tmp_path):
    made = template("{x}")
    (tmp_path / "deck.in").unlink()
    assert made.fill(KNOWN, lambda name, spec: "1") == "1"


def test_its_own_file_is_known_by_any_name(template, tmp_path, monkeypatch):
    made = template("{x}")
    (tmp_path / "link").symlink_to("deck.in")
    (tmp_path / "copy").write_text("{x}")
    monkeypatch.chdir(tmp_path)
    assert made.is_file("deck.in")
    assert made.is_file("./../" + tmp_path.name + "/link")
    assert not made.is_file("copy")
    assert not made.is_file("none")
    assert not made.is_file("a\0b")


def test_a_name_in_the_home_folder_or_the_working_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "deck.in").write_text("{x}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("~/deck.in", "deck.in", tmp_path / "deck.in"):
        made = Template(name)
        assert (made.name, made.is_file(str(tmp_path / "deck.in"))) == ("deck.in", True)


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the template 'no.in' cannot be read: No such file"):
        Template("no.in")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        Template(tmp_path)
    (tmp_path / "mesh.bin").write_bytes(b"\xff\xfe{x}")
    with pytest.raises(InputError, match=r"mesh.bin' is no text in UTF-8"):
        Template(tmp_path / "mesh.bin")
    with pytest.raises(InputError, match="the template must be the name of a file"):
        Template("")


def test_a_file_is_written_as_it_is_and_replaces_a_link_instead_of_its_target(tmp_path):
    folder = tmp_path / "scratch" / "00000-00000"
    write_new(folder, "deck.in", "a\r\né\n")
    assert (folder / "deck.in").read_bytes() == "a\r\né\n".encode()
    (tmp_path / "precious").write_text("kept")
    os.replace(folder / "deck.in", tmp_path / "old")
    (folder / "deck.in").symlink_to(tmp_path / "precious")
    write_new(folder, "deck.in", "b")
    assert not (folder / "deck.in").is_symlink()
    assert (folder / "deck.in").read_text() == "b"
    assert (tmp_path / "precious").read_text() == "kept"


def test_an_old_file_is_removed_if_there_is_one(tmp_path):
    remove_old(tmp_path, "out.json")
    (tmp_path / "out.json").touch()
    remove_old(tmp_path, "out.json")
    assert list(tmp_path.iterdir()) == []

import re
from pathlib import Path

import numpy as np
import pytest

import hyperspace
from hyperspace.errors import how_to_install, shown, shown_all


class Unwilling:
    def __repr__(self):
        raise OSError("no")


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -7,
        2.5,
        "a",
        "it's",
        b"x",
        [],
        (),
        (1,),
        [1, "a", None],
        {"a": [1, (2, 3)]},
        {1: {}},
        {5},
        frozenset({5}),
        set(),
    ],
)
def test_ordinary_values_are_shown_as_their_repr(value):
    assert shown(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10**400, "an integer of about 401 digits"),
        (-(10**5000), "an integer of about 5001 digits"),
        ([10**5000, 1], "[an integer of about 5001 digits, 1]"),
        (Unwilling(), "<Unwilling>"),
        (nested(100_000), "[[[[[[[...]]]]]]]"),
        (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_shown_whole_is_told_in_words(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10**6, b"x" * 10**6, list(range(10**6)), {str(i): i for i in range(10**5)}, np.arange(10**6)]
)
def test_no_message_is_long(value):
    assert len(shown(value)) < 250
    assert len(shown_all([value] * 1000)) < 1500


@pytest.mark.parametrize("value", ["a\nb", "\x1b[2J", "\ud800", type("Loud", (), {"__repr__": lambda self: "a\n   b\x1b[2J"})()])
def test_a_message_is_one_printable_line(value):
    assert shown(value).isprintable()


def test_choices_are_parted_by_commas():
    assert shown_all(["a", 1, None]) == "'a', 1, None"


EXTRAS = ["mpi", "dnn", "evolve", "plot", "parquet"]
TREE = Path(hyperspace.__file__).parents[1]


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_installed_from_the_clone(extra):
    assert f'pip install ".[{extra}]" in your clone' in how_to_install(extra)
    assert f"\n{extra} =" in (TREE / "setup.cfg").read_text()


def test_nothing_tells_to_install_the_project_of_this_name_on_pypi():
    files = [file for folder in ("hyperspace", "docs", "examples", "slurm") for file in (TREE / folder).rglob("*")]
    texts = {file: file.read_text() for file in files if file.suffix in (".py", ".md", ".sh", ".html")}
    asked = re.compile(r"(pip|uv pip|conda)3? install\s+(-\S+\s+)*[\"']?hyperspace\b")
    assert [file for file, text in texts.items() if asked.search(text)] == []
    assert [file for file, text in texts.items() if re.search(r"hyperspace\[(mpi|dnn|evolve|plot|parquet|examples)", text)] == []

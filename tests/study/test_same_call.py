"""The arguments of a call in a form in which ranks compare them."""

import functools
import json
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hyperspace.study.same_call import describe_call, with_deadline_of


def described(value):
    return describe_call({"argument": value})["argument"]


class Model:
    """An object whose repr holds its address."""


class Stubborn(os.PathLike):
    def __fspath__(self):
        raise RuntimeError("nowhere")


def test_a_call_is_described_by_plain_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = describe_call(
        {
            "results_path": "study",
            "n_calls": np.int64(5),
            "deadline": float("inf"),
            "random_state": 10**5000,
            "callback": print,
            "x0": np.zeros((2, 2)),
            "verbose": True,
            "comm": 5,
        }
    )
    assert json.loads(json.dumps(call)) == call
    assert call["results_path"] == str(tmp_path / "study")
    assert call["n_calls"] == 5
    assert call["callback"] == "print"
    assert call["x0"] == "ndarray"
    assert not {"verbose", "comm"} & set(call)


@pytest.mark.parametrize(("own", "same"), [(101.0, True), (None, False), (200.0, False), ("inf", False)])
def test_deadlines_of_several_clocks_may_differ_a_little(own, same):
    first = {"deadline": 100.0}
    assert (with_deadline_of(first, {"deadline": own}) == first) is same


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (np.bool_(False), False),
        (np.float32(0.5), 0.5),
        (Fraction(1, 4), 0.25),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (2**63 - 1, 2**63 - 1),
        (2**63, "0x8000000000000000"),
        (-(2**63), "-0x8000000000000000"),
        ("text", "text"),
        (Path("folder"), "folder"),
        ([1, 2, 3], "a list of 3"),
        ((), "a tuple of 0"),
        ({"x": (0, 1)}, "a dict of 1"),
        (np.zeros(3), "ndarray"),
        (Model(), "Model"),
        (Model, "Model"),
        (math.sin, "sin"),
        (functools.partial(functools.partial(math.sin)), "sin"),
        (Stubborn(), "Stubborn"),
        (1j, "complex"),
    ],
)
def test_every_value_has_a_form_in_json(value, expected):
    found = described(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found, allow_nan=False)


def test_equal_seeds_compare_equal_and_others_do_not_however_long():
    assert described(10**5000) == described(10**5000) != described(10**5000 + 1)
    assert described(1) != described(1.5)


def test_a_folder_is_the_same_by_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("study", Path("study"), "./a/../study", "~/study", tmp_path / "study"):
        assert describe_call({"results_path": path})["results_path"] == str(tmp_path / "study")
    assert describe_call({"results_path": None}) == {"results_path": None}
    assert describe_call({"results_path": 5}) == {"results_path": 5}


def test_a_deadline_of_rank_0_is_taken_over_and_all_else_is_the_ranks_own():
    first, own = {"deadline": 100.0, "n_calls": 3}, {"deadline": 104.9, "n_calls": 5}
    assert with_deadline_of(first, own) == {"deadline": 100.0, "n_calls": 5}
    assert own["deadline"] == 104.9
    assert with_deadline_of({"deadline": None}, {"deadline": None}) == {"deadline": None}
    assert with_deadline_of({"deadline": 100.0}, {"deadline": 105.0}) == {"deadline": 105.0}

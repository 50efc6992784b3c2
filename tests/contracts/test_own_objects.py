"""The programs in the documentation that bring an own surrogate and an own optimizer run under MPI as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "surrogates.md"
PROGRAMS = {
    match["name"]: match[0].removeprefix("```python\n").removesuffix("```")
    for match in re.finditer(r"```python\n((?!```).)*?class (?P<name>\w+)((?!```).)*```", PAGE.read_text(), re.DOTALL)
}


def test_the_page_shows_a_surrogate_and_an_optimizer():
    assert list(PROGRAMS) == ["Neighbors", "Halving"]


@pytest.mark.parametrize("name", ["Neighbors", "Halving"])
def test_own_objects_run_on_two_ranks(mpirun, name):
    program = PROGRAMS[name]
    assert len(program.splitlines()) < 30
    shown = "".join(mpirun(2, program).stdout.split())  # the launcher may mix what two ranks print
    first, second = shown[: len(shown) // 2], shown[len(shown) // 2 :]
    assert first == second
    assert 0.0 <= float(first) < 2.0  # random points reach about 2 with as many evaluations

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
    assert list(PROGRAMS) == ["Neighbours", "Halving"]


@pytest.mark.parametrize("name", ["Neighbours", "Halving"])
def test_own_objects_run_on_two_ranks(mpirun, name):
    program = PROGRAMS[name]
    assert len(program.splitlines()) < 30
    regrets = mpirun(2, program).stdout.split()
    assert len(regrets) == 2
    assert regrets[0] == regrets[1]
    assert 0.0 <= float(regrets[0]) < 2.0  # random points reach about 2 with as many evaluations

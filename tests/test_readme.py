"""The README's first program: short, on the first screen, and it runs as it stands."""

import re

from launch import ROOT

README = (ROOT / "README.md").read_text()
FIRST = re.search(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_first_program_stands_within_the_first_forty_lines():
    assert README[: FIRST.end()].count("\n") <= 40


def test_the_first_program_runs_alone_and_under_mpirun(python, mpirun):
    program, changes = re.subn(r"n_calls=\d+", "n_calls=20", FIRST[1])
    assert changes == 1
    alone = python(program)
    assert "20/20 trials" in alone.stdout
    again = mpirun(2, program)  # finds the study finished
    assert "the study in results is complete" in again.stdout


def test_every_name_that_the_readme_imports_is_there():
    for line in re.findall(r"^from hyperspace.*$", README, re.MULTILINE):
        exec(line)

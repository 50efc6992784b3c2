"""What the tests share: programs run in processes of their own, alone or as the ranks of an mpirun."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings
from launch import run_program

# The same examples in every run, however slow the machine.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


@pytest.fixture
def python(tmp_path):
    """Run a program, given as text: python(text, *arguments, timeout=60, check=True, NAME=value for the environment)."""

    def run(text, *arguments, timeout=60, check=True, **environment):
        return run_program([], tmp_path, text, arguments, timeout, check, environment)

    return run


@pytest.fixture
def mpirun(tmp_path):
    """Run a program, given as text, on MPI ranks: mpirun(4, text, *arguments, timeout=120, check=True, NAME=value)."""

    def run(ranks, text, *arguments, timeout=120, check=True, **environment):
        launcher = Path(sys.executable).with_name("mpirun")  # the mpich wheel's, beside this python
        return run_program([launcher, "-n", ranks], tmp_path, text, arguments, timeout, check, environment)

    return run

"""What the tests share: programs run in processes of their own, alone or as the ranks of an mpirun."""

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from launch import run_program

from hyperspace.numerics import floating_point

# What warns in our own computing is an error here, as setup.cfg says for the rest.
floating_point.warnings_may_raise = True

# A shell starts what it puts in the background with SIGINT and SIGQUIT ignored, and all processes of the tests would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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
        mpirun = Path(sys.executable).with_name("mpirun")  # the mpich wheel's, beside this python
        # The launcher may mix what several ranks print; in files of their own every line is whole.
        files = [tmp_path / f"rank-{rank}.out" for rank in range(ranks)]
        for file in files:
            file.unlink(missing_ok=True)
        launcher = [mpirun, "-outfile-pattern", tmp_path / "rank-%r.out", "-n", ranks]
        done = run_program(launcher, tmp_path, text, arguments, timeout, False, environment)
        done.stdout += "".join(file.read_text() for file in files if file.exists())
        if check and done.returncode != 0:
            pytest.fail(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return run


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `hyperspace ARGUMENTS`; return exit code, standard output and standard error."""

    from hyperspace.cli import main

    def run(*arguments):
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr(sys, "argv", ["hyperspace", *map(str, arguments)])
        code = 0
        capsys.readouterr()  # what the test itself has printed, such as the plan of a study, is not the command's
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out, err

    return run

"""A finished study, and a folder in which `hyperspace run` has an objective, a program and a space."""

import sys

import pytest
from command_lines import HYPERSPACE, SIMULATION, SPACE, TRAIN
from launch import run_group

from hyperspace import hyperdrive
from hyperspace.cli import main


def objective(parameters):
    if parameters["units"] == 3:
        raise RuntimeError("no, not three\nof them")
    rate = parameters["rate"]
    return {"loss": (rate - 0.125) ** 2 + parameters["units"] / 100, "seconds[s]": 1 / 3}


@pytest.fixture(scope="session")
def tuned(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "study"
    space = {"rate": (1e-3, 1.0, "log-uniform"), "units": (1, 5), "kind[b]": ["a [c]", "b"]}
    hyperdrive(objective, space, path, model="RAND", n_calls=32, n_subspaces=2, random_state=1)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "simulation.py").write_text(SIMULATION)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run `hyperspace run ARGUMENTS` in the folder; return exit code, standard output and standard error."""

    def go(*arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "argv", ["hyperspace", "run", *arguments])
        before = set(sys.modules)
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        for name in ("train", "bare", "unguarded"):
            if name not in before:
                sys.modules.pop(name, None)
        out, err = capsys.readouterr()
        return code, out, err

    return go


@pytest.fixture
def start(folder):
    """Run `hyperspace run ARGUMENTS` in the folder, in a process of its own; return the same."""

    def go(*arguments, launcher=()):
        done = run_group([*launcher, *HYPERSPACE, "run", *arguments], timeout=120, cwd=folder)
        return done.returncode, done.stdout, done.stderr

    return go

"""Groups of ranks for one trial: every rank has the leaders' result, or their error."""

import ast
import re

PROGRAM = """
import sys
from mpi4py import MPI
from hyperspace import hyperdrive
from hyperspace.errors import HyperSpaceError

def tell(*words):
    print(f"TOLD {MPI.COMM_WORLD.Get_rank()} {words!r}", flush=True)

def study(name, objective, **options):
    call = {"n_calls": 6, "n_drives": 2, "n_subspaces": 2, "exchange": "round", "ranks_per_trial": 2} | options
    return hyperdrive(objective, [(0.0, 1.0)], name, **call)

def objective(parameters, trial):
    return {"loss": parameters[0], "size": trial.comm.Get_size()}
"""

RESULTS = (
    PROGRAM
    + """
given = {"x0": [[0.25]], "y0": [{"loss": 2.0}]}
result = study("study", objective, model=["RAND", "GP"], strategy="static", callback=lambda trial: trial.iteration == 1, **given)
trials = [(tuple(trial.key), trial.x, dict(trial.metrics), trial.status, trial.origin) for trial in result.all_trials]
models = result.summary_by("model")["model"].tolist()
tell(trials, result.goals.goal, result.partition.n_subspaces, result.ended_by, models, str(result.files.path))
"""
)

ERRORS = (
    PROGRAM
    + """
study("study", objective, model="RAND", random_state=1)
try:
    study("study", objective, model="RAND", random_state=2)
except HyperSpaceError as error:
    tell(type(error).__name__, str(error).splitlines()[0])
tell("goes on", study("study", objective, model="RAND", n_calls=8, random_state=1).nfev)
"""
)


def told(done, ranks=4):
    """The words of each rank, which are the same on all of them."""
    lines = re.findall(r"TOLD (\d) (.*)", done.stdout)
    words = [[text for rank, text in lines if rank == str(number)] for number in range(ranks)]
    assert words == [words[0]] * ranks
    return words[0]


def test_every_rank_has_the_result_of_the_leaders(mpirun, tmp_path):
    (line,) = told(mpirun(4, RESULTS))
    trials, goal, n_subspaces, ended_by, models, path = ast.literal_eval(line)
    assert (goal, n_subspaces, ended_by) == ("loss", 2, "the callback")
    assert trials[0][-1] == "given"
    assert all(metrics["size"] == 2.0 for _, _, metrics, _, _ in trials[1:])
    assert sorted(models) == ["GP", "RAND"]
    assert path == str(tmp_path / "study")


def test_an_error_of_the_leaders_is_raised_on_every_rank_and_the_next_study_works(mpirun):
    error, after = told(mpirun(4, ERRORS))
    assert error.startswith("('StudyError', \"results_path 'study' holds another study")
    assert after == "('goes on', 8)"

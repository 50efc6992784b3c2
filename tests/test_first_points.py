"""Points that are evaluated first: x0 without y0."""

import json
import re

import numpy as np
import pandas
import pytest

from hyperspace import Categorical, grid_search, hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.optimizers import GA
from hyperspace.space import check_space
from hyperspace.study.checks import check_first, check_given
from hyperspace.trials.metrics import Metrics

SPACE = {"rate": (1e-4, 1.0, "log-uniform"), "depth": (1, 10), "kind": ["a", "b"], "epochs": 5}
DEFAULTS = [
    {"rate": 0.1, "depth": 3, "kind": "a"},
    {"rate": 0.123, "depth": 4, "kind": "b", "epochs": 5},
    [0.5, 7, "a"],
    {"rate": 1e-3, "depth": 1, "kind": "b"},
    {"rate": 0.7, "depth": 10, "kind": "b"},
]
POINTS = [(0.1, 3, "a"), (0.123, 4, "b"), (0.5, 7, "a"), (1e-3, 1, "b"), (0.7, 10, "b")]


def objective(parameters):
    return (parameters["rate"] - 0.3) ** 2 + abs(parameters["depth"] - 4)


def points(result):
    return [trial.x for trial in result.all_trials]


@pytest.mark.parametrize(
    "how",
    [
        {"exchange": "round"},
        {"exchange": "async"},
        {"exchange": "none"},
        {"exchange": "files"},
        {"strategy": "static"},
        {"strategy": "static", "exchange": "round", "n_subspaces": 1},
        {"strategy": "generations", "model": GA()},
        {"strategy": "generations", "model": "CMA"},
        {"strategy": "static", "model": "DE"},
        {"strategy": "static", "model": "GRID"},
        {"model": "RAND"},
    ],
)
def test_they_are_evaluated_before_any_other_and_count_towards_the_budget(tmp_path, how):
    call = {"objective": objective, "hyperparameters": SPACE, "results_path": tmp_path, "n_drives": 8} | how
    if how.get("strategy") == "generations":
        call["n_subspaces"] = 1
    result = hyperdrive(**call, n_calls=24, x0=DEFAULTS)
    assert [trial.x for trial in result.all_trials if trial.arm == "x0"] == POINTS  # to all digits
    assert [(trial.drive, trial.iteration) for trial in result.all_trials if trial.arm == "x0"] == [(i, 0) for i in range(5)]
    assert result.nfev == 24
    again = hyperdrive(**call, n_calls=28)  # they are part of the study: nothing is evaluated twice
    kept = {(trial.iteration, trial.drive): trial.x for trial in again.all_trials}
    assert len(kept) == 28
    assert all(kept[trial.iteration, trial.drive] == trial.x for trial in result.all_trials)
    assert sum(trial.arm == "x0" for trial in again.all_trials) == 5


def test_more_than_drives_take_the_next_rounds():
    result = hyperdrive(objective, SPACE, None, n_drives=2, n_subspaces=2, n_calls=12, x0=DEFAULTS, checkpoints=False)
    assert points(result)[:5] == POINTS
    alone = hyperdrive(objective, SPACE, None, n_drives=2, n_subspaces=2, n_calls=4, x0=DEFAULTS, checkpoints=False)
    assert points(alone) == POINTS[:4]


def test_they_replace_the_first_points_of_the_initial_design():
    call = {"hyperparameters": SPACE, "n_drives": 4, "n_subspaces": 4, "n_calls": 8, "n_samples": 2, "checkpoints": False}
    plain = hyperdrive(objective, results_path=None, **call).all_trials
    begun = hyperdrive(objective, results_path=None, **call, x0=DEFAULTS[:4]).all_trials
    assert [trial.arm for trial in begun] == ["x0"] * 4 + ["design"] * 4
    assert [trial.x for trial in begun[4:]] == [trial.x for trial in plain[4:]]


def test_an_evolution_learns_from_them_as_from_its_own():
    """The best of them is by far the best point: a generation that did not hold it could not breed from it."""
    space = [(0.0, 1.0)] * 6
    best = [0.123, 0.456, 0.789, 0.321, 0.654, 0.987]

    def far(x):
        return float(sum((np.array(x) - best) ** 2))

    call = {"model": GA(), "strategy": "generations", "n_drives": 16, "n_iterations": 4, "checkpoints": False}
    near = [[value + 0.01 for value in best], [0.5] * 6]
    told = hyperdrive(far, space, None, x0=near, **call).all_trials
    children = [far(trial.x) for trial in told if trial.iteration == 3]
    assert np.median(children) < 0.5 * np.median([far(t.x) for t in told if t.iteration == 0 and t.arm != "x0"])
    assert sum(trial.arm == "random" for trial in told) == 0  # nobody waits for a member that is not handed out


def test_other_points_than_the_recorded_ones_are_refused_in_words(tmp_path):
    call = {"objective": objective, "hyperparameters": SPACE, "results_path": tmp_path, "n_drives": 8, "n_calls": 8}
    hyperdrive(**call, x0=DEFAULTS[:1])
    with pytest.raises(StudyError, match=r'x0: \[\[0.1, 3, "a"\]\] there, \[\[0.123, 4, "b"\]\] now'):
        hyperdrive(**call, x0=DEFAULTS[1])


def test_failed_ones_are_failures_like_others():
    def picky(parameters):
        if parameters["rate"] == 0.1:
            raise ValueError("not here")
        return objective(parameters)

    result = hyperdrive(picky, SPACE, None, n_drives=4, n_subspaces=4, n_calls=12, x0=DEFAULTS[:2], checkpoints=False)
    assert [trial.status for trial in result.all_trials][:3] == ["failed", "ok", "ok"]


@pytest.mark.parametrize(("exchange", "killed_in"), [("round", "1-0"), ("async", "3-0"), ("none", "0-1")])
def test_a_killed_study_evaluates_none_of_them_twice(python, tmp_path, exchange, killed_in):
    program = """
    import json, os, signal, sys
    from hyperspace import hyperdrive
    def objective(x, trial):
        if trial.id == sys.argv[2] and not os.path.exists("killed"):
            open("killed", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return (x[0] - 0.3) ** 2 + x[1]
    x0 = [[0.1 * i, 0.2 * i] for i in range(5)]
    result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], sys.argv[1], n_calls=16, n_drives=4, exchange=sys.argv[3], x0=x0)
    print("ROWS", json.dumps([(t.iteration, t.drive, t.arm, *t.x) for t in result.all_trials]))
    """
    assert python(program, tmp_path / "study", killed_in, exchange, check=False).returncode < 0
    resumed = python(program, tmp_path / "study", killed_in, exchange)
    whole = python(program, tmp_path / "whole", "none", exchange)
    rows = [json.loads(re.search("ROWS (.*)", run.stdout)[1]) for run in (resumed, whole)]
    assert rows[0] == rows[1]


def test_the_number_of_ranks_changes_no_trial(mpirun, python, tmp_path):
    program = """
    import json, sys
    from hyperspace import hyperdrive
    from mpi4py import MPI
    def objective(x):
        return (x[0] - 0.3) ** 2 + x[1] + (x[2] == "b")
    x0 = [[0.07 * i, 0.09 * i, "ab"[i % 2]] for i in range(11)]
    space = [(0.0, 1.0), (0.0, 1.0), ["a", "b"]]
    kw = json.loads(sys.argv[2])
    result = hyperdrive(objective, space, sys.argv[1], n_drives=8, n_calls=32, exchange="round", x0=x0, **kw)
    if MPI.COMM_WORLD.Get_rank() == 0:
        print("ROWS", json.dumps([(t.iteration, t.drive, t.arm, *t.x) for t in result.all_trials]))
    """
    for number, options in enumerate(({}, {"strategy": "static"}, {"strategy": "generations", "model": "GA", "n_subspaces": 2})):
        told = []
        for ranks in (1, 3):
            arguments = (program, tmp_path / f"{number}-{ranks}", json.dumps(options))
            done = python(*arguments) if ranks == 1 else mpirun(ranks, *arguments)
            told.append(json.loads(re.search("ROWS (.*)", done.stdout)[1]))
        assert told[0] == told[1]
        assert sum(arm == "x0" for _, _, arm, *_ in told[0]) == 11


def test_one_point_or_a_list_in_whatever_form():
    space = check_space(SPACE)

    def read(x0):
        return list(check_first(x0, None, space))

    for one in (DEFAULTS[0], [0.1, 3, "a"], (0.1, 3, "a"), pandas.Series(DEFAULTS[0])):
        assert read(one) == POINTS[:1]
        assert read([one]) == POINTS[:1]
    assert read(DEFAULTS) == POINTS
    table = pandas.DataFrame(DEFAULTS[:2])
    assert read(table.drop(columns="epochs").assign(other=1.0)) == POINTS[:2]
    assert list(check_first(np.array([[0.5, 0.25], [0.1, 0.2]]), None, check_space([(0.0, 1.0)] * 2))) == [
        (0.5, 0.25),
        (0.1, 0.2),
    ]
    assert read(None) == read([]) == []
    assert check_first([[1, 2, 3]], [1.0], space) == ()
    assert check_given(DEFAULTS, None, space, Metrics()) == ()


def test_values_that_are_tuples_themselves_are_no_points():
    space = check_space([Categorical([(1, 2), (3, 4)])])
    assert check_first([(3, 4)], None, space) == (((3, 4),),)
    assert check_first([[(3, 4)], [(1, 2)]], None, space) == (((3, 4),), ((1, 2),))


def test_a_grid_has_them_beside_its_combinations():
    result = grid_search(lambda x: x[0] + x[1], [(0.0, 1.0)] * 2, None, points=3, x0=[0.3, 0.3], checkpoints=False)
    assert len({trial.x for trial in result.all_trials}) == 10


def test_points_stay_with_the_drives_they_were_dealt_to_when_ranks_join(mpirun, python, tmp_path):
    program = """
        import sys
        from hyperspace import hyperdrive
        points = [[0.1 * k, 0.5] for k in range(1, 6)]
        hyperdrive(lambda x: x[0], [(0.0, 1.0)] * 2, sys.argv[1], x0=points, n_calls=int(sys.argv[2]))
    """
    python(program, tmp_path / "study", 2)
    mpirun(3, program, tmp_path / "study", 12)
    trials = load_results(tmp_path / "study").all_trials
    assert {trial.drive for trial in trials} == {0, 1, 2}
    first = [trial for trial in trials if trial.arm == "x0"]
    assert {trial.drive for trial in first} == {0}
    wanted = [(0.1 * k, 0.5) for k in range(1, 6)]
    assert [trial.x for trial in first] == wanted[: len(first)]
    assert not {trial.x for trial in trials if trial.drive} & {*wanted}

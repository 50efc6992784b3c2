"""ranks_per_trial: real ranks in groups."""

import re

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError

HEAD = """
import sys, time
from hyperspace import hyperdrive
from hyperspace.pruning import MedianRule
from mpi4py import MPI
world = MPI.COMM_WORLD
rank = world.Get_rank()
"""


def test_a_trial_is_evaluated_by_all_ranks_of_its_group(mpirun, tmp_path):
    program = (
        HEAD
        + """
def objective(parameters, trial):
    assert trial.comm.Get_size() == 2
    members = trial.comm.allgather((rank, trial.id, trial.seed, parameters["x"], str(trial.folder)))
    assert [member[0] for member in members] == [rank - trial.comm.Get_rank(), rank - trial.comm.Get_rank() + 1]
    assert len({member[1:] for member in members}) == 1
    return trial.comm.allreduce(abs(parameters["x"] - 0.3) / 2)
result = hyperdrive(objective, {"x": (0.0, 1.0), "kind": ["a", "b"], "fixed": 3}, sys.argv[1], n_iterations=4, ranks_per_trial=2)
ranks = sorted(set(result.trials["rank"]))
sys.stdout.write(f"RESULT {len(result.trials)} {result.fun} {result.parameters} {ranks} {len(result.subspaces)}\\n")
"""
    )
    lines = re.findall("RESULT (.*)", mpirun(4, program, tmp_path / "study").stdout)
    result = load_results(tmp_path / "study")
    assert lines == [f"8 {result.fun} {result.parameters} [0, 1] 2"] * 4  # two groups are two ranks of the study


def test_groups_make_the_same_trials_as_single_ranks(mpirun, tmp_path):
    program = (
        HEAD
        + """
def objective(parameters, trial):
    return (parameters[0] - 0.3) ** 2 + parameters[1]
size = int(sys.argv[2])
space = [(0.0, 1.0), (0.0, 1.0)]
result = hyperdrive(objective, space, sys.argv[1], n_iterations=4, exchange="round", ranks_per_trial=size)
"""
    )
    mpirun(4, program, tmp_path / "groups", 2)
    mpirun(2, program, tmp_path / "single", 1)
    groups, single = load_results(tmp_path / "groups"), load_results(tmp_path / "single")
    assert groups.x_iters == single.x_iters
    assert (groups.func_vals == single.func_vals).all()


def test_a_failure_on_any_member_is_a_failed_trial(mpirun, tmp_path):
    program = (
        HEAD
        + """
def objective(parameters, trial):
    if parameters[0] < 0.5 and trial.comm.Get_rank() == 1:
        raise ValueError("the second half broke")
    if parameters[0] > 0.9 and trial.comm.Get_rank() == 0:
        sys.exit("the first half broke")
    return parameters[0]
hyperdrive(objective, [(0.0, 1.0)], sys.argv[1], n_iterations=10, model="RAND", ranks_per_trial=2)
"""
    )
    mpirun(2, program, tmp_path / "study")
    trials = load_results(tmp_path / "study").trials
    for _, trial in trials.iterrows():
        if trial["x0"] < 0.5:
            assert trial["status"] == "failed"
            assert "on rank 1 of the group" in trial["error"]
            assert "the second half broke" in trial["error"]
        elif trial["x0"] > 0.9:
            assert "the first half broke" in trial["error"]
        else:
            assert trial["status"] == "ok"
    assert set(trials["status"]) == {"ok", "failed"}


def test_all_members_are_pruned_together(mpirun, tmp_path):
    program = (
        HEAD
        + """
def objective(parameters, trial):
    for step in range(1, 5):
        trial.comm.Barrier()
        trial.report(step, parameters[0])
    return parameters[0]
pruner = MedianRule(min_trials=4)
result = hyperdrive(objective, [(0.0, 1.0)], sys.argv[1], n_iterations=10, model="RAND", ranks_per_trial=2, pruner=pruner)
sys.stdout.write(f"PRUNED {(result.trials['status'] == 'pruned').sum()}\\n")
"""
    )
    counts = [int(count) for count in re.findall(r"PRUNED (\d+)", mpirun(4, program, tmp_path / "study").stdout)]
    assert len(set(counts)) == 1
    assert counts[0] > 0


def test_a_wrong_argument_is_an_error_on_every_rank(mpirun, tmp_path):
    program = (
        HEAD
        + """
try:
    hyperdrive(lambda parameters, trial: 0.0, [(1.0, 0.0)], sys.argv[1], ranks_per_trial=2)
except ValueError as error:
    sys.stdout.write(f"REFUSED {error}\\n")
"""
    )
    lines = re.findall("REFUSED (.*)", mpirun(4, program, tmp_path / "study").stdout)
    assert len(lines) == 4
    assert len(set(lines)) == 1


@pytest.mark.parametrize("size", [2, 0, "two"])
def test_groups_need_ranks(tmp_path, size):
    with pytest.raises(InputError, match="ranks_per_trial"):
        hyperdrive(lambda parameters, trial: 0.0, [(0.0, 1.0)], tmp_path / "study", ranks_per_trial=size)


def test_the_objective_must_take_the_communicator(mpirun, tmp_path):
    program = HEAD + "hyperdrive(lambda parameters: 0.0, [(0.0, 1.0)], sys.argv[1], ranks_per_trial=2)"
    run = mpirun(2, program, tmp_path / "study", check=False)
    assert "must take the trial as its second argument" in run.stderr


@pytest.mark.parametrize("who", ["0", "1", "0, 1"])
def test_a_trial_that_any_or_all_members_fail_has_the_reason(mpirun, tmp_path, who):
    program = f"""{HEAD}
def objective(parameters, trial):
    if trial.comm.Get_rank() in ({who},) and parameters[0] > 0.5:
        trial.fail("the solver diverged")
    return parameters[0]
result = hyperdrive(objective, [(0.0, 1.0)], sys.argv[1], n_iterations=6, ranks_per_trial=2, model="RAND")
"""
    mpirun(2, program, tmp_path / "study")
    trials = load_results(tmp_path / "study").trials
    failed = trials[trials["status"] == "failed"]
    assert 0 < len(failed) < 6
    assert set(failed["error"]) == {"the solver diverged"}

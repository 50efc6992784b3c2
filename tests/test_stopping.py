"""Studies that end before their budget is spent."""

import pytest

from hyperspace import hyperbelt, hyperdrive
from hyperspace.errors import InputError
from hyperspace.space import check_space
from hyperspace.stopping import NoProgress, TargetValue, TimeLimit, count_points

SPACE = [(0.0, 1.0), (0.0, 1.0)]
FEW = {"n_drives": 4, "n_subspaces": 4, "model": "RAND"}
SHARED = ["round", "async", "files"]


def objective(x):
    return x[0]


@pytest.mark.parametrize("exchange", [*SHARED, "none"])
def test_a_target_value_ends_a_study(tmp_path, exchange):
    result = hyperdrive(objective, SPACE, tmp_path, n_calls=400, exchange=exchange, stopping=TargetValue(0.2), **FEW)
    assert result.ended_by == "the target value 0.2"
    assert result.fun <= 0.2
    assert result.nfev < 100
    again = hyperdrive(objective, SPACE, tmp_path, n_calls=400, exchange=exchange, stopping=[TargetValue(0.2)], **FEW)
    assert again.nfev == result.nfev


def test_a_target_value_has_the_objectives_sign(tmp_path):
    result = hyperdrive(objective, SPACE, tmp_path, n_calls=400, maximize=True, stopping=[TargetValue(0.8)], **FEW)
    assert result.fun >= 0.8
    assert result.nfev < 100


@pytest.mark.parametrize("exchange", SHARED)
def test_no_progress_ends_a_study(tmp_path, exchange):
    rule = NoProgress(9)
    result = hyperdrive(lambda x: 1.0, SPACE, tmp_path, n_calls=400, exchange=exchange, stopping=[rule], **FEW)
    assert result.ended_by == "no progress in 9 evaluations"
    assert result.nfev == (12 if exchange == "round" else 10)


def test_a_gain_within_the_tolerance_is_none(tmp_path):
    calls = []

    def slow(x):
        calls.append(x)
        return 1.0 - 1e-6 * len(calls)

    result = hyperdrive(slow, SPACE, tmp_path, n_calls=400, stopping=[NoProgress(9, tolerance=1e-3)], **FEW)
    assert result.nfev == 12


def test_a_time_limit_is_a_deadline(tmp_path):
    result = hyperdrive(objective, SPACE, tmp_path, n_calls=10**6, stopping=[TimeLimit(0.5), NoProgress(10**6)], **FEW)
    assert result.ended_by == "the deadline"


RANKS = """
import sys
from hyperspace import hyperdrive
from hyperspace.stopping import NoProgress, TargetValue
options = {"n_calls": 400, "n_drives": 4, "n_subspaces": 4, "model": "RAND", "exchange": sys.argv[2]}
rules = [TargetValue(0.05), NoProgress(200)]
result = hyperdrive(lambda x: x[0], [(0.0, 1.0), (0.0, 1.0)], sys.argv[1], stopping=rules, **options)
sys.stdout.write(f"ENDED {result.nfev} {result.ended_by}\\n")
"""


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_ranks_end_together(mpirun, tmp_path, exchange):
    ends = [mpirun(ranks, RANKS, tmp_path / f"study-{ranks}", exchange).stdout for ranks in (1, 3)]
    assert [out.count("the target value 0.05") for out in ends] == [1, 3]
    if exchange == "round":
        assert len(set("".join(ends).splitlines())) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: TargetValue("low"),
        lambda: NoProgress(0),
        lambda: NoProgress(5, -1.0),
        lambda: TimeLimit(0),
        lambda: hyperdrive(objective, SPACE, None, checkpoints=False, stopping=[lambda trial: True]),
    ],
)
def test_bad_rules_are_one_sentence(make):
    with pytest.raises(InputError, match="must be"):
        make()


@pytest.mark.parametrize("exchange", SHARED)
@pytest.mark.parametrize("space", [[(1, 3), ["a", "b"]], [["a", "b"]], [["only"]], [(1, 2), ["one"]]])
def test_a_space_of_few_points_ends_its_study(tmp_path, capfd, exchange, space):
    result = hyperdrive(lambda x: float(len(str(x))), space, tmp_path, n_calls=40, exchange=exchange, n_subspaces=1, n_drives=1)
    points = count_points(check_space(space))
    assert result.nfev == len({tuple(x) for x in result.x_iters}) == points
    assert "its search space" in result.ended_by
    assert f"evaluated, after {points} of 40 evaluations; with noisy=True it goes on" in capfd.readouterr().err


def test_a_noisy_objective_goes_on(tmp_path):
    assert hyperdrive(lambda x: 1.0, [(1, 3), ["a", "b"]], tmp_path, n_calls=20, noisy=True, n_drives=2, n_subspaces=2).nfev == 20


def test_hyperband_ends_when_each_point_had_the_whole_budget():
    result = hyperbelt(
        lambda x, budget: x[0] / budget, [(1, 2)], None, max_budget=3, loops=9, n_drives=2, n_subspaces=1, checkpoints=False
    )
    assert "its search space" in result.ended_by
    assert {trial.x for trial in result.all_trials if trial.budget == 3} == {(1,), (2,)}
    assert sum(trial.budget == 3 for trial in result.all_trials) <= 3


@pytest.mark.parametrize("wrap", [lambda rule: rule, lambda rule: [rule]])
def test_the_class_of_a_rule_is_no_rule(wrap):
    with pytest.raises(InputError, match=r"the class TargetValue; pass an object of it, TargetValue\(...\)"):
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, n_calls=1, checkpoints=False, stopping=wrap(TargetValue))


@pytest.mark.parametrize("exchange", ["round", "none", "async"])
def test_a_target_that_a_known_point_has_reached_costs_no_evaluation(tmp_path, exchange, capfd):
    known = {"x0": [[0.2], [0.6]], "y0": [0.2, 0.6]}
    call = {"objective": objective, "hyperparameters": SPACE[:1], "results_path": tmp_path, "n_calls": 8, "exchange": exchange}
    result = hyperdrive(**call, **known, stopping=[TargetValue(0.3), NoProgress(1)], n_drives=1, n_subspaces=1)
    assert (result.ended_by, result.fun) == ("the target value 0.3", 0.2)
    assert [trial.drive for trial in result.all_trials] == [-1, -1]
    assert "no evaluation was begun: the study was stopped by the target value 0.3" in capfd.readouterr().err

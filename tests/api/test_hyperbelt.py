"""hyperbelt: the brackets of the paper, what is promoted, and studies of it through hyperdrive."""

from itertools import pairwise

import pytest

from hyperspace import Optimizer, hyperbelt, hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.optimizers.hyperband import Hyperband, Ladder
from hyperspace.pruning import MedianRule
from hyperspace.trials.trial import FAILED, OK

SPACE = {"a": (-5.0, 5.0), "b": (1, 9)}
SMALL = {"max_budget": 9, "n_subspaces": 1}


def objective(parameters, budget):
    if parameters["a"] > 2.0:
        raise RuntimeError("too far")
    return abs(parameters["a"]) + parameters["b"] + 10.0 / budget


def key(result):
    return [(t.iteration, t.drive, t.x, t.status, dict(t.metrics), t.arm, dict(t.model)) for t in result._trials]


def rungs(result, bracket, loop=0):
    """Return the trials of each rung of a bracket."""
    mine = [t for t in result._trials if (t.model["bracket"], t.model["loop"]) == (bracket, loop)]
    return [[t for t in mine if t.model["rung"] == i] for i in range(bracket + 1)]


def test_all_brackets_are_run_and_the_best_of_each_rung_are_promoted():
    result = hyperbelt(objective, SPACE, None, **SMALL, checkpoints=False)
    assert result.nfev == Hyperband(9, 3).evaluations() == 20
    for s, sizes in {2: [9, 3, 1], 1: [3, 1], 0: [3]}.items():
        trials = rungs(result, s)
        assert [len(rung) for rung in trials] == sizes
        for rung, above in pairwise(trials):
            ended = sorted((t.metrics["objective"], t.x) for t in rung if t.status == OK)
            assert sorted(t.x for t in above) == sorted(x for _, x in ended[: len(above)])
            assert {t.budget for t in above} == {3 * rung[0].budget}
            assert {t.arm for t in above} == {"promotion"}
    statuses = [t.status for t in result._trials]
    assert FAILED in statuses


def test_the_best_is_that_of_the_largest_budget():
    result = hyperbelt(lambda x, budget: x[0] + budget, [(0.0, 1.0)], None, max_budget=9, n_subspaces=1, checkpoints=False)
    assert min(result.func_vals) < 2.0
    largest = [t.metrics["objective"] for t in result._trials if t.budget == 9]
    assert result.fun == min(largest) > 9.0
    table = result.table()
    assert list(table["budget"]) == sorted(table["budget"], reverse=True)
    assert table["objective"].iloc[0] == result.fun
    assert list(result.trials["budget"]) == [t.budget for t in result._trials]


def test_a_rung_that_failed_whole_ends_its_bracket():
    def picky(parameters, budget):
        if budget < 9:
            raise RuntimeError("too little")
        return parameters["a"]

    result = hyperbelt(picky, SPACE, None, **SMALL, n_drives=2, checkpoints=False)
    assert [len(rung) for rung in rungs(result, 2)] == [9, 0, 0]
    assert [len(rung) for rung in rungs(result, 0)] == [3]
    assert result.success


def test_each_subspace_has_brackets_of_its_own():
    result = hyperbelt(lambda x, budget: x[0] ** 2 + 1 / budget, [(-5.0, 5.0)], None, max_budget=9, checkpoints=False)
    assert [len(part._trials) for part in result.subspaces] == [20, 20]
    assert max(x[0] for x in result.subspaces[0].x_iters) <= 1.25
    assert min(x[0] for x in result.subspaces[1].x_iters) >= -1.25


@pytest.mark.parametrize("n_drives", [1, 4])
def test_a_study_that_was_cut_goes_on_as_it_would_have(tmp_path, n_drives):
    options = SMALL | {"n_drives": n_drives, "random_state": 3}
    whole = hyperbelt(objective, SPACE, tmp_path / "whole", loops=2, **options)
    assert len(whole._trials) >= 40
    assert all(Ladder(Hyperband(9)).brackets[s][0].size == len(rungs(whole, s, loop)[0]) for s in (2, 1, 0) for loop in (0, 1))
    for n_calls in (7, 10, 15, 21):
        hyperbelt(objective, SPACE, tmp_path / "cut", n_calls=n_calls, **options)
    assert key(hyperbelt(objective, SPACE, tmp_path / "cut", loops=2, **options)) == key(whole)
    assert key(load_results(tmp_path / "cut")) == key(whole)


def test_rounds_complete_the_loops_whatever_the_number_of_drives():
    for hands in (1, 2, 5, 16):
        result = hyperbelt(lambda x, budget: x[0], [(0.0, 1.0)], None, **SMALL, n_drives=hands, checkpoints=False)
        assert [[len(rung) for rung in rungs(result, s)] for s in (2, 1, 0)] == [[9, 3, 1], [3, 1], [3]]
        assert result.nfev == Hyperband(9).rounds(hands, 1) * hands


def test_the_objective_may_take_the_trial_too(tmp_path):
    seen = []

    def full(parameters, budget, trial):
        assert trial.budget == budget
        trial.report(int(budget), parameters[0])
        seen.append(trial.id)
        return parameters[0]

    hyperbelt(full, [(0.0, 1.0)], tmp_path, max_budget=3, n_subspaces=1)
    assert len(set(seen)) == Hyperband(3).evaluations() == 6
    hyperbelt(lambda x, budget, scale=2.0: scale * x[0], [(0.0, 1.0)], None, max_budget=3, n_subspaces=1, checkpoints=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1}, "eta"),
        ({"min_budget": 0}, "min_budget"),
        ({"min_budget": 100}, "min_budget"),
        ({"loops": 0}, "loops"),
        ({"x0": [0.0, 1], "y0": 1.0}, "x0"),
        ({"model": "GP"}, "model"),
        ({"exchange": "none"}, "hides"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        hyperbelt(objective, SPACE, None, checkpoints=False, **options)
    with pytest.raises(InputError, match="go together"):
        hyperdrive(lambda p: 0.0, SPACE, None, checkpoints=False, strategy="halving")


def test_the_name_hyperband_is_enough_for_an_objective_that_takes_the_trial(tmp_path):
    def budgeted(parameters, trial):
        return objective(parameters, trial.budget)

    result = hyperdrive(budgeted, SPACE, tmp_path, model="HYPERBAND", n_subspaces=1, n_iterations=90)
    assert result.nfev == 90
    assert set(result.trials["budget"]) >= {1, 3}
    assert rungs(result, 4)[1][0].arm == "promotion"
    assert key(hyperdrive(budgeted, SPACE, tmp_path, model=Hyperband(), n_subspaces=1, n_iterations=90)) == key(result)


def test_hyperband_is_refused_where_a_budget_would_not_be_spent():
    def without_budget(parameters):
        return parameters["a"]

    with pytest.raises(InputError, match=r"objective\(parameters, trial\) .*trial\.budget; or call hyperbelt"):
        hyperdrive(without_budget, SPACE, None, checkpoints=False, model="HYPERBAND")
    with pytest.raises(InputError, match="a list of models cannot hold Hyperband"):
        hyperdrive(lambda p, trial: 0.0, SPACE, None, checkpoints=False, model=["GP", "HYPERBAND"])
    with pytest.raises(InputError, match="which ask and tell do not carry"):
        Optimizer(SPACE, model="HYPERBAND")


def test_a_rule_that_prunes_within_evaluations_is_refused():
    seen = []
    with pytest.raises(InputError, match="leave out MedianRule"):
        hyperbelt(objective, SPACE, None, **SMALL, checkpoints=False, pruner=MedianRule())
    hyperbelt(objective, SPACE, None, **SMALL, checkpoints=False, callback=seen.append)
    assert len(seen) == 20


def test_another_budget_is_another_study(tmp_path):
    hyperbelt(objective, SPACE, tmp_path, **SMALL, n_calls=3)
    with pytest.raises(Exception, match="max_budget=27"):
        hyperbelt(objective, SPACE, tmp_path, max_budget=27, n_subspaces=1)


PROGRAM = """
    import hashlib, json, sys, time
    from hyperspace import hyperbelt

    def objective(parameters, budget):
        time.sleep(0.001 * budget)
        return abs(parameters["a"]) + parameters["b"] + 10.0 / budget

    space = {"a": (-5.0, 5.0), "b": (1, 9)}
    options = json.loads(sys.argv[2])
    result = hyperbelt(objective, space, sys.argv[1], n_subspaces=1, n_drives=3, **options)
    trials = repr([(t.iteration, t.drive, t.x, dict(t.model)) for t in result._trials])
    sys.stdout.write(hashlib.sha256(trials.encode()).hexdigest() + "\\n")  # a short line, which ranks write whole
"""


def jobs_of(study):
    """Return the configuration and rung of every trial of a study."""
    return [(t.model["config"], t.model["rung"]) for t in load_results(study)._trials]


def test_rounds_are_the_same_on_any_number_of_ranks(mpirun, tmp_path):
    options = '{"max_budget": 9, "exchange": "round"}'
    outputs = [set(mpirun(ranks, PROGRAM, tmp_path / str(ranks), options).stdout.split()) for ranks in (1, 3)]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 1


def test_over_mpi_nobody_waits_and_nothing_is_promoted_twice(mpirun, tmp_path):
    study, evaluations = tmp_path / "study", Hyperband(27).evaluations()
    run = mpirun(3, PROGRAM, study, '{"max_budget": 27}')
    assert len(set(run.stdout.split())) == 1
    jobs = jobs_of(study)
    assert len(jobs) == len(set(jobs)) == evaluations
    assert sum(rung > 0 for _, rung in jobs) >= 5
    assert all((config, rung - 1) in jobs for config, rung in jobs if rung > 0)
    mpirun(2, PROGRAM, study, '{"max_budget": 27, "loops": 2}')
    jobs = jobs_of(study)
    assert len(jobs) == len(set(jobs)) == 2 * evaluations

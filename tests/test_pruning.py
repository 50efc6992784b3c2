"""Pruning rules by themselves, and what becomes of a pruned trial in a study."""

import math

import numpy as np
import pytest

from hyperspace import Pruned, evolutionary_search, hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.pruning import HalvingRule, MedianRule
from hyperspace.trials.trial import OK, PRUNED


def curves(*losses):
    return [dict(enumerate(values, start=1)) for values in losses]


def test_the_median_rule_compares_the_best_with_the_median_of_means():
    rule = MedianRule(min_trials=3)
    peers = curves([4.0, 2.0], [5.0, 3.0], [9.0, 9.0], [0.0])  # means up to step 2: 3, 4, 9; the last did not come as far
    assert not rule.prunes({1: 8.0, 2: 4.0}, peers)
    assert not rule.prunes({1: 3.9, 2: 8.0}, peers)
    assert rule.prunes({1: 8.0, 2: 4.1}, peers)
    assert rule.prunes({1: math.inf, 2: math.inf}, peers)
    assert not rule.prunes({1: 8.0, 2: 9.0}, peers[:2])
    assert not MedianRule(min_trials=3, min_step=3).prunes({1: 8.0, 2: 9.0}, peers)


def test_the_halving_rule_lets_one_of_eta_go_on():
    rule = HalvingRule(min_step=2, eta=3)
    peers = [{2: loss} for loss in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert not rule.prunes({1: 9.0}, peers)  # before the first rung
    assert not rule.prunes({1: 9.0, 2: 1.5}, peers)  # the second of six
    assert rule.prunes({1: 9.0, 2: 2.5}, peers)  # the third of six
    assert rule.prunes({4: 2.5}, peers)  # the first report that has come as far
    assert not rule.prunes({2: 1.5, 4: 9.0}, peers)  # has been compared
    assert not rule.prunes({2: 1.5, 6: 9.0}, peers)  # the first at the second rung
    assert rule.prunes({2: 1.5, 6: 9.0}, [*peers, {2: 1.0, 7: 8.0}])
    assert not rule.prunes({2: 1.0}, [])


@pytest.mark.parametrize("make", [lambda: MedianRule(0), lambda: HalvingRule(0), lambda: HalvingRule(eta=1.5)])
def test_wrong_numbers_are_refused(make):
    with pytest.raises(InputError, match="whole number"):
        make()


def objective(x, trial):
    for epoch in range(1, 10):
        trial.report(epoch, {"loss": x[0] + 1.0 / epoch, "epoch": epoch})
    return {"loss": x[0], "epoch": 9}


@pytest.mark.parametrize("rule", [MedianRule(min_trials=4), HalvingRule()])
def test_a_pruned_trial_keeps_what_it_reported_and_is_resumed_alike(tmp_path, rule):
    common = {"n_subspaces": 1, "n_drives": 4, "model": "RAND", "exchange": "round"}
    whole = hyperdrive(objective, [(0.0, 1.0)], tmp_path / "whole", n_iterations=8, pruner=rule, **common)
    pruned = [t for t in whole._trials if t.status == PRUNED]
    assert 4 < len(pruned) < 28
    for trial in pruned:
        assert trial.metrics["loss"] == trial.x[0] + 1.0 / trial.metrics["epoch"]
        assert trial.reports[-1] == (trial.metrics["epoch"], trial.metrics["loss"])
        assert trial.error == f"pruned at step {trial.metrics['epoch']:.0f}"
        assert not trial.teaches_failure
    ended = [t.x[0] for t in whole._trials if t.status == OK]
    assert whole.fun == min(ended)
    assert sum(ended) / len(ended) < sum(t.x[0] for t in pruned) / len(pruned)
    hyperdrive(objective, [(0.0, 1.0)], tmp_path / "cut", n_calls=14, pruner=rule, **common)
    cut = hyperdrive(objective, [(0.0, 1.0)], tmp_path / "cut", n_iterations=8, pruner=rule, **common)

    def key(result):
        return [(t.key, t.x, t.status, t.metrics, t.reports) for t in result._trials]

    assert key(cut) == key(load_results(tmp_path / "cut")) == key(whole)


def test_maximized_values_and_values_that_are_no_numbers():
    def accuracy(x, trial):
        trial.report(1, math.nan if x[0] > 0.9 else x[0])
        return x[0]

    options = {"n_subspaces": 1, "model": "RAND", "n_iterations": 40, "maximize": True, "checkpoints": False}
    result = hyperdrive(accuracy, [(0.0, 1.0)], None, pruner=MedianRule(), exchange="round", **options)
    by_status = {status: [t.x[0] for t in result._trials[10:] if t.status == status] for status in (OK, PRUNED)}
    assert min(x for x in by_status[PRUNED] if x <= 0.9) < 0.5
    assert max(x for x in by_status[OK]) <= 0.9
    assert min(by_status[OK]) > 0.3
    assert all(t.reports is None for t in result._trials if t.x[0] > 0.9)


def test_an_objective_may_prune_by_itself_and_nothing_is_pruned_without_a_rule(tmp_path):
    def own(x, trial):
        trial.report(3, 7.0)
        if x[0] > 0.5:
            raise Pruned("diverged")
        return x[0]

    result = hyperdrive(own, [(0.0, 1.0)], tmp_path, n_subspaces=1, n_iterations=6)
    pruned = [t for t in result._trials if t.status == PRUNED]
    assert {t.x[0] > 0.5 for t in pruned} == {True}
    assert {(t.error, t.metrics["objective"], t.fault, t.reports) for t in pruned} == {("diverged", 7.0, None, ((3, 7.0),))}
    assert list(result.trials["status"]) == list(load_results(tmp_path).trials["status"])


def test_a_rule_goes_with_a_callback_and_with_a_tolerance():
    seen = []
    options = {"model": "RAND", "population": 6, "generations": 30, "checkpoints": False, "pruner": MedianRule(min_trials=2)}
    options["callback"] = lambda trial: seen.append(trial.status)
    result = evolutionary_search(objective, [(0.0, 1.0)], None, tolerance=0.0, patience=3, **options)
    assert seen == [t.status for t in result._trials]
    assert PRUNED in seen
    assert len(seen) < 180


@pytest.mark.parametrize("model", ["RAND", "GP"])
def test_rounds_prune_the_same_on_any_number_of_ranks(mpirun, model):
    program = """
        import hashlib, sys
        from hyperspace import hyperdrive
        from hyperspace.pruning import MedianRule

        def objective(x, trial):
            for epoch in range(1, 6):
                trial.report(epoch, x[0] + 1.0 / epoch)
            return x[0]

        options = {"n_subspaces": 1, "n_drives": 3, "n_iterations": 8, "model": sys.argv[1]}
        options |= {"exchange": "round", "checkpoints": False}
        result = hyperdrive(objective, [(0.0, 1.0)], None, pruner=MedianRule(min_trials=3), **options)
        trials = repr([(t.iteration, t.drive, t.x, t.status, t.reports) for t in result._trials])
        pruned = sum(t.status == "pruned" for t in result._trials)
        sys.stdout.write(f"{hashlib.sha256(trials.encode()).hexdigest()} {pruned}\\n")  # a short line, which ranks write whole
    """
    outputs = [set(mpirun(ranks, program, model).stdout.splitlines()) for ranks in (1, 3)]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 1
    assert int(outputs[0].pop().split()[1]) > 0


def test_what_is_pruned_has_not_failed(capsys):
    def objective(x, trial):
        if x[0] < 0.2:
            raise ValueError("no value here")
        trial.report(1, x[0])
        return x[0]

    rule = MedianRule(min_trials=3)
    result = hyperdrive(objective, [(0.0, 1.0)], None, checkpoints=False, model="RAND", n_calls=30, verbose=True, pruner=rule)
    statuses = list(result.trials["status"])
    assert statuses.count("pruned") > 0
    assert f"{statuses.count('failed')} failed" in capsys.readouterr().out


def falling(x, trial):
    for epoch in range(1, 6):
        trial.report(epoch, (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2 + 0.1 / epoch)
    return (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2


SQUARE = [(0.0, 1.0), (0.0, 1.0)]


def gives_up(x, trial):
    """Promise much wherever the first parameter is large, and never come to an end there."""
    loss = (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2
    trial.report(1, loss + 1.0 if x[0] > 0.5 else loss)
    if x[0] > 0.5:
        raise Pruned("no end here")
    return loss


@pytest.mark.parametrize("strategy", ["adaptive", "static"])
def test_a_model_learns_from_pruned_trials_where_not_to_look_again(strategy):
    options = {"n_subspaces": 1, "n_calls": 24, "random_state": 1, "checkpoints": False}
    result = hyperdrive(gives_up, SQUARE, None, strategy=strategy, **options)
    asked = [trial for trial in result.all_trials if trial.arm != "design"]
    assert len(asked) > 8
    # A model that knew nothing of them would see its largest uncertainty there, and nothing else.
    assert sum(trial.status == PRUNED for trial in asked) <= len(asked) // 3
    assert result.best_trial.status == OK


def test_regions_are_centerd_on_trials_that_ended_well():
    from hyperspace.optimizers.bayesian.settings import Settings, Setup
    from hyperspace.optimizers.bayesian.trust_regions import TrustRegionState
    from hyperspace.space import check_space
    from hyperspace.space.space import Bounds
    from hyperspace.trials.archive import Archive
    from hyperspace.trials.metrics import Metrics
    from hyperspace.trials.trial import Trial

    space = check_space(SQUARE)
    known = Archive(space.to_unit, Metrics(), 2)
    losses = [(3.0, OK), (1.0, PRUNED), (2.0, OK), (0.5, PRUNED)]
    for number, (loss, status) in enumerate(losses):
        x = (0.2 * number, 0.9 - 0.2 * number)
        known.extend([Trial(drive=0, iteration=number, x=x, status=status, metrics={"objective": loss}, arm="global")])
    setup = Setup(space, Settings(), "GP", "EI", 0, Bounds.whole(2))
    region_state = TrustRegionState(setup, 2, 1)
    region_state.update(known)
    assert np.isfinite(known.y).all()
    assert region_state.score.tolist() == [3.0, math.inf, 2.0, math.inf]
    assert {region.center for region in region_state.regions} <= {0, 2}
    assert region_state.failed == []
    assert region_state.required_z == 0.0


@pytest.mark.parametrize("options", [{}, {"strategy": "static", "n_subspaces": 1}, {"strategy": "generations", "model": "PSO"}])
def test_models_that_learned_from_pruned_trials_are_resumed_alike(tmp_path, options):
    common = {"n_drives": 3, "exchange": "round", "pruner": HalvingRule(), "n_samples": 2, "n_subspaces": 1}
    common |= options
    whole = hyperdrive(falling, SQUARE, tmp_path / "whole", n_iterations=7, **common)
    hyperdrive(falling, SQUARE, tmp_path / "cut", n_calls=11, **common)
    cut = hyperdrive(falling, SQUARE, tmp_path / "cut", n_iterations=7, **common)
    assert sum(trial.status == PRUNED for trial in whole.all_trials) > 2
    assert [(t.key, t.x, t.status) for t in cut.all_trials] == [(t.key, t.x, t.status) for t in whole.all_trials]


@pytest.mark.parametrize(("step", "told"), [(0.33, "0.33"), (1.7, "1.7"), (2.0, "2.0"), (True, "True"), ("0", "'0'"), (-1, "-1")])
def test_a_step_that_is_no_whole_number_is_refused(step, told):
    def swapped(x, trial):
        with pytest.raises(InputError, match=rf"takes the step first, a whole number .* step={told}, value=7"):
            trial.report(step, 7)
        trial.report(np.int64(3), 0.5)
        return x[0]

    result = hyperdrive(swapped, [(0.0, 1.0)], None, model="RAND", n_calls=1, checkpoints=False)
    assert result.best_trial.reports == ((3, 0.5),)

from hyperspace.exchange.tally import Tally, add, tally
from hyperspace.trials.incumbent import Rank
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.trial import FAILED, OK, PRUNED, TIMEOUT, Trial

METRICS = Metrics([Metric("gain", goal="maximize"), Metric("size", goal="constrain", upper=1.0)])


def trial(status, budget=None, **metrics):
    model = None if budget is None else {"budget": budget}
    return Trial(drive=0, iteration=0, x=(), status=status, metrics=metrics, model=model)


def test_nothing_is_nothing():
    assert tally([], METRICS) == add([]) == Tally(0, 0, 0, 0, None)


def test_each_trial_counts_under_one_name():
    trials = [
        trial(OK, gain=3.0, size=0.5),
        trial(OK, gain=9.0, size=1.5),
        trial(PRUNED, gain=9.0, size=0.5),
        trial(FAILED),
        trial(TIMEOUT),
    ]
    told = tally(trials, METRICS)
    assert told == Tally(finished=5, failed=2, pruned=1, infeasible=1, best=Rank(0.0, 0.0, -3.0))
    assert told.useless == {"failed": 2, "pruned": 1, "infeasible": 1}


def test_the_best_has_the_largest_budget_before_the_least_loss():
    trials = [trial(OK, 9, gain=1.0, size=0.0), trial(OK, 3, gain=5.0, size=0.0), trial(OK, 9, gain=2.0, size=0.0)]
    assert tally(trials, METRICS).best == Rank(0.0, -9.0, -2.0)


def test_without_a_usable_trial_there_is_no_best():
    assert tally([trial(OK, gain=1.0, size=2.0), trial(FAILED)], METRICS).best is None
    assert tally([trial(OK, gain=float("inf"), size=0.0)], METRICS) == Tally(finished=1)


def test_the_tally_of_all_ranks_is_that_of_all_their_trials():
    trials = [trial(OK, gain=float(number), size=0.3 * number) for number in range(6)] + [trial(FAILED), trial(PRUNED)]
    for cut in range(len(trials) + 1):
        assert add([tally(trials[:cut], METRICS), tally(trials[cut:], METRICS)]) == tally(trials, METRICS)
    assert add([Tally(), Tally(best=None)]) == Tally()

"""What a study is: how its evaluations are dealt out, and what of it is fixed at its creation."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from hyperspace import Metric
from hyperspace.errors import InputError, StudyError
from hyperspace.exchange.spec import EXCHANGES
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.strategies import STRATEGIES
from hyperspace.study.same_call import check_alike
from hyperspace.study.settings import StudySettings, check_same, identity
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import GIVEN_DRIVE, OK, Trial, TrialKey

SPACE = check_space({"x": (0.0, 1.0), "n": (1, 9), "f": [max, "b"], "k": 3})
GIVEN = Trial(drive=GIVEN_DRIVE, iteration=0, x=(0.5, 2, "b"), status=OK, metrics={"loss": 1.0}, origin="given")


def study(**changes):
    settings = {
        "space": SPACE,
        "metrics": Metrics(),
        "partition": Partition(SPACE, 2),
        "objective_name": "f",
        "model": "GP",
        "model_name": "GP",
        "acquisition": "EI",
        "strategy": STRATEGIES["adaptive"],
        "exchange": EXCHANGES["round"],
        "sampler": "sobol",
        "n_samples": 2,
        "n_drives": 4,
        "founders": 4,
        "n_iterations": None,
        "n_calls": 10,
        "given": (),
        "first": (),
        "seed": 7,
    }
    return StudySettings(**settings | changes)


@pytest.mark.parametrize("n_calls", [1, 3, 4, 10, 11, 400])
def test_evaluations_are_dealt_out_evenly_and_completely(n_calls):
    made = study(n_calls=n_calls)
    budgets = [made.budget(drive) for drive in range(4)]
    assert sum(budgets) == made.planned == n_calls
    assert max(budgets) - min(budgets) <= 1
    assert budgets == sorted(budgets, reverse=True)
    assert made.rounds == budgets[0]


def test_iterations_are_made_by_every_drive():
    made = study(n_calls=None, n_iterations=5)
    assert made.planned == 20
    assert [made.budget(drive) for drive in range(4)] == [5] * 4


@pytest.mark.parametrize(("exchange", "shared"), [("none", False), ("round", True), ("async", True), ("files", True)])
def test_who_shares_trials(exchange, shared):
    assert study(exchange=EXCHANGES[exchange]).shared is shared


def test_first_points_are_dealt_out_to_the_founders_in_the_order_of_rounds():
    first = tuple((0.1 * number, 1, "b") for number in range(6))
    made = study(first=first, founders=4, n_drives=6)
    dealt = {(i, d): made.first_point(TrialKey(i, d)) for i in range(3) for d in range(6)}
    assert [dealt[0, d] for d in range(4)] == list(first[:4])
    assert [dealt[1, d] for d in range(4)] == [*first[4:], None, None]
    assert {dealt[i, d] for i in range(3) for d in (4, 5)} == {None}  # who joined later moves nobody's point


def test_the_fingerprint_is_json_that_comes_back_equal():
    metrics = Metrics([Metric("loss"), Metric("size", goal="constrain", upper=2.0)])
    made = study(metrics=metrics, given=(GIVEN,), first=((0.25, 3, max),), seed=2**4000)
    fingerprint = made.fingerprint()
    assert json.loads(json.dumps(fingerprint, allow_nan=False)) == fingerprint
    assert fingerprint["x0"] == [[0.25, 3, {"category": 0}]]
    assert [SPACE.load(record["x"]) for record in fingerprint["given"]] == [GIVEN.x]
    assert fingerprint["random_state"] == 2**4000
    assert "x0" not in study().fingerprint()


FIXED = {
    "space": check_space({"x": (0.0, 2.0), "n": (1, 9), "f": [max, "b"], "k": 3}),
    "objective_name": "g",
    "model_name": "RF",
    "acquisition": "PI",
    "strategy": STRATEGIES["static"],
    "partition": Partition(SPACE, 4),
    "founders": 2,
    "sampler": "lhs",
    "n_samples": 3,
    "metrics": Metrics([Metric("a")]),
    "given": (GIVEN,),
    "first": ((0.5, 2, "b"),),
    "seed": 8,
}
OPEN = {"exchange": EXCHANGES["async"], "n_calls": 99, "n_drives": 8, "model": "another object of the same name"}


@pytest.mark.parametrize("name", FIXED)
def test_what_is_fixed_makes_another_study(name):
    other = replace(study(), **{name: FIXED[name]})
    assert other.identity != study().identity
    with pytest.raises(StudyError, match="holds another study, which differs in\n"):
        check_same(study().fingerprint(), other.fingerprint(), "results")
    with pytest.raises(InputError, match="every rank must call hyperdrive with the same arguments, and they differ in\n"):
        check_alike(study().fingerprint(), other.fingerprint())


@pytest.mark.parametrize("name", OPEN)
def test_how_far_to_go_and_how_to_share_is_not_fixed(name):
    other = replace(study(), **{name: OPEN[name]})
    assert other.identity == study().identity
    check_same(study().fingerprint(), other.fingerprint(), "results")
    check_alike(study().fingerprint(), other.fingerprint())


def test_overlap_and_the_sign_are_fixed():
    assert study(partition=Partition(SPACE, 2, 0.5)).identity != study().identity
    assert study(metrics=Metrics(maximize=True)).identity != study().identity


def test_a_refusal_says_what_differs_where_and_what_to_do():
    with pytest.raises(StudyError) as raised:
        check_same(study().fingerprint(), study(seed=9).fingerprint(), "my results")
    message = str(raised.value)
    assert "results_path 'my results' holds another study" in message
    assert "random_state: 7 there, 9 now" in message
    assert "warm_start='my results'" in message
    with pytest.raises(InputError, match="random_state: 7 on rank 0, 9 here"):
        check_alike(study().fingerprint(), study(seed=9).fingerprint())


def test_an_identity_does_not_depend_on_the_order_of_settings_or_on_the_process():
    fingerprint = study().fingerprint()
    shuffled = dict(reversed(fingerprint.items()))
    assert identity(shuffled) == identity(fingerprint)
    assert identity({"a": 1}) == "f9d86028c6e0d64e"  # journals of earlier versions carry such hashes
    program = f"from hyperspace.study.settings import identity; print(identity({fingerprint!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == identity(fingerprint)


def test_a_metric_without_a_threshold_is_recorded_as_before_there_were_thresholds():
    metrics = Metrics([Metric("a", threshold=2.0), Metric("b")])
    recorded = study(metrics=metrics).fingerprint()["metrics"]
    assert recorded[1] == {"name": "b", "goal": "minimize", "lower": None, "upper": None}
    assert [Metric(**fields) for fields in recorded] == list(metrics.declared)

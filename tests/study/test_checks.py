"""Arguments of hyperdrive that are not what they have to be: one sentence each, and no study."""

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import InputError
from hyperspace.exchange.spec import EXCHANGES
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.strategies import STRATEGIES
from hyperspace.study.checks import check_halving

HUGE = 10**5000
PAIR = np.array([1, 2])


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ({"n_calls": PAIR}, "n_calls must be a whole number"),
        ({"n_calls": HUGE}, "n_calls must be at most"),
        ({"n_drives": HUGE}, "n_drives must be at most"),
        ({"n_drives": np.array(2)}, "n_drives must be a whole number"),
        ({"n_samples": HUGE}, "n_samples must be at most"),
        ({"n_samples": 10**12}, "n_samples may make at most"),
        ({"random_state": HUGE}, "random_state must be at most 2\\^4096"),
        ({"random_state": np.array([1])}, "random_state must be a whole number"),
        ({"deadline": HUGE}, "deadline must be a positive number of seconds"),
        ({"ranks_per_trial": HUGE}, "ranks_per_trial must be at most"),
        ({"ranks_per_trial": PAIR}, "ranks_per_trial must be a whole number"),
        ({"retries": PAIR}, "retries must be a whole number"),
        ({"exchange": PAIR}, "exchange must be one of"),
        ({"callback": 5}, "callback must be a function of a trial"),
        ({"callback": "print"}, "callback must be a function of a trial"),
        ({"restart": "no"}, "restart must be True or False"),
        ({"isolate": PAIR}, "isolate must be True or False"),
        ({"maximize": "yes"}, "maximize must be True or False"),
        ({"verbose": PAIR}, 'verbose must be True, False or "silent", got'),
        ({"checkpoints": PAIR}, "checkpoints must be True or False"),
    ],
)
def test_an_argument_of_another_kind_is_told_in_a_sentence(tmp_path, argument, told):
    with pytest.raises(InputError, match=told):
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "s", **({"model": "RAND", "n_calls": 2} | argument))


def test_numpy_s_flags_are_flags(tmp_path):
    options = {"model": "RAND", "n_calls": 2, "n_subspaces": 1}
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "s", checkpoints=np.False_, **options)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("model", "strategy", "exchange", "message"),
    [
        ("GP", "halving", "round", "go together, got strategy='halving', model='GP'"),
        (Hyperband(), "static", "round", "go together, got strategy='static'"),
        (Hyperband(), "halving", "none", 'which exchange="none" hides'),
    ],
)
def test_what_successive_halving_cannot_be_is_refused(model, strategy, exchange, message):
    with pytest.raises(InputError, match=message):
        check_halving(model, STRATEGIES[strategy], EXCHANGES[exchange])


def test_what_it_can_be_passes():
    for exchange in ("round", "async", "files"):
        check_halving(Hyperband(), STRATEGIES["halving"], EXCHANGES[exchange])

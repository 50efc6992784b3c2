"""Children that the user's code forks: they end, and change nothing of the study."""

import os
import sys

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.journal import Journal, Leases
from hyperspace.space import check_space
from hyperspace.stopping import StoppingRule
from hyperspace.system.forks import call


def forking(way):
    """Fork once, and wait for the child, which returns, raises or exits."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    elif way == "raises":
        raise ValueError("the child")
    elif way == "exits":
        sys.exit(0)


@pytest.mark.parametrize("way", ["returns", "raises", "exits"])
def test_a_child_ends_where_it_comes_back(way, capfd):
    reading, writing = os.pipe()
    call(forking, way)
    os.write(writing, b"x")  # a child that went on would write here, too
    assert os.read(reading, 10) == b"x"
    os.close(reading)
    os.close(writing)


class Forking(StoppingRule):
    """A rule that forks after each trial or after each round, and ends nothing."""

    reason = "never"

    def __init__(self, way, rounds):
        self.way, self.rounds = way, rounds

    def watch(self, metrics):
        return self._look if not self.rounds else lambda trial: False

    def watch_rounds(self, metrics):
        return self._look if self.rounds else None

    def _look(self, known):
        if self.way is not None:
            forking(self.way)
        return False


class Model:
    """A model that forks when it is fitted."""

    def __init__(self, way):
        self.way = way

    def fit(self, X, y):
        if self.way is not None:
            forking(self.way)
            self.way = None
        return self

    def predict(self, X):
        return np.zeros(len(X)), np.ones(len(X))


def values(path, **options):
    result = hyperdrive(lambda x: x[0] ** 2, [(-1.0, 1.0)], path, n_calls=10, n_drives=2, **options)
    return [(trial.key, trial.x) for trial in result.all_trials]


@pytest.mark.parametrize("way", ["returns", "raises", "exits"])
@pytest.mark.parametrize(("checkpoints", "rounds"), [(True, True), (False, True), (True, False)])
def test_a_stopping_rule_may_fork(tmp_path, way, checkpoints, rounds):
    expected = values(tmp_path / "a", stopping=Forking(None, rounds))
    assert values(tmp_path / "b", stopping=Forking(way, rounds), checkpoints=checkpoints) == expected
    assert list((tmp_path / "b").glob("leases/*")) == []


@pytest.mark.parametrize("exchange", ["round", "async", "files"])
def test_a_model_may_fork(tmp_path, exchange):
    expected = values(tmp_path / "a", model=Model(None), exchange=exchange)
    assert values(tmp_path / "b", model=Model("returns"), exchange=exchange) == expected


def in_a_child(action):
    """Return whether `action` raised a StudyError in a forked child."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except StudyError:
            os._exit(7)
        except BaseException:
            os._exit(8)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_child_neither_takes_nor_gives_back_a_lease(tmp_path):
    leases = Leases(tmp_path)
    assert leases.take("study") == 0
    assert not in_a_child(leases.close)
    assert not in_a_child(lambda: leases.release("study"))
    assert in_a_child(lambda: leases.take("another"))
    assert leases.holds("study")
    leases.close()


def test_a_child_writes_no_journal(tmp_path):
    journal = Journal(tmp_path / "00000.jsonl", "study", 0, check_space([(0.0, 1.0)]))
    assert in_a_child(journal._write)
    assert not in_a_child(journal.close)
    assert not journal.path.exists()

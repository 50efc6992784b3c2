"""Every interleaving of stalls, takeovers and awakenings ends with one owner and a readable study.

A model of runs over the real leases and journals: each run takes the study's lease, reads the journal, and evaluates. It may
stand still before any of its steps, also between the look at its lease and the write that follows, for longer than a lease lasts.
"""

import os
from dataclasses import replace
from itertools import combinations, count

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import integers

import hyperspace.journal.lease as lease_module
from hyperspace.journal import LeaseLostError, Leases, StudyFolder, open_journal
from hyperspace.journal.lease import STUDY
from hyperspace.journal.owner import Owner
from hyperspace.space import check_space
from hyperspace.trials.trial import Trial, TrialKey

SPACE = check_space([(0.0, 1.0)])
DRIVE = 3


class Run:
    """A run on a machine of its own, which goes on one step at a time."""

    def __init__(self, world, number, stalls):
        self.world, self.number, self.stalls = world, number, stalls
        self.leases = Leases(world.folder.leases)
        self.leases.me = replace(self.leases.me, host=f"host-{number}")
        self.claim = None
        self.looked = None  # what the last look at the lease has shown
        self.evaluations = 0
        self.ended = False
        self._steps = self._live()

    def step(self):
        """Do the next step; a run that finds its lease lost is at its end."""
        try:
            next(self._steps)
        except LeaseLostError:
            assert not self.claim.stands()
            self.ended = True

    def _live(self):
        while True:
            self.world.expire_others(self)
            attempt = self.leases.take(STUDY, self.world.folder.next_attempt())
            yield
            if attempt is not None and attempt >= self.world.folder.next_attempt():
                break
            self.leases.release(STUDY)
        self.claim = self.leases.claim(STUDY)
        reader = self.world.folder.reader(DRIVE, SPACE)
        reader.read()
        yield
        journal = open_journal(self.world.folder, "study-1", DRIVE, SPACE, reader, attempt, self._check)
        for iteration in count(reader.first_unfinished):
            interrupted = reader.trials.get(TrialKey(iteration, DRIVE))
            again = 0 if interrupted is None else interrupted.attempt + 1
            trial = Trial(drive=DRIVE, iteration=iteration, x=(0.5,), attempt=again)
            yield from self._look()
            journal.started(trial)
            yield
            self.evaluations += 1
            value = 100.0 * self.number + self.evaluations
            yield from self._look()
            holds = self.claim.stands()
            journal.finished(trial.finish("ok", metrics={"loss": value}))
            if holds:  # what is acknowledged stays
                self.world.acknowledged[trial.key] = value
            yield

    def _look(self):
        try:
            self.claim.check()
            self.looked = None
        except LeaseLostError as error:
            self.looked = error
        if self.stalls:
            yield  # between the look and the write

    def _check(self):
        if self.looked is not None:
            raise self.looked


class World:
    """A study's folder, and all runs that have been started."""

    def __init__(self, path):
        self.folder = StudyFolder(path)
        self.folder.write_study({"format": 1})
        self.acknowledged = {}
        self.runs = []
        self.live = self.folder.reader(DRIVE, SPACE)  # looks on all the time

    def start(self, stalls=True):
        self.runs.append(Run(self, len(self.runs), stalls))
        return self.runs[-1]

    def expire_others(self, run):
        """Whoever holds the lease has given no sign of life for longer than it lasts."""
        for file in self.folder.leases.glob("*.json"):
            if run.claim is None or file != run.claim.path:
                os.utime(file, (0.0, 0.0))

    def check(self):
        """Look at what must hold after each step."""
        assert sum(run.claim is not None and run.claim.stands() for run in self.runs) <= 1
        (fresh,) = self.folder.read_journals(SPACE, [DRIVE]).values() or [None] if self.folder.drives() else [None]
        if fresh is None:
            return
        for key, value in self.acknowledged.items():
            assert fresh.trials[key].metrics == {"loss": value}
        iterations = sorted(key.iteration for key in fresh.trials)
        assert iterations == list(range(len(iterations)))
        assert sum(not trial.finished for trial in fresh.trials.values()) <= 1
        if self.runs[-1].evaluations % 2:  # it looks now and then
            self.live.read()
            assert self.live.trials == fresh.trials


@pytest.fixture(autouse=True)
def _machines(monkeypatch):
    monkeypatch.setattr(Owner, "is_dead", lambda self, me: None if self.host != me.host else False)
    monkeypatch.setattr(lease_module.Owner, "here", classmethod(lambda cls: HERE))
    monkeypatch.setattr(lease_module.Leases, "_beat", lambda self: None)  # a run gives signs of life by its steps alone
    monkeypatch.setattr(os, "fsync", lambda file: None)  # power cuts are tried elsewhere


HERE = Owner.here()
STEPS = 7  # of the run that stands still: take, read, look, begin, look, end, look at the lease again
AFTER = 5  # of its successor: take, read, begin, end, begin


@pytest.mark.parametrize("before", range(1, STEPS))
def test_all_interleavings_of_a_stalled_run_and_its_successor(tmp_path, before):
    """The first run stands still after each of its steps; from there on all orders of the steps of both are tried."""
    rest = STEPS - before
    for number, places in enumerate(combinations(range(rest + AFTER), rest)):
        world = World(tmp_path / str(number))
        first, second = world.start(), world.start(stalls=False)
        for _ in range(before):
            first.step()
        for place in range(rest + AFTER):
            run = first if place in places else second
            if not run.ended:
                run.step()
            world.check()
        for _ in range(4):
            for run in world.runs:
                if not run.ended:
                    run.step()
        world.check()
        (owner,) = (run for run in world.runs if not run.ended)  # the second, or the first if it had to take the lease again
        assert owner.claim.stands()
        assert world.acknowledged


class Fencing(RuleBasedStateMachine):
    """Any number of runs, of which any may stand still for any time, or be killed."""

    folder = None  # set by the test

    @initialize()
    def begin(self):
        path = Fencing.folder / str(len(list(Fencing.folder.iterdir())))
        self.world = World(path)
        self.world.start()

    @rule(steps=integers(1, 12), number=integers(0, 3))
    def go_on(self, steps, number):
        run = self.world.runs[number % len(self.world.runs)]
        for _ in range(steps):
            if not run.ended:
                run.step()
                self.world.check()

    @rule()
    def start(self):
        if len(self.world.runs) < 4:
            self.world.start()

    @rule(number=integers(0, 3))
    def kill(self, number):
        self.world.runs[number % len(self.world.runs)].ended = True

    @invariant()
    def holds(self):
        if hasattr(self, "world"):
            self.world.check()


def test_any_schedule_of_several_runs(tmp_path):
    Fencing.folder = tmp_path
    machine = Fencing.TestCase
    machine.settings = settings(max_examples=100, stateful_step_count=20, deadline=None, derandomize=True)
    machine("runTest").runTest()

"""A fixed subspace for each drive: who is made for whom, what it is told, and what it knows to be under way."""

import numpy as np
import pytest

from hyperspace import hyperdrive
from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.strategies.base import FirstPoints
from hyperspace.strategies.static import StaticStrategy
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial

SPACE = check_space([(0.0, 1.0), (0.0, 1.0)])
PARTITION = Partition(SPACE, 2)


class Recorder(AskTell):
    """Answers with a point that depends on all it knows, and keeps its calls."""

    def __init__(self, subspace, member, team):
        self.made = subspace.index, member, team
        self.told, self.asked, self.recalled = [], [], []

    def ask(self, key, pending):
        self.asked.append((key, pending.tolist()))
        u = key.rng().random(2) / 2 + 0.1 * len(pending) + 0.01 * len(self.told)
        return Suggestion(u, "recorder", {"n": len(self.told)})

    def tell(self, trials, U, y):
        assert len(trials) == len(U) == len(y)
        self.told += list(trials)

    def recall(self, trial, u, key, pending):
        self.recalled.append((trial, u.tolist(), key, pending.tolist()))


class Study:
    """Four drives in two subspaces: drives 0 and 2 share the first one, 1 and 3 the second."""

    def __init__(self, foresees=True, first=None, n_drives=4):
        self.made, self.n_drives = [], n_drives
        self.archive = Archive(SPACE.to_unit, Metrics(), 2)
        self.strategy = StaticStrategy(PARTITION.__getitem__, 2, n_drives, self.make, 7, foresees, first)

    def make(self, subspace, member, team):
        self.made.append(Recorder(subspace, member, team))
        return self.made[-1]

    def of(self, drive):
        return next(made for made in self.made if made.made[:2] == (drive % 2, drive // 2))

    def run(self, rounds):
        for iteration in range(rounds):
            asked = [self.strategy.ask(drive, iteration, self.archive) for drive in range(self.n_drives)]
            self.archive.extend(
                Trial(drive=d, iteration=iteration, x=tuple(s.u), status=OK, metrics={"objective": 1.0}, **s.kept)
                for d, s in enumerate(asked)
            )
        return self


def test_drives_take_the_subspaces_in_turn():
    strategy = Study().strategy
    assert [strategy.home(drive) for drive in range(4)] == [0, 1, 0, 1]
    for drive in range(4):
        np.testing.assert_array_equal(strategy.searched(drive).lower, PARTITION[drive % 2].bounds.lower)
        np.testing.assert_array_equal(strategy.searched(drive).upper, PARTITION[drive % 2].bounds.upper)


def test_every_drive_has_one_optimizer_of_its_own_for_good():
    study = Study().run(3)
    assert sorted(made.made for made in study.made) == [(0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)]


def test_only_optimizers_that_are_needed_are_made():
    study = Study()
    study.strategy.ask(3, 0, study.archive)
    assert [made.made for made in study.made] == [(1, 0, 2), (1, 1, 2)]  # its mate's answer is foreseen
    study = Study(foresees=False)
    study.strategy.ask(3, 0, study.archive)
    assert [made.made for made in study.made] == [(1, 1, 2)]


def test_each_trial_is_told_once_and_in_order():
    study = Study().run(4)
    for drive in range(4):
        study.strategy.ask(drive, 4, study.archive)
        assert study.of(drive).told == list(study.archive.trials)


def test_a_question_is_keyed_by_drive_and_iteration():
    study = Study(foresees=False).run(3)
    assert [key for key, _ in study.of(2).asked] == [Key(7, 2, 0), Key(7, 2, 1), Key(7, 2, 2)]


def test_a_drive_foresees_its_mates_before_it_and_knows_what_is_under_way():
    study = Study(n_drives=6)
    running = Trial(drive=9, iteration=0, x=(0.3, 0.4))
    study.archive.extend([running])
    answers = {drive: study.strategy.ask(drive, 0, study.archive).u.tolist() for drive in range(6)}
    for drive in range(6):
        ((_, pending),) = study.of(drive).asked
        assert pending == [[0.3, 0.4], *(answers[mate] for mate in range(drive % 2, drive, 2))]


def test_answers_do_not_depend_on_who_asked_first_or_at_all():
    expected = Study().run(3)
    for order in ([3, 1, 0, 2], [2], [3]):
        study = Study()
        study.archive.extend(expected.archive.trials)
        for drive in order:
            fresh = expected.strategy.ask(drive, 3, expected.archive)
            np.testing.assert_array_equal(study.strategy.ask(drive, 3, study.archive).u, fresh.u)


def test_an_answer_of_an_earlier_round_is_not_taken_for_one_of_this_round():
    expected, study = Study().run(1), Study()
    study.strategy.ask(0, 0, study.archive)
    study.archive.extend(expected.archive.trials)
    found = study.strategy.ask(2, 1, study.archive)
    np.testing.assert_array_equal(found.u, expected.strategy.ask(2, 1, expected.archive).u)
    assert study.of(2).asked[0][1] == [expected.strategy.ask(0, 1, expected.archive).u.tolist()]


def test_without_foresight_only_what_is_under_way_is_known():
    study = Study(foresees=False).run(1)
    assert all(pending == [] for made in study.made for _, pending in made.asked)


def test_whose_answers_a_rank_has_to_recall():
    assert Study().strategy.relevant([2]) == {0, 2}
    assert Study(n_drives=8).strategy.relevant([5, 6]) == {0, 1, 2, 3, 4, 5, 6}
    assert Study(foresees=False).strategy.relevant([2]) == {2}


def test_first_points_are_evaluated_without_a_question_and_are_foreseen():
    first = FirstPoints(np.array([[0.1, 0.1], [0.2, 0.2]]), 4)
    study = Study(first=first)
    assert study.strategy.ask(0, 0, study.archive).u.tolist() == [0.1, 0.1]
    assert study.strategy.ask(1, 0, study.archive).arm == "x0"
    assert study.made == []
    study.strategy.ask(2, 0, study.archive)
    assert study.of(2).asked == [(Key(7, 2, 0), [[0.1, 0.1]])]


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_what_is_recalled_cannot_be_told_from_what_was_asked(cut):
    through, resumed = Study().run(cut), Study()
    trials = list(through.archive.trials)
    for iteration in range(cut):
        for trial in trials[4 * iteration : 4 * iteration + 4]:
            resumed.strategy.recall(trial, resumed.archive)
        resumed.archive.extend(trials[4 * iteration : 4 * iteration + 4])
    for drive in range(4):
        recalled = resumed.of(drive).recalled
        assert [(key, pending) for _, _, key, pending in recalled] == through.of(drive).asked
        assert [(trial, tuple(u)) for trial, u, _, _ in recalled] == [(t, t.x) for t in trials if t.drive == drive]
    for drive in range(4):
        one, other = (study.strategy.ask(drive, cut, study.archive) for study in (through, resumed))
        np.testing.assert_array_equal(one.u, other.u)


def test_first_points_are_not_recalled():
    study = Study(first=FirstPoints(np.array([[0.1, 0.1]]), 4))
    study.strategy.recall(Trial(drive=0, iteration=0, x=(0.1, 0.1), status=OK, arm="x0"), study.archive)
    assert study.made == []


def test_a_mate_whose_answer_is_not_on_record_is_asked_as_it_was_then():
    """Its evaluation ended with the run, so that no trial of it was recorded."""
    through, resumed = Study(), Study()
    answers = [through.strategy.ask(drive, 0, through.archive) for drive in range(4)]
    trial = Trial(drive=2, iteration=0, x=tuple(answers[2].u), status=OK, arm="recorder")
    resumed.strategy.recall(trial, resumed.archive)
    assert resumed.of(2).recalled[0][3] == [answers[0].u.tolist()]


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_drives_with_different_models_share_a_box(exchange):
    """Each restores its own fits, and never those of another model."""
    found = hyperdrive(
        lambda x: (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2,
        [(0.0, 1.0)] * 2,
        None,
        checkpoints=False,
        model=["GP", "RF", "GP"],
        strategy="static",
        exchange=exchange,
        n_subspaces=1,
        n_drives=3,
        n_iterations=9,
    )
    assert found.nfev == 27
    assert found.fun < 0.05

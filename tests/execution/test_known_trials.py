"""The trials that a drive knows: batches that are added, recorded and recalled in the same order."""

import pytest

from hyperspace.errors import StudyError
from hyperspace.execution.known_trials import KnownTrials
from hyperspace.space import check_space
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial


def test_a_trial_whose_end_is_not_on_record_is_not_taken_for_one_that_was_known():
    """A worker may have read one journal a moment before another one, which refers to what the first says since."""
    space = check_space([(0.0, 1.0)])
    known = KnownTrials(Archive(space.to_unit, Metrics(), 1), 2)
    asked = Trial(drive=1, iteration=0, x=(0.5,), known=({0: 1},))
    other = Trial(drive=0, iteration=0, x=(0.25,))
    with pytest.raises(StudyError, match="knew of drive 0's iteration 0"):
        known.recall(asked, {other.key: other})
    known.recall(asked, {other.key: other.finish("ok", metrics={"objective": 1.0})})
    assert len(known.archive) == 1


def test_what_was_taken_up_ahead_is_recalled_in_the_same_batches_and_order():
    space = check_space([(0.0, 1.0)])
    trials = [[], []]

    def end(drive):
        trial = Trial(drive=drive, iteration=len(trials[drive]), x=(0.1 * drive + 0.01 * len(trials[drive]),))
        trials[drive].append(trial.finish("ok", metrics={"objective": 1.0}))

    known, recalled = (KnownTrials(Archive(space.to_unit, Metrics(), 1), 2) for _ in range(2))
    batches = []
    for drives, ahead in [((1, 1), True), ((0,), True), ((0, 1), False), ((1,), False)]:
        for drive in drives:
            end(drive)
        if ahead:
            known.look_ahead(trials)
            batches.append(len(known.archive))
            continue
        counts, pending = known.update(trials, [None, None])
        thought = []
        asked = Trial(drive=0, iteration=0, x=(0.5,), known=counts, pending=pending)
        recorded = {trial.key: trial for drive in trials for trial in drive}
        recalled.recall(asked, recorded, lambda thought=thought: thought.append(len(recalled.archive)))
        assert thought == batches
        assert [trial.key for trial in recalled.archive.trials] == [trial.key for trial in known.archive.trials]
        assert recalled.taken == known.taken == len(known.archive)
        batches.clear()
    assert len(known.archive) == 6

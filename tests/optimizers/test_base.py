"""The ask/tell protocol: where randomness comes from, what a trial keeps, and how an answer on record is taken up by default."""

import numpy as np

from hyperspace.numerics import random_streams
from hyperspace.optimizers.base import AskTell, Key, Suggestion
from hyperspace.trials.trial import Trial

NOTHING = np.empty((0, 2))


def test_a_question_has_the_stream_of_its_seed_drive_and_iteration():
    expected = random_streams.stream(7, random_streams.SUGGEST, 3, 14)
    assert Key(7, 3, 14).rng().random() == expected.random()
    assert Key(7, 3, 14).rng(5).random() == random_streams.stream(7, random_streams.SUGGEST, 3, 14, 5).random()


def test_no_two_questions_share_a_stream():
    keys = [Key(seed, drive, iteration) for seed in range(3) for drive in range(3) for iteration in range(3)]
    assert len({key.rng().random() for key in keys}) == len(keys)
    assert len({keys[0].rng(*more).random() for more in [(), (0,), (1,), (0, 0), (0, 1)]}) == 5


def test_a_trial_keeps_what_a_suggestion_says_beside_the_point():
    suggestion = Suggestion(np.zeros(2), "EI", {"n": 3}, region=4, predicted=-0.5)
    trial = Trial(drive=0, iteration=0, x=(0.0, 0.0), **suggestion.kept)
    assert (trial.arm, trial.model, trial.region, trial.predicted) == ("EI", {"n": 3}, 4, -0.5)
    assert Suggestion(np.zeros(2), "random").kept == {"arm": "random", "model": None, "region": None, "predicted": None}


class Walk(AskTell):
    """An algorithm with a state of its own: each answer follows from the last one."""

    def __init__(self):
        self.place, self.asked = np.zeros(2), []

    def ask(self, key, pending):
        self.asked.append((key, pending))
        self.place = self.place + key.rng().random(2)
        return Suggestion(self.place, "walk")

    def tell(self, trials, U, y):
        pass


def test_an_answer_on_record_is_asked_for_again_unless_the_algorithm_knows_better():
    through, resumed = Walk(), Walk()
    keys = [Key(1, 0, iteration) for iteration in range(4)]
    answers = [through.ask(key, NOTHING) for key in keys]
    for key, answer in zip(keys[:3], answers[:3], strict=True):
        trial = Trial(drive=0, iteration=key.iteration, x=tuple(answer.u))
        assert resumed.recall(trial, answer.u, key, NOTHING) is None
    assert resumed.asked == [(key, NOTHING) for key in keys[:3]]
    np.testing.assert_array_equal(resumed.ask(keys[3], NOTHING).u, answers[3].u)

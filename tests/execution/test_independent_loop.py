"""Drives that ask independently: what a question knows, how it is recalled, and the first answer that fixes the goal."""

from dataclasses import replace

import pytest
from studies import asked, context, ended, planned

from hyperspace.execution.async_loop import AsyncLoop
from hyperspace.trials.trial import RUNNING


def study_of(n_calls=8, **options):
    return planned([(0.0, 1.0)] * 2, n_drives=2, n_subspaces=1, exchange="async", n_calls=n_calls, **options)


def loop_of(study, objective=lambda x: (x[0] - 0.3) ** 2 + x[1], **options):
    """A loop of one process after its run, and its trials in order, as the journals would have them."""
    seen = {trial.key: trial for trial in options.get("recorded", ())}
    loop = AsyncLoop(study, context(study, objective, callback=lambda trial: seen.update({trial.key: trial}), **options))
    loop.run()
    assert set(seen) == set(loop.finished)
    return loop, [seen[key] for key in sorted(seen)]


@pytest.fixture(scope="module")
def whole():
    """A study with a model, of which the first two points of each drive are those of the design."""
    study = study_of(model="GP", n_samples=2)
    return study, loop_of(study)[1]


def test_a_question_has_on_record_which_trials_became_known_since_the_last_one(whole):
    _, trials = whole
    counts = {trial.key: trial.known for trial in trials}
    assert counts[0, 0] == ({},)
    assert counts[0, 1] == ({0: 1},)
    for trial in trials[2:]:
        assert sum(sum(batch.values()) for batch in trial.known) == 2
    assert all(trial.pending == () for trial in trials)  # one process evaluates one trial at a time


@pytest.mark.parametrize("cut", [2, 3, 6])
def test_recorded_questions_are_recalled_so_that_the_next_ones_are_the_same(whole, cut):
    study, trials = whole
    loop, again = loop_of(study, recorded=trials[:cut])
    assert asked(again) == asked(trials)
    assert loop.begun == len(trials) - cut


def test_an_unfinished_trial_is_evaluated_again_at_its_point_with_its_own_knowledge(whole):
    study, trials = whole
    cut = [*trials[:5], replace(trials[5], status=RUNNING, metrics={}, seconds=None)]
    _, again = loop_of(study, recorded=cut)
    assert asked(again) == asked(trials)
    assert (again[5].attempt, again[5].known) == (1, trials[5].known)


def test_each_drive_has_a_strategy_and_an_archive_of_its_own(whole):
    study, trials = whole
    loop, _ = loop_of(study, recorded=trials)
    assert loop._strategies[0] is not loop._strategies[1]
    assert loop._knowledge(0) is not loop._knowledge(1)
    assert len(loop._knowledge(0)) == 6  # at its last question: three rounds of both drives
    assert len(loop._knowledge(1)) == 7


def test_the_first_answer_claims_the_goal_and_the_goal_on_record_decides():
    study, claimed = study_of(4), []

    def claim(goal):
        claimed.append(goal)
        return "seconds"  # another rank was first

    answers = iter([{"loss": 1.0}, {"seconds": 2.0}, {"seconds": 3.0, "loss": 0.0}, {"seconds": 1.0}])
    _, trials = loop_of(study, lambda x: next(answers), claim_goal=claim)
    assert claimed == ["loss"]
    assert study.metrics.goal == "seconds"
    assert [trial.status for trial in trials] == ["failed", "ok", "ok", "ok"]


def test_a_failed_evaluation_claims_no_goal():
    study, claimed = study_of(2), []

    def objective(x, trial):
        if trial.id == "0-0":
            trial.fail("no mesh")
        return {"loss": 1.0}

    loop_of(study, objective, claim_goal=lambda goal: claimed.append((goal, len(claimed))) or goal)
    assert claimed == [("loss", 0)]
    assert study.metrics.goal == "loss"


def test_failures_of_earlier_runs_do_not_end_this_one():
    study = study_of(44)
    failed = [ended(i % 2, i // 2, x=(0.5, 0.5), status="failed", error="no mesh", known=({},), pending=()) for i in range(40)]
    loop, trials = loop_of(study, recorded=failed)
    assert loop.begun == 4
    assert sum(trial.ended_well for trial in trials) == 4

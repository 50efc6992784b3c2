"""Rounds: what a question knows, the same trials on any number of ranks and after resuming, and small spaces."""

from dataclasses import replace

import pytest
from rank_threads import on_ranks
from studies import asked, context, planned

from hyperspace import hyperdrive
from hyperspace.execution.round_loop import RoundLoop
from hyperspace.results.state import study_state
from hyperspace.stopping import TargetValue


@pytest.mark.parametrize("strategy", ["static", "adaptive"])
@pytest.mark.parametrize("n_drives", [2, 4, 16])
def test_a_round_has_no_more_evaluations_than_points_are_left(strategy, n_drives):
    """Subspaces overlap: two drives of different ones may choose the same point in one round, as published."""
    result = hyperdrive(
        lambda x: float(x[0] + len(x[1])),
        [(1, 2), ["x", "yy", "zzz"]],
        None,
        n_calls=40,
        n_drives=n_drives,
        n_subspaces=2,
        exchange="round",
        strategy=strategy,
        checkpoints=False,
    )
    distinct = len({tuple(x) for x in result.x_iters})
    assert distinct == 6
    assert result.nfev - distinct <= (strategy == "static")
    assert "its search space" in result.ended_by


@pytest.mark.parametrize(("strategy", "each"), [("static", 3), ("adaptive", 6)])
def test_a_drive_that_shares_nothing_repeats_nothing_of_its_own(tmp_path, strategy, each):
    call = {"hyperparameters": [(1, 2), ["x", "yy", "zzz"]], "results_path": tmp_path, "strategy": strategy, "exchange": "none"}
    call |= {"n_drives": 2, "n_subspaces": 2, "objective": lambda x: float(x[0] + len(x[1]))}
    result = hyperdrive(**call, n_calls=40)
    for drive in range(2):
        own = [trial.x for trial in result.all_trials if trial.drive == drive]
        assert len(own) == len(set(own)) == each
    assert "its search space" in result.ended_by
    assert study_state(tmp_path).complete
    again = hyperdrive(**call, n_calls=40)
    assert [trial.x for trial in again.all_trials] == [trial.x for trial in result.all_trials]
    assert hyperdrive(**call, n_calls=40, noisy=True).nfev == 40


@pytest.mark.parametrize("model", ["GP", "RAND"])
@pytest.mark.parametrize("n_calls", [7, 16, 40])
def test_what_a_round_leaves_out_is_made_up_for_until_all_points_are_known(tmp_path, model, n_calls):
    """Two drives may choose one point, so that a single round of 16 need not find all."""
    call = {"hyperparameters": [(1, 2), ["x", "yy", "zzz"]], "n_drives": 16, "n_subspaces": 4, "strategy": "static"}
    call |= {"exchange": "round", "model": model, "objective": lambda x: float(x[0] + len(x[1]))}
    result = hyperdrive(**call, results_path=tmp_path, n_calls=n_calls)
    assert len({trial.x for trial in result.all_trials}) == 6 or result.nfev == n_calls
    assert study_state(tmp_path).complete
    again = hyperdrive(**call, results_path=tmp_path, n_calls=n_calls)
    assert [(trial.key, trial.x) for trial in again.all_trials] == [(trial.key, trial.x) for trial in result.all_trials]


def loop_of(study, objective=lambda x: (x[0] - 0.3) ** 2, **options):
    """A loop after its run, and its trials in order."""
    loop = RoundLoop(study, context(study, objective, **options))
    loop.run()
    return loop, [loop.finished[key] for key in sorted(loop.finished)]


@pytest.mark.parametrize("options", [{"exchange": "round"}, {"exchange": "none"}, {"exchange": "round", "model": "GA"}])
@pytest.mark.parametrize("recorded", [1, 4, 7])
def test_a_loop_that_recalls_trials_goes_on_with_those_of_one_that_was_not_cut(options, recorded):
    study = planned(n_drives=3, n_subspaces=1, n_calls=11, **options)
    _, whole = loop_of(study)
    loop, trials = loop_of(study, recorded=whole[:recorded])
    assert asked(trials) == asked(whole)
    assert loop.begun == 11 - recorded


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_make_the_trials_of_one_process(size):
    study = planned(n_drives=3, n_subspaces=1, n_calls=8, exchange="round")
    _, alone = loop_of(study)
    told = on_ranks(size, lambda ranks: asked(loop_of(study, ranks=ranks)[1]))
    assert told == [asked(alone)] * size


def test_a_round_asks_with_the_trials_of_the_rounds_before():
    """A drive does not see an answer of its own round, whichever drive is asked first."""
    study = planned(n_drives=2, n_subspaces=1, n_calls=6, exchange="round")
    known = []

    class Recording(type(study.strategy.make(study))):
        def ask(self, drive, iteration, archive):
            known.append((iteration, len(archive)))
            return super().ask(drive, iteration, archive)

    strategy = study.strategy.make(study)
    strategy.__class__ = Recording
    parts = replace(context(study), make_strategy=lambda: strategy)
    RoundLoop(study, parts).run()
    assert known == [(0, 0), (0, 0), (1, 2), (1, 2), (2, 4), (2, 4)]


def test_the_first_round_with_an_answer_fixes_the_goal():
    claimed = []
    study = planned(n_drives=2, n_subspaces=1, n_calls=4, exchange="round")
    answers = iter([{"loss": 1.0}, {"seconds": 2.0}, {"seconds": 2.0}, {"loss": 0.5}])
    _, trials = loop_of(study, lambda x: next(answers), claim_goal=lambda goal: claimed.append(goal) or goal)
    assert claimed == ["loss"]
    assert study.metrics.goal == "loss"
    assert len(trials) == 4


def test_drives_that_share_nothing_have_a_goal_each():
    study = planned(n_drives=2, n_subspaces=1, n_calls=6, exchange="none")
    claimed = []

    def objective(x, trial):
        return {"loss" if trial.id.startswith("0") else "seconds": x[0]}

    loop, trials = loop_of(study, objective, claim_goal=lambda goal: claimed.append(goal) or goal)
    assert [trial.status for trial in trials] == ["ok"] * 6
    assert claimed == []
    assert [loop._knowledge(drive).metrics.goal for drive in range(2)] == ["loss", "seconds"]


def test_a_rule_sees_whole_rounds_on_record_and_of_this_run():
    class Rounds(TargetValue):
        def watch_rounds(self, metrics):
            return lambda trials: seen.append([trial.key for trial in trials]) or len(seen) == 3

    study = planned(n_drives=2, n_subspaces=1, n_calls=20, exchange="round")
    seen = []
    _, whole = loop_of(study, rules=[Rounds(-9.0)])
    first, seen = seen, []
    loop, again = loop_of(study, recorded=whole[:3], rules=[Rounds(-9.0)])
    assert first == seen == [[(i, 0), (i, 1)] for i in range(3)]
    assert (asked(again), loop.ended_by) == (asked(whole), "the target value -9.0")


def test_ranks_end_the_study_only_if_all_of_them_are_broken():
    study = planned(n_drives=2, n_subspaces=1, n_calls=200, exchange="round")

    def outcome(broken):
        def objective(x, trial):
            if trial.id.split("-")[0] in broken and int(trial.id.split("-")[1]) >= 30:
                raise ArithmeticError("no mesh")
            return x[0]

        return on_ranks(2, lambda ranks: len(loop_of(study, objective, ranks=ranks)[1]))

    assert outcome({"1"}) == [200, 200]
    assert all("seems to be broken" in str(error) for error in outcome({"0", "1"}))

"""Reports of a running evaluation: what is kept of them, what a rule sees, and the handle that makes them."""

import json
import math

import pytest
from studies import context, ended, planned

from hyperspace import hyperdrive, load_results
from hyperspace.execution.opening import study_record
from hyperspace.execution.reports import Reports
from hyperspace.journal import StudyFolder, open_journal
from hyperspace.plots import plot_curves
from hyperspace.pruning import MOST_REPORTS, HalvingRule, Pruned, PruningRule
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import AmbiguousMetrics
from hyperspace.trials.trial import Trial


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_curves_are_kept_without_a_rule_too_and_take_little_room(tmp_path, exchange):
    def trains(x, trial):
        for step in range(1000):
            trial.report(step, x[0] + 1 / (step + 1))
        trial.report(1000, math.nan)
        return x[0]

    call = {"results_path": tmp_path, "n_calls": 2, "n_drives": 2, "n_subspaces": 2, "model": "RAND", "exchange": exchange}
    result = hyperdrive(trains, [(0.0, 1.0)], **call)
    for trial in (*result.all_trials, *load_results(tmp_path).all_trials):
        steps = [step for step, _ in trial.reports]
        assert steps == sorted(steps)
        assert (steps[0], steps[-1]) == (0, 999)
        assert 100 <= len(steps) <= MOST_REPORTS
        assert all(value == trial.x[0] + 1 / (step + 1) for step, value in trial.reports)
    plot_curves(result)


def test_reports_of_metrics_of_which_nothing_tells_the_goal_are_no_fault(tmp_path):
    def reports(x, trial):
        trial.report(1, {"accuracy": 0.5, "speed": 2.0})
        return {"accuracy": 0.5, "speed": 2.0, "loss": x[0]}

    trials = hyperdrive(reports, [(0.0, 1.0)], tmp_path, n_calls=2, model="RAND").all_trials
    assert [trial.status for trial in trials] == ["ok", "ok"]


@pytest.mark.parametrize("rule", [None, HalvingRule()])
def test_a_report_that_is_no_number_is_told_once(rule, tmp_path, capsys):
    def diverges(x, trial):
        trial.report(1, math.nan)
        return x[0]

    result = hyperdrive(diverges, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=3, pruner=rule)
    assert capsys.readouterr().err.count("reported a value that is no finite number") == 1
    assert result.best_trial is not None


def reports(tmp_path=None, known=(), **options):
    """The reports of one rank of a maximized study, with the trials that it knows, and the messages that are shown."""
    study = planned(maximize=True, random_state=7)
    archive = Archive(study.space.to_unit, study.metrics, 1)
    archive.extend(known)
    shown = []
    scratch = None if tmp_path is None else StudyFolder(tmp_path).scratch
    return Reports(study, context(study, scratch=scratch, **options), lambda drive: archive, shown.append), shown


def running(drive=0, iteration=0, **more):
    return Trial(drive=drive, iteration=iteration, x=(0.5,), **more)


class Watching(PruningRule):
    """Rule that keeps what it was given, and prunes from step 3 on."""

    def __init__(self):
        self.seen = []

    def prunes(self, losses, peers):
        self.seen.append((dict(losses), [dict(peer) for peer in peers]))
        return max(losses) >= 3


def test_the_handle_has_the_trials_own_seed_attempt_folder_and_budget(tmp_path):
    made, _ = reports(tmp_path)
    handle = made.handle(running(2, 5, attempt=1, model={"budget": 9.0}))
    assert (handle.id, handle.attempt, handle.budget) == ("2-5", 1, 9.0)
    assert tmp_path in handle.folder.parents
    seeds = [made.handle(running(*key)).seed for key in ((2, 5), (2, 5), (2, 6), (5, 2))]
    assert seeds[0] == seeds[1] == handle.seed
    assert len(set(seeds)) == 3


def test_a_step_that_is_reported_again_has_its_last_value_and_is_the_last():
    made, _ = reports()
    handle = made.handle(running())
    for step, value in ((1, 0.1), (2, 0.2), (1, 0.3)):
        handle.report(step, value)
    assert made.kept == ((2, 0.2), (1, 0.3))
    made.clear()
    assert made.kept is None


def test_a_rule_compares_losses_with_those_of_trials_that_have_reported():
    rule = Watching()
    known = [ended(1, 0, reports=((1, 0.7),)), ended(1, 1)]
    made, _ = reports(known=known, pruner=rule)
    handle = made.handle(running())
    handle.report(1, 0.4)
    handle.report(2, 0.5)
    with pytest.raises(Pruned, match="pruned at step 3"):
        handle.report(3, 0.6)
    assert rule.seen[0] == ({1: -0.4}, [{1: -0.7}])
    assert rule.seen[-1][0] == {1: -0.4, 2: -0.5, 3: -0.6}
    assert made.kept == ((1, 0.4), (2, 0.5), (3, 0.6))


def test_a_value_that_is_no_number_is_the_worst_for_a_rule_and_is_not_kept():
    rule = Watching()
    made, shown = reports(pruner=rule)
    made.handle(running()).report(1, math.nan)
    assert rule.seen == [({1: math.inf}, [])]
    assert made.kept is None
    assert len(shown) == 1


def test_a_rule_needs_to_know_which_metric_is_the_goal():
    several = {"accuracy": 0.5, "speed": 2.0}
    made, _ = reports(pruner=Watching())
    with pytest.raises(AmbiguousMetrics):
        made.handle(running()).report(1, several)
    without, _ = reports()
    without.handle(running()).report(1, several)
    assert without.kept is None


def test_all_reported_metrics_are_in_the_journal(tmp_path):
    study = planned()
    folder = StudyFolder(tmp_path)
    folder.write_study(study_record(study))
    journal = open_journal(folder, study.identity, 0, study.space, None, 0, lambda: None)
    made = Reports(study, context(study, journals={0: journal}), lambda drive: None, lambda note: None)
    trial = running()
    journal.started(trial)
    made.handle(trial).report(1, {"loss": 0.5, "seconds": 3.0})
    made.handle(running(drive=1)).report(1, {"loss": 0.25})  # a drive without a journal here
    journal.close()
    (line,) = [line for line in folder.journal_file(0).read_text().splitlines() if '"reported"' in line]
    assert json.loads(line)["metrics"] == {"loss": 0.5, "seconds": 3.0}

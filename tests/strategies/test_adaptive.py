"""The adaptive strategy is a function of the seed and the trials, stays inside the space, and finds optima."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hyperspace.exchange.spec import ASYNC, NONE, ROUND
from hyperspace.optimizers.base import Suggestion
from hyperspace.optimizers.bayesian.settings import WHOLE, Settings
from hyperspace.optimizers.bayesian.trust_regions import kendall_tau
from hyperspace.space import Space, check_space
from hyperspace.space.partition import Partition
from hyperspace.strategies.adaptive import AdaptiveStrategy
from hyperspace.strategies.spec import SearchSettings
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.testing.problems import problem
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import FLOAT_NAME, Metric, Metrics
from hyperspace.trials.records import load_trial, trial_record
from hyperspace.trials.trial import FAILED, OK, Trial

LEAN = Settings(candidates=128, nearest=40)
MIXED = [(0.0, 1.0), (1e-3, 1.0, "log-uniform"), (1, 9), ["a", "b", "c"]]
Objective = Callable[[Sequence[Any]], float]


def bowl(x: Sequence[Any]) -> float:
    return float(sum((float(value) - 0.3) ** 2 for value in x if not isinstance(value, str)) + ("b" in x))


class Study:
    """A strategy and its archive, in rounds."""

    def __init__(self, dimensions: Any, n_drives: int = 4, seed: int = 0, metrics: Metrics | None = None, **options: Any) -> None:
        self.space: Space = check_space(dimensions)
        self.n_drives = n_drives
        self.metrics = metrics if metrics is not None else Metrics()
        self.options = {"settings": LEAN, "n_samples": 2, **options}
        self.seed = seed
        self.archive = Archive(self.space.to_unit, self.metrics, self.space.d)
        self.strategy = self.fresh()
        self.iteration = 0

    def fresh(self) -> AdaptiveStrategy:
        options = dict(self.options)
        settings = options.pop("settings")
        search = SearchSettings(
            space=self.space,
            metrics=self.metrics,
            partition=Partition(self.space, 2),
            n_drives=self.n_drives,
            founders=self.n_drives,
            seed=self.seed,
            first=(),
            **{"model": "GP", "acquisition": "EI", "sampler": "sobol", "exchange": ROUND, **options},
        )
        return AdaptiveStrategy(search, settings)

    def ask(self, strategy: AdaptiveStrategy | None = None) -> list[Suggestion]:
        asked = strategy if strategy is not None else self.strategy
        return [asked.ask(drive, self.iteration, self.archive) for drive in range(self.n_drives)]

    def trial(self, drive: int, suggestion: Suggestion, objective: Objective) -> Trial:
        x = self.space.from_unit(suggestion.u[None])[0]
        assert self.space.to_unit([x])[0] == pytest.approx(suggestion.u, abs=1e-12)  # on a valid level, inside the cube
        running = Trial(drive=drive, iteration=self.iteration, x=x, **suggestion.kept)
        value = objective(x)
        if isinstance(value, dict):
            return running.finish(OK, metrics=value)
        return running.finish(FAILED) if math.isnan(value) else running.finish(OK, metrics={FLOAT_NAME: value})

    def run(self, rounds: int, objective: Objective) -> Study:
        for _ in range(rounds):
            suggestions = self.ask()
            self.archive.extend(self.trial(drive, s, objective) for drive, s in enumerate(suggestions))
            self.iteration += 1
        return self


def points(suggestions: list[Suggestion]) -> list[list[float]]:
    return [suggestion.u.tolist() for suggestion in suggestions]


def test_an_answer_follows_from_the_trials_alone() -> None:
    study = Study(MIXED).run(8, bowl)
    expected = study.ask()
    assert points(study.ask(study.fresh())) == points(expected)
    for drive in (3, 0, 2):  # a rank of its own each, asked in any order
        alone = study.fresh().ask(drive, study.iteration, study.archive)
        assert alone.u.tolist() == expected[drive].u.tolist()
        assert (alone.arm, alone.region, alone.model) == (expected[drive].arm, expected[drive].region, expected[drive].model)
    assert points(Study(MIXED, seed=1).run(8, bowl).ask()) != points(expected)


@pytest.mark.parametrize("dimensions", [[(0.0, 1.0), (1, 9)], [(0.0, 1.0)] * 4])
def test_a_drive_that_answers_for_itself_alone_says_what_it_would_among_all(dimensions: Any) -> None:
    study = Study(dimensions, n_drives=8)
    for _ in range(12):
        suggestions = study.ask()
        for drive in (1, 4, 6):
            alone = study.fresh().ask(drive, study.iteration, study.archive)
            assert alone.u.tolist() == suggestions[drive].u.tolist()
            assert (alone.arm, alone.region, alone.model) == (
                suggestions[drive].arm,
                suggestions[drive].region,
                suggestions[drive].model,
            )
        study.run(1, bowl)


def test_resuming_from_records_goes_on_as_it_would_have() -> None:
    study = Study(MIXED).run(6, bowl)
    resumed = Study(MIXED)
    for trial in study.archive.trials:
        record = json.loads(json.dumps(trial_record(trial, study.space), allow_nan=False))
        back = load_trial(record, study.space)
        resumed.strategy.recall(back, resumed.archive)
        resumed.archive.extend([back])
    resumed.iteration = study.iteration
    study.run(5, bowl)
    resumed.run(5, bowl)
    assert np.array_equal(study.archive.U, resumed.archive.U)
    assert any(trial.model for trial in study.archive.trials)


def test_a_round_visits_no_point_twice_and_uses_every_arm() -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=16).run(5, bowl)
    assert len(np.unique(study.archive.U, axis=0)) == len(study.archive)
    arms = [trial.arm for trial in study.archive.trials]
    assert arms[:32] == ["design"] * 32
    counts = {arm: arms[32:].count(arm) for arm in ("global", "exploit", "thompson", "explore")}
    assert counts["global"] == 3
    assert counts["exploit"] == 21
    assert counts["thompson"] + counts["explore"] == 24
    assert {trial.region for trial in study.archive.trials if trial.arm in ("exploit", "thompson")} <= {0, 1}


@pytest.mark.parametrize("surrogate", ["GP", "RF"])
def test_trials_keep_what_was_predicted_of_them(surrogate: str) -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=8, model=surrogate).run(3, bowl)
    design, asked = study.archive.trials[:16], study.archive.trials[16:]
    assert all(trial.predicted is None for trial in design)
    predicted = np.array([trial.predicted for trial in asked], dtype=float)
    assert np.isfinite(predicted).all()
    assert kendall_tau(predicted, study.archive.y[16:]) > 0.3


def test_small_discrete_spaces_are_exhausted_before_points_come_again() -> None:
    study = Study([(0, 3), ["a", "b", "c", "d"]]).run(2, bowl)
    first = {trial.x for trial in study.archive.trials}
    study.run(2, bowl)
    later = [trial.x for trial in study.archive.trials[8:]]
    assert len(set(later)) == len(later)
    assert not first & set(later)
    study.run(3, bowl)
    assert len({trial.x for trial in study.archive.trials}) == 16


@pytest.mark.parametrize("pull", [0.0, 3.0])
def test_failures_are_avoided_and_never_taken_as_numbers(pull: float) -> None:
    def half_broken(x: Sequence[Any]) -> float:
        return math.nan if x[0] > 0.5 else bowl(x) - pull * x[0]  # with a pull: the better, the nearer to where it breaks

    study = Study([(0.0, 1.0)] * 2, n_drives=8).run(10, half_broken)
    failed = np.array([trial.status == FAILED for trial in study.archive.trials])
    assert failed[:16].mean() > 0.2
    assert failed[30:].mean() < 0.2
    assert study.archive.best is not None
    assert study.metrics.loss(study.archive.best.metrics) < (0.001 if pull == 0.0 else 0.04 - 3.0 * 0.5 + 0.05)


def test_a_start_that_only_fails_goes_on_spreading_out() -> None:
    """After the design each point is where a success is most probable: far from failures, and from the others of its round."""
    study = Study([(0.0, 1.0)] * 2).run(4, lambda x: math.nan)
    assert [trial.arm for trial in study.archive.trials] == ["design"] * 8 + ["feasibility"] * 8
    U = study.archive.U
    between = np.abs(U[:, None] - U).max(axis=2)[np.triu_indices(16, 1)]
    assert between.min() > 0.05


def test_trials_that_violate_a_constraint_do_not_lead() -> None:
    metrics = Metrics([Metric("loss"), Metric("cost", goal="constrain", upper=0.5)])

    def objective(x: Sequence[float]) -> Any:
        return {"loss": (x[0] - 0.9) ** 2 + (x[1] - 0.5) ** 2, "cost": x[0]}

    study = Study([(0.0, 1.0)] * 2, n_drives=8, metrics=metrics).run(10, objective)
    late = [trial.metrics["cost"] for trial in study.archive.trials[48:]]
    assert np.mean(np.array(late) <= 0.5) > 0.25
    assert study.archive.best is not None
    assert study.archive.best.metrics["loss"] < 0.17  # 0.16 is the least that the constraint allows


def test_it_beats_random_search_by_far() -> None:
    function = problem("hartmann6")
    regrets, random = [], []
    for seed in range(3):
        study = Study(function.dimensions, n_drives=16, seed=seed, settings=Settings()).run(9, function)
        regrets.append(study.archive.y.min() - function.minimum)
        points = np.random.default_rng(seed).uniform(function.lower, function.upper, (144, 6))
        random.append(min(function(x) for x in points) - function.minimum)
    assert np.median(regrets) < 0.2 * np.median(random)


@pytest.mark.parametrize("acquisition", ["EI", "PI", "LCB", "TS", "gp_hedge"])
def test_every_acquisition_works(acquisition: str) -> None:
    study = Study(MIXED, n_drives=16, acquisition=acquisition).run(4, bowl)
    assert len(study.archive) == 64


class NearestNeighbor:
    """A model of a user's own: no samples, no fantasies, no gradients."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], 0.1 + distance.min(axis=1)


def test_a_model_without_the_gaussian_process_s_tricks_works() -> None:
    study = Study(MIXED, model=NearestNeighbor()).run(6, bowl)
    expected = study.ask()
    assert points(study.ask(study.fresh())) == points(expected)


def test_pending_points_are_left_to_others() -> None:
    study = Study([(0.0, 1.0)] * 2).run(5, bowl)
    answer = study.strategy.ask(0, study.iteration, study.archive)
    x = study.space.from_unit(answer.u[None])[0]
    study.archive.extend([Trial(drive=0, iteration=study.iteration, x=x)])
    for drive in (1, 2, 3):
        other = study.strategy.ask(drive, study.iteration, study.archive)
        assert np.abs(other.u - answer.u).max() > 1e-9


def test_turns_that_promise_nothing_explore_the_whole_cube() -> None:
    demanding = Study([(0.0, 1.0)] * 2, n_drives=16, settings=Settings(candidates=64, min_gain=1e9)).run(4, bowl)
    never = Study([(0.0, 1.0)] * 2, n_drives=16, settings=Settings(candidates=64, min_gain=-1e9)).run(4, bowl)
    assert [trial.arm for trial in demanding.archive.trials[32:]].count("explore") == 16
    assert "explore" not in {trial.arm for trial in never.archive.trials}


def test_models_see_more_trials_where_there_is_noise() -> None:
    rng = np.random.default_rng(0)
    settings = Settings(candidates=64, nearest=40, nearest_noisy=60)
    for noise, most in ((0.0, 40), (0.1, 60)):
        study = Study([(0.0, 1.0)] * 2, n_drives=16, settings=settings)
        study.run(5, lambda x, noise=noise: bowl(x) + noise * float(rng.standard_normal()))
        study.ask()
        models = study.strategy._batches[0][2].knowledge.models
        assert max(len(models.of(number).local(False).rows) for number in models._centers) == most


def test_exploiting_goes_on_elsewhere_when_a_region_is_worked_out() -> None:
    def two_wells(x: Sequence[Any]) -> float:
        first, second = ((x[0] - 0.2) ** 2 + (x[1] - 0.2) ** 2), ((x[0] - 0.8) ** 2 + (x[1] - 0.8) ** 2)
        return float(-np.exp(-first / 0.02) - 0.8 * np.exp(-second / 0.02))

    shares = []
    for worked_out in (-1e9, 0.0):  # never, and whenever less than one standard deviation is expected
        settings = Settings(candidates=64, min_log_ei=worked_out)
        study = Study([(0.0, 1.0)] * 2, n_drives=16, settings=settings).run(8, two_wells)
        late = [row for row, trial in enumerate(study.archive.trials) if trial.arm == "exploit" and trial.iteration >= 5]
        shares.append(np.mean(study.archive.U[late, 0] > 0.5))
    assert shares[1] > shares[0] + 0.2


def test_hyperparameters_are_fitted_by_one_member_and_read_from_its_trial() -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=16, settings=Settings(candidates=64, lag=1.4)).run(8, bowl)
    recorded = [[t.drive for t in study.archive.trials if t.iteration == i and t.model is not None] for i in range(8)]
    assert recorded[:2] == [[], []]  # the design
    assert len(recorded[2]) == 16  # nothing on record: all have to fit
    assert [len(drives) for drives in recorded[5:]] == [1, 1, 1]
    assert len({drives[0] for drives in recorded[5:]}) == 3


def counted_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with every fit of hyperparameters."""
    fits: list[int] = []
    original = GP.fit

    def fit(self: GP, *arguments: Any, **options: Any) -> Any:
        fits.append(1)
        return original(self, *arguments, **options)

    monkeypatch.setattr(GP, "fit", fit)
    return fits


def test_a_drive_that_thinks_ahead_fits_nothing_when_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=4, exchange=ASYNC).run(3, bowl)
    values = [replace(study.trial(drive, suggestion, bowl), model=None) for drive, suggestion in enumerate(study.ask())]
    fits = counted_fits(monkeypatch)
    recorded = []
    for drive in range(4):
        hasty, ahead = study.fresh(), study.fresh()
        archive = Archive(study.space.to_unit, study.metrics, 3)
        archive.extend(study.archive.trials)
        ahead.fit_ahead(drive, 4, archive)
        made = len(fits)
        assert made
        ahead.fit_ahead(drive, 4, archive)
        assert len(fits) == made  # there was nothing more to fit
        archive.extend(values)
        suggestion = ahead.ask(drive, 4, archive)
        assert len(fits) == made
        recorded.append(suggestion.model is not None)
        hasty.ask(drive, 4, archive)
        assert len(fits) > made
        fits.clear()
    assert sum(recorded) == 1  # by the member whose turn it is


def test_fits_made_ahead_serve_only_their_own_question() -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=4, exchange=ASYNC).run(4, bowl)
    strategy = study.fresh()
    strategy.fit_ahead(0, 5, study.archive)
    assert strategy.ask(0, 4, study.archive).u.tolist() == study.fresh().ask(0, 4, study.archive).u.tolist()


def test_there_is_nothing_to_think_of_before_the_design_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=4, exchange=ASYNC).run(1, bowl)
    fits = counted_fits(monkeypatch)
    study.strategy.fit_ahead(0, 1, study.archive)
    assert not fits
    study.strategy.fit_ahead(0, 2, study.archive)
    assert fits


def test_models_that_would_have_to_be_fitted_again_anyway_are_not_fitted_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study([(0.0, 1.0)] * 2, n_drives=4, exchange=ASYNC, model=NearestNeighbor()).run(2, bowl)
    fits: list[object] = []
    monkeypatch.setattr(NearestNeighbor, "fit", lambda self, X, y: fits.append(y))
    study.strategy.fit_ahead(0, 2, study.archive)
    assert not fits


def test_several_teams_share_the_archive_and_differ() -> None:
    study = Study([(0.0, 1.0)] * 3, n_drives=48).run(4, bowl)
    # Teams do not foresee each other: now and then two of them exploit the same point.
    assert len(np.unique(study.archive.U, axis=0)) >= 0.98 * len(study.archive)
    worked = {trial.region for trial in study.archive.trials[96:]}
    assert all(worked & regions for regions in ({0, 1}, {2, 3}, {4, 5}))  # each team has two
    expected = study.ask()
    assert study.fresh().ask(40, study.iteration, study.archive).u.tolist() == expected[40].u.tolist()


def test_drives_that_share_nothing_are_teams_of_their_own() -> None:
    study = Study([(0.0, 1.0)] * 2, exchange=NONE)
    archives = [Archive(study.space.to_unit, study.metrics, 2) for _ in range(4)]
    for iteration in range(12):
        study.iteration = iteration
        for drive, archive in enumerate(archives):
            suggestion = study.strategy.ask(drive, iteration, archive)
            archive.extend([study.trial(drive, suggestion, bowl)])
    assert len({tuple(archive.U[-1]) for archive in archives}) == 4
    assert all(archive.y.min() < 0.05 for archive in archives)


def test_models_see_a_bounded_number_of_trials() -> None:
    study = Study([(0.0, 1.0)] * 2)
    rng = np.random.default_rng(0)
    for number, u in enumerate(rng.random((400, 2))):
        suggestion = Suggestion(u, "design")
        study.iteration = number // 4
        study.archive.extend([study.trial(number % 4, suggestion, bowl)])
    study.iteration = 100
    study.ask()
    opened = study.strategy._batches[0][2]
    assert [len(search.local.rows) for search in opened.turn(0).region_searches()] == [LEAN.nearest] * 2
    assert len(opened.knowledge.models.of(WHOLE).local(False).rows) == LEAN.nearest


def test_high_dimensions_move_a_few_coordinates() -> None:
    function = problem("levy", 50)
    study = Study(function.dimensions, n_drives=8, n_samples=4).run(6, function)
    best = study.archive.best
    assert best is not None
    assert best.iteration >= 4


def test_an_additive_process_shares_the_turns_where_it_is_plausible() -> None:
    def waves(x: Sequence[Any]) -> float:
        return float(sum(math.cos(20.0 * value) + value for value in x))

    study = Study([(0.0, 1.0)] * 4, n_drives=16, settings=Settings(candidates=128)).run(4, waves)
    study.ask()
    opened = study.strategy._batches[0][2]
    kinds = [opened.turn(member).region_searches()[0].is_additive for member in range(16)]
    assert opened.knowledge.models.of(WHOLE).lead > 0.0
    assert sum(kinds) == 12
    record = next(trial.model for trial in reversed(study.archive.trials) if "additive" in (trial.model or {}))
    assert json.loads(json.dumps(record))["additive"]["lead"] > 0.0
    opened.knowledge.failed[0] = True
    turns = [opened.turn(member) for member in range(16)]
    assert {turn.arm.name for turn in turns if turn.additive(opened.knowledge.models.of(WHOLE))} == {"thompson"}


def test_while_all_trials_violate_a_constraint_one_that_keeps_it_is_looked_for() -> None:
    metrics = Metrics([Metric("a"), Metric("c", goal="constrain", upper=0.0)])
    study = Study([(0.0, 1.0)] * 2, metrics=metrics)
    study.run(5, lambda x: {"a": x[0], "c": 1.0})
    assert [trial.arm for trial in study.archive.trials] == ["design"] * 8 + ["feasibility"] * 12
    for drive in range(4):
        study.strategy.fit_ahead(drive, study.iteration, study.archive)
    study.run(2, lambda x: {"a": x[0], "c": -1.0}).run(1, lambda x: {"a": x[0], "c": -1.0})
    assert study.archive.trials[-1].arm != "design"


@pytest.mark.parametrize("model", ["RF", "GP"])
@pytest.mark.parametrize(
    ("dimensions", "objective"),
    [([(0.0, 1.0)] * 2, lambda x: x[0] + 2 * x[1]), ([(0.0, 1.0), ["a", "b"], (1, 9)], lambda x: x[0] + (x[1] == "a") + x[2])],
)
def test_no_two_drives_evaluate_the_same_point_not_even_in_a_corner(dimensions: Any, objective: Objective, model: str) -> None:
    study = Study(dimensions, n_drives=16, model=model).run(6, objective)
    points = [trial.x for trial in study.archive.trials]
    assert len(set(points)) == len(points)
    alone = study.fresh().ask(13, study.iteration, study.archive)
    assert alone.u.tolist() == study.ask()[13].u.tolist()


def test_a_design_of_few_levels_leaves_out_what_is_known() -> None:
    study = Study([["a", "b", "c"], (1, 4)])
    given = Trial(drive=-1, iteration=-1, x=("a", 1), status=OK, metrics={FLOAT_NAME: 1.0}, origin="given")
    study.archive.extend([given])
    study.run(2, bowl)
    assert len({trial.x for trial in study.archive.trials}) == 9


def test_regions_of_log_uniform_integers_hold_the_next_levels() -> None:
    study = Study([(1, 1000, "log-uniform")] * 2).run(30, lambda x: abs(x[0] - 980) / 100 + abs(x[1] - 3))
    assert study.archive.best is not None
    assert study.archive.best.x == (980, 3)


def test_success_is_learned_from_the_failures_near_a_region_however_old() -> None:
    study = Study([(0.0, 1.0)] * 2, n_drives=16).run(3, bowl)
    rng = np.random.default_rng(0)
    for corner in (np.array([0.35, 0.35]), np.array([0.9, 0.9])):  # the near failures are the older ones
        for number, u in enumerate(corner + 0.05 * rng.random((LEAN.nearest, 2))):
            study.iteration = study.iteration + (number % 16 == 0)
            study.archive.extend([study.trial(number % 16, Suggestion(u, "thompson", None, 0), lambda x: math.nan)])
    study.iteration += 1
    study.ask()
    search = study.strategy._batches[0][2].turn(1).region_searches()[0]
    assert np.abs(search.center - 0.3).max() < 0.1
    assert search.feasibility is not None
    near, far = search.feasibility.model.posterior(np.array([[0.37, 0.37], [0.2, 0.2]])).mean[:, 0]
    assert far < search.feasibility.threshold < near

import json
from dataclasses import replace

import numpy as np
import pytest

from hyperspace import Optimizer
from hyperspace.errors import InputError
from hyperspace.optimizers import make_optimizer
from hyperspace.optimizers.base import Key
from hyperspace.optimizers.bayesian import arms
from hyperspace.optimizers.bayesian.optimizer import BayesOptimizer
from hyperspace.optimizers.design import Design
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.space.space import Bounds
from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.gp.surrogate import GP
from hyperspace.surrogates.user import UserSurrogate
from hyperspace.testing.problems import problem
from hyperspace.trials.trial import FAILED, OK, PRUNED, Trial

CONTINUOUS = [(-5.0, 10.0), (1e-3, 1e3, "log-uniform"), (0.0, 1.0)]
MIXED = [(-5.0, 10.0), (1, 100, "log-uniform"), ["a", "b", "c"], (0, 7)]


class Forgetful:
    """A model of a user's, by nearest neighbor: no gradients, nothing to extend."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        distance = np.abs(X[:, None] - self.X).sum(axis=2)
        return self.y[distance.argmin(axis=1)], distance.min(axis=1)


class Run:
    """A drive in small: asks, evaluates, tells, and keeps what a journal would."""

    def __init__(self, dimensions, model="GP", acquisition="EI", objective=None, n_design=5, subspaces=1):
        self.space = check_space(dimensions)
        self.subspace = Partition(self.space, subspaces)[0]
        self.model, self.acquisition, self.n_design = model, acquisition, n_design
        self.objective = objective or (lambda u: float(np.sin(5 * u[0]) + ((u - 0.3) ** 2).sum()))
        self.trials, self.points = [], []
        self.restart()

    def restart(self):
        design = Design("sobol", self.n_design, self.subspace.bounds, self.space, seed=3)
        self.optimizer = make_optimizer(self.model, self.space, self.subspace, design, acquisition=self.acquisition, seed=3)
        for iteration, trial in enumerate(self.trials):
            u = self.space.to_unit([trial.x])
            self.optimizer.recall(trial, u[0], Key(3, 0, iteration), self.pending(iteration))
            self.optimizer.tell([trial], u, np.array([trial.metrics.get("y", np.nan)]))

    def pending(self, iteration):
        return np.full((iteration % 3, self.space.d), 0.5) if iteration % 2 else np.empty((0, self.space.d))

    def step(self):
        iteration = len(self.trials)
        suggestion = self.optimizer.ask(Key(3, 0, iteration), self.pending(iteration))
        x = self.space.from_unit(suggestion.u[None])[0]
        u = self.space.to_unit([x])
        y = self.objective(u[0])
        record = json.loads(json.dumps(suggestion.model, allow_nan=False))
        ended = {"status": OK, "metrics": {"y": y}} if np.isfinite(y) else {"status": FAILED, "fault": "objective"}
        self.trials.append(Trial(drive=0, iteration=iteration, x=x, model=record, **ended))
        self.points.append(suggestion.u)
        self.optimizer.tell([self.trials[-1]], u, np.array([y]))


def failing(u):
    return float("nan") if u[0] > 0.6 else float(u.sum())


@pytest.mark.parametrize(
    ("dimensions", "model", "acquisition", "objective"),
    [
        (CONTINUOUS, "GP", "EI", None),
        (CONTINUOUS, "GP", "gp_hedge", failing),
        (MIXED, "GP", "TS", failing),
        (MIXED, Forgetful(), "LCB", failing),
    ],
)
def test_recalled_run_goes_on_bit_for_bit(dimensions, model, acquisition, objective):
    uninterrupted = Run(dimensions, model, acquisition, objective)
    for _ in range(40):
        uninterrupted.step()
    for interruptions in ((7,), (13, 14, 29), (37,)):
        run = Run(dimensions, model, acquisition, objective)
        for iteration in range(40):
            if iteration in interruptions:
                run.restart()
            run.step()
        np.testing.assert_array_equal(run.points, uninterrupted.points)
        assert [trial.model for trial in run.trials] == [trial.model for trial in uninterrupted.trials]


def test_resuming_computes_no_fit(monkeypatch):
    run = Run(CONTINUOUS)
    for _ in range(25):
        run.step()
    grown = [trial.model is not None for trial in run.trials]
    assert grown[5]
    assert not all(grown[5:])  # in between the model has the hyperparameters of the last fit
    run.restart()
    fits = []
    monkeypatch.setattr(GP, "_fit_output", lambda *arguments: fits.append(arguments))
    due = len(run.trials) >= 1.1 * max(trial.model["n"] for trial in run.trials if trial.model)
    assert not due
    run.step()
    assert fits == []


def test_batches_of_trials_change_nothing():
    """Trials told one by one between two questions, or at once, give the same next question."""
    U = np.random.default_rng(0).random((30, 3))
    space = check_space(CONTINUOUS)
    U = space.to_unit(space.from_unit(U))
    y = np.sin(5 * U[:, 0]) + U[:, 1]
    trials = [
        Trial(drive=1, iteration=i, x=x, status=OK, metrics={"y": v})
        for i, (x, v) in enumerate(zip(space.from_unit(U), y, strict=True))
    ]
    points = []
    for batch in (1, 2, 3):
        optimizer = bayes(space)
        optimizer.tell(trials[:24], U[:24], y[:24])
        optimizer.ask(Key(0, 0, 9), np.empty((0, 3)))  # a fit at 24 points: the next is due at 27
        for i in range(24, 26 if batch < 3 else 27, batch):
            optimizer.tell(trials[i : i + batch], U[i : i + batch], y[i : i + batch])
        points.append(optimizer.ask(Key(0, 0, 10), np.empty((0, 3))).u)
    np.testing.assert_array_equal(points[0], points[1])
    assert not np.array_equal(points[0], points[2])


def bayes(space, bounds=None, model="GP", acquisition="EI", n_design=1, **options):
    bounds = Bounds.whole(space.d) if bounds is None else bounds
    return BayesOptimizer(space, bounds, model, Design("sobol", n_design, bounds, space), acquisition, **options)


def told(optimizer, space, U, y, arm=""):
    """Tell finite values as successes and others as failures."""
    trials = [
        Trial(drive=0, iteration=i, x=x, arm=arm).finish(OK, metrics={"y": v})
        if np.isfinite(v)
        else Trial(drive=0, iteration=i, x=x, arm=arm).finish(FAILED, fault="objective")
        for i, (x, v) in enumerate(zip(space.from_unit(U), y, strict=True))
    ]
    optimizer.tell(trials, U, np.asarray(y, dtype=float))


@pytest.mark.parametrize("acquisition", ["EI", "PI", "LCB", "TS", "gp_hedge"])
def test_every_acquisition_finds_the_minimum_of_a_bowl(acquisition):
    run = Run([(0.0, 1.0)] * 2, acquisition=acquisition, objective=lambda u: float(((u - 0.3) ** 2).sum()))
    for _ in range(20):
        run.step()
    assert min(run.objective(u) for u in run.points) < 1e-3
    assert len(np.unique(np.round(run.points, 9), axis=0)) == 20


def test_no_point_is_asked_for_twice_until_the_box_is_exhausted():
    space = check_space([(1, 4), ["a", "b", "c"]])
    optimizer = bayes(space, n_design=3)
    asked = []
    for i in range(14):
        u = optimizer.ask(Key(0, 0, i), np.empty((0, 2))).u
        asked.append(space.from_unit(u[None])[0])
        told(optimizer, space, u[None], [float(u.sum())])
    assert len(set(asked[:12])) == 12
    assert set(asked[12:]) <= set(asked[:12])


def test_pending_points_are_not_asked_for_and_repel():
    space = check_space([(0.0, 1.0)] * 2)
    U = np.random.default_rng(0).random((12, 2))
    optimizer = bayes(space)
    told(optimizer, space, U, ((U - 0.4) ** 2).sum(axis=1) + np.sin(9 * U[:, 0]))
    pending = np.empty((0, 2))
    for _ in range(5):
        u = optimizer.ask(Key(0, 0, 5), pending).u
        assert len(pending) == 0 or np.abs(pending - u).max(axis=1).min() > 1e-3
        pending = np.concatenate([pending, u[None]])


def test_a_half_space_that_always_fails_is_left_alone():
    def objective(u):
        return float(((u - 0.45) ** 2).sum()) if u[0] <= 0.5 else float("nan")

    for seed in range(3):
        space = check_space([(0.0, 1.0)] * 4)
        optimizer = bayes(space, n_design=8)
        values = []
        for i in range(70):
            suggestion = optimizer.ask(Key(seed, 0, i), np.empty((0, 4)))
            values.append(objective(suggestion.u))
            told(optimizer, space, suggestion.u[None], values[-1:], suggestion.arm)
        assert np.isnan(values[:8]).any()
        assert np.isnan(values[30:]).mean() < 0.2
        assert np.nanmin(values) < 1e-3


def test_infrastructure_failures_teach_nothing():
    space = check_space([(0.0, 1.0)] * 2)
    U = np.random.default_rng(0).random((12, 2))
    y = ((U - 0.4) ** 2).sum(axis=1)
    lost = [Trial(drive=0, iteration=i, x=tuple(u), status=FAILED, fault="infrastructure") for i, u in enumerate(U[:3] + 0.01)]
    points = []
    for with_lost in (False, True):
        optimizer = bayes(space)
        if with_lost:
            optimizer.tell(lost, U[:3] + 0.01, np.full(3, np.nan))
        told(optimizer, space, U, y)
        points.append(optimizer.ask(Key(0, 0, 5), np.empty((0, 2))).u)
    np.testing.assert_allclose(points[0], points[1], atol=1e-3)  # the same maximum, found with other random numbers


@pytest.mark.parametrize(("status", "fault"), [(FAILED, "objective"), (FAILED, "infrastructure"), (OK, None)])
def test_a_study_without_a_single_value_goes_on_spreading_out(status, fault):
    space = check_space([(0.0, 1.0)] * 2)
    optimizer = bayes(space, n_design=4)
    asked = np.empty((0, 2))
    for i in range(15):
        u = optimizer.ask(Key(0, 0, i), np.empty((0, 2))).u
        assert len(asked) == 0 or np.abs(asked - u).max(axis=1).min() > 1e-6
        asked = np.concatenate([asked, u[None]])
        optimizer.tell([Trial(drive=0, iteration=i, x=tuple(u), status=status, fault=fault)], u[None], np.array([np.nan]))
    assert np.all(np.histogram2d(*asked.T, bins=2, range=[(0, 1)] * 2)[0] > 0)


def test_two_usable_trials_are_enough():
    space = check_space([(0.0, 1.0)] * 2)
    optimizer = bayes(space)
    told(optimizer, space, np.array([[0.2, 0.3], [0.6, 0.1]]), [5.0, 4.0])
    assert optimizer.ask(Key(0, 0, 2), np.empty((0, 2))).arm == "EI"


def test_the_incumbent_is_the_best_within_the_box():
    """Trials elsewhere inform the model; were the best of them the incumbent, nothing in the box would be worth anything."""
    space = check_space([(0.0, 1.0)] * 2)
    bounds = Bounds(np.array([0.5, 0.0]), np.array([1.0, 1.0]))
    rng = np.random.default_rng(0)

    def function(U):
        return 10.0 * U[:, 0] + (U[:, 1] - 0.3) ** 2  # far better on the other side of the box's border

    optimizer = bayes(space, bounds)
    U = np.concatenate([rng.random((20, 2)) * [0.4, 1.0], bounds.lower + rng.random((6, 2)) * [0.5, 1.0]])
    told(optimizer, space, U, function(U))
    for i in range(1, 7):
        u = optimizer.ask(Key(0, 0, i), np.empty((0, 2))).u
        assert bounds.contains(u)
        told(optimizer, space, u[None], function(u[None]))
    np.testing.assert_allclose(u, [0.5, 0.3], atol=0.05)


def test_a_box_without_a_trial_of_its_own_is_searched():
    space = check_space([(0.0, 1.0)] * 2)
    bounds = Bounds(np.array([0.6, 0.0]), np.array([1.0, 1.0]))
    optimizer = bayes(space, bounds)
    U = np.random.default_rng(0).random((10, 2)) * [0.5, 1.0]
    told(optimizer, space, U, U.sum(axis=1))
    assert bounds.contains(optimizer.ask(Key(0, 0, 1), np.empty((0, 2))).u)


def test_unknown_acquisition_is_refused():
    with pytest.raises(InputError, match=r"EI.*gp_hedge, got 'UCB'"):
        bayes(check_space([(0.0, 1.0)]), acquisition="UCB")


def test_the_same_key_gives_the_same_answer_in_another_process(python):
    program = """
import numpy as np
from hyperspace.optimizers.optimizer import Optimizer
opt = Optimizer([(-5.0, 10.0), (1, 15), ["a", "b"]], random_state=3)
for _ in range(12):
    x = opt.ask()
    opt.tell(x, np.sin(x[0]) + x[1])
print(repr(opt.ask()))
"""
    assert python(program).stdout == python(program).stdout


@pytest.mark.parametrize("seed", [0, 1, 2, 93])
def test_a_local_minimum_known_to_all_digits_is_left(seed):
    branin = problem("branin")  # has a minimum on its edge too, 1.5 above the others, where seeds 0 and 93 would stay
    opt = Optimizer([(0.0, 1.0)] * 2, random_state=seed, n_samples=5)
    for _ in range(50):
        x = opt.ask()
        opt.tell(x, branin(branin.lower + (branin.upper - branin.lower) * np.array(x)))
    assert opt.fun - branin.minimum < 1e-3


def value(u):
    return float(np.sin(5 * u[0]) + u[1] ** 2)


def run_trials(n, drive=0, seed=0, model=None):
    """Return finished trials of a drive at random points, and their points and losses."""
    U = np.random.default_rng(seed).random((n, 2))
    y = np.array([value(u) for u in U])
    trials = [
        Trial(drive=drive, iteration=i, x=tuple(u), status=OK, metrics={"y": v}, model=model)
        for i, (u, v) in enumerate(zip(U, y, strict=True))
    ]
    return trials, U, y


@pytest.mark.parametrize("of_partner", [5, 30, 40])
def test_fits_of_another_drive_in_the_box_are_not_ones_own(of_partner):
    """Its record counts the trials that it knew. So an optimizer that has kept its model and a resumed one ask alike."""
    space = check_space([(0.0, 1.0)] * 2)
    design = [Design("sobol", 2, Bounds.whole(2), space, member=member, team=2) for member in (0, 1)]
    pair = [BayesOptimizer(space, Bounds.whole(2), "GP", design[member], number=member) for member in (0, 1)]
    partner_trials, partner_U, partner_y = run_trials(of_partner, drive=1, seed=1)
    pair[1].tell(partner_trials, partner_U, partner_y)
    theirs = pair[1].ask(Key(0, 1, of_partner), np.empty((0, 2)))
    assert theirs.model is not None
    own = run_trials(30)
    pair[0].tell(*own)
    asked = pair[0].ask(Key(0, 0, 30), np.empty((0, 2)))
    later = [
        Trial(drive=0, iteration=30, x=tuple(asked.u), status=OK, metrics={"y": value(asked.u)}, model=asked.model),
        Trial(drive=1, iteration=of_partner, x=tuple(theirs.u), status=OK, metrics={"y": value(theirs.u)}, model=theirs.model),
    ]
    news = later, np.array([asked.u, theirs.u]), np.array([value(asked.u), value(theirs.u)])
    pair[0].tell(*news)
    resumed = BayesOptimizer(space, Bounds.whole(2), "GP", design[0], number=0)
    resumed.tell(*own)
    resumed.recall(later[0], asked.u, Key(0, 0, 30), np.empty((0, 2)))
    resumed.tell(*news)
    points = [optimizer.ask(Key(0, 0, 31), np.empty((0, 2))).u for optimizer in (pair[0], resumed)]
    np.testing.assert_array_equal(points[0], points[1])


class Started(Surrogate):
    """A user's surrogate whose fits depend on those before, and whose state is only the start of the next one."""

    def __init__(self):
        self.count = 0

    def _fit(self, X, Y, noise):
        self.count += 1
        forgetful = Forgetful()
        return UserSurrogate(forgetful)._fit(X, Y + 0.1 * self.count * X[:, :1], noise)

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


@pytest.mark.parametrize("model", [Started(), Forgetful(), "RF"])
def test_a_fit_that_cannot_be_rebuilt_is_made_again_alike(model):
    space = check_space([(0.0, 1.0)] * 2)
    trials, U, y = run_trials(20)
    first = bayes(space, model=model)
    first.tell(trials, U, y)
    asked = first.ask(Key(0, 0, 20), np.empty((0, 2)))
    failed = [Trial(drive=0, iteration=20, x=tuple(asked.u), status=FAILED, fault="objective", model=asked.model)]
    resumed = bayes(space, model=model)
    resumed.tell(trials, U, y)
    resumed.recall(failed[0], asked.u, Key(0, 0, 20), np.empty((0, 2)))
    points = []
    for optimizer in (first, resumed):
        optimizer.tell(failed, asked.u[None], np.array([np.nan]))
        points.append(optimizer.ask(Key(0, 0, 21), np.empty((0, 2))).u)
    np.testing.assert_array_equal(points[0], points[1])


@pytest.mark.parametrize("model", ["GP", "RF", Forgetful()])
def test_improvement_over_pending_points_is_measured_on_the_models_own_scale(model, monkeypatch):
    seen = []
    real = arms.ModelCriterion

    def criterion(found, acquisition, feasibility):
        seen.append((found, acquisition))
        return real(found, acquisition, feasibility)

    monkeypatch.setattr(arms, "ModelCriterion", criterion)
    space = check_space([(0.0, 1.0)] * 2)
    optimizer = bayes(space, model=model)
    trials, U, y = run_trials(25)
    optimizer.tell(trials, U, y)
    pending = np.random.default_rng(9).random((8, 2))
    optimizer.ask(Key(0, 0, 25), pending)
    found, acquisition = seen[0]
    least = found.posterior(np.concatenate([U, pending])).mean.min()
    assert acquisition.best == pytest.approx(least, abs=1e-6)


def test_a_box_whose_trials_were_all_pruned_asks_its_model():
    space = check_space([(0.0, 1.0)] * 2)
    optimizer = bayes(space, n_design=3)
    trials, U, y = run_trials(6)
    pruned = [replace(trial, status=PRUNED) for trial in trials]
    optimizer.tell(pruned, U, y)
    assert optimizer.ask(Key(0, 0, 6), np.empty((0, 2))).arm == "EI"


def test_a_point_in_flight_costs_no_fits(monkeypatch):
    """A fit is known from the moment it was made, not only when its trial has ended."""
    fits = []
    real = GP._fit_output
    monkeypatch.setattr(GP, "_fit_output", lambda self, *rest: fits.append(0) or real(self, *rest))
    counts = []
    for in_flight in (1, 6):
        fits.clear()
        optimizer = Optimizer([(0.0, 1.0)] * 2, random_state=0)
        running = [optimizer.ask() for _ in range(in_flight)]
        for _ in range(36):
            x = running.pop(0)
            optimizer.tell(x, value(x))
            running.append(optimizer.ask())
        counts.append(len(fits))
    assert counts[1] <= counts[0] + 4  # with six in flight it has seen five more points at its last question


def test_better_points_that_were_given_later_are_centers_at_once():
    space = check_space([(0.0, 1.0)] * 2)
    optimizer = bayes(space)
    trials, U, y = run_trials(6)
    optimizer.tell(trials, U, y)
    given = [replace(trial, iteration=6 + i, origin="given") for i, trial in enumerate(trials[:2])]
    optimizer.tell(given, np.array([[0.9, 0.1], [0.95, 0.05]]), np.array([-8.0, -9.0]))
    centers = [region.center for region in optimizer._state.trust_regions.regions]
    assert centers[:2] == [7, 6]

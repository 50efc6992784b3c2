"""What every surrogate must do, by whatever name it comes, and a user's own object too."""

import json

import numpy as np
import pytest

from hyperspace.optimizers.base import Key
from hyperspace.optimizers.bayesian.optimizer import BayesOptimizer
from hyperspace.optimizers.design import Design
from hyperspace.space import Categorical, Integer, Real, check_space
from hyperspace.space.space import Bounds
from hyperspace.surrogates import SURROGATES, make_surrogate
from hyperspace.surrogates.base import draw
from hyperspace.trials.trial import OK, Trial

OWN = "own object"
MODELS = (*SURROGATES, OWN)
LEAN = {
    "DNN": {"max_steps": 300},
    "ENSEMBLE": {"max_steps": 300},
    "RF": {"n_estimators": 40},
    "ET": {"n_estimators": 40},
    "GBRT": {"n_estimators": 40},
}


class Neighbors:
    """What a user might bring: the mean of the three nearest points, and a spread that grows with their distance."""

    def fit(self, X, y):
        self.X, self.y = X, y

    def predict(self, X):
        squares = ((X[:, None] - self.X) ** 2).sum(axis=2)
        nearest = np.argsort(squares, axis=1)[:, :3]
        return self.y[nearest].mean(axis=1), 0.01 + np.sqrt(squares.min(axis=1))


def surrogate(model, random_state=0, space=None):
    if model == OWN:
        return make_surrogate(Neighbors(), random_state, space)
    return make_surrogate(model, random_state, space, **LEAN.get(model, {}))


def cloud(n=40, d=2, seed=0):
    X = np.random.default_rng(seed).random((n, d))
    return X, np.sin(5.0 * X[:, 0]) + X[:, -1] ** 2


QUERY = cloud(25, seed=1)[0]


def check(mean, std, shape):
    assert mean.shape == std.shape == shape
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()
    assert (std > 0.0).all()


@pytest.mark.parametrize("model", MODELS)
def test_shapes_and_finite_predictions(model):
    s = surrogate(model)
    fitted = s.fit(*cloud())
    check(*s.predict(QUERY), (25,))
    check(*s.predict(QUERY[:1]), (1,))
    posterior = fitted.posterior(QUERY)
    check(posterior.mean, posterior.std, (25, 1))


@pytest.mark.parametrize("model", MODELS)
def test_it_learns(model):
    X, y = cloud(80)
    s = surrogate(model)
    s.fit(X, y)
    truth = cloud(25, seed=1)[1]
    error = np.sqrt(((s.predict(QUERY)[0] - truth) ** 2).mean())
    assert error < 0.5 * truth.std()


@pytest.mark.parametrize("model", SURROGATES)
def test_several_outputs(model):
    X, y = cloud()
    Y = np.stack([y, 100.0 - 3.0 * y], axis=1)
    s = surrogate(model)
    s.fit(X, Y)
    mean, std = s.predict(QUERY)
    check(mean, std, (25, 2))
    assert np.corrcoef(mean.T)[0, 1] < -0.9


@pytest.mark.parametrize("model", MODELS)
def test_prediction_before_a_fit_is_refused(model):
    with pytest.raises(RuntimeError, match="predict comes after fit"):
        surrogate(model).predict(QUERY)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("broken", ["shape", "nan"])
def test_bad_data_are_refused(model, broken):
    X, y = cloud()
    if broken == "nan":
        y[3] = np.nan
    with pytest.raises(ValueError, match="fit expects"):
        surrogate(model).fit(X, y[:-1] if broken == "shape" else y)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_few_points(model, n):
    X, y = cloud(n)
    s = surrogate(model)
    s.fit(X, 1000.0 + y)
    mean, std = s.predict(QUERY)
    check(mean, std, (25,))
    assert np.abs(mean - 1000.0).max() < 500.0


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("value", [0.0, -5.0, 1e6])
def test_constant_targets(model, value):
    s = surrogate(model)
    s.fit(cloud(12)[0], np.full(12, value))
    mean, std = s.predict(QUERY)
    check(mean, std, (25,))
    assert mean == pytest.approx(np.full(25, value), rel=0.1, abs=0.5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_targets_of_any_scale(model, scale):
    X, y = cloud()
    s = surrogate(model)
    s.fit(X, y * scale)
    mean, std = s.predict(X)
    check(mean, std, (40,))
    assert np.corrcoef(mean, y)[0, 1] > 0.9


@pytest.mark.parametrize("model", MODELS)
def test_repeated_points(model):
    X, y = cloud(10)
    s = surrogate(model)
    s.fit(np.repeat(X, 3, axis=0), np.repeat(y, 3) + np.tile([-0.01, 0.0, 0.01], 10))
    check(*s.predict(X), (10,))


@pytest.mark.parametrize("model", MODELS)
def test_2000_points(model):
    X, y = cloud(2000, d=4)
    s = surrogate(model)
    s.fit(X, y)
    test, truth = cloud(100, d=4, seed=1)
    mean, std = s.predict(test)
    check(mean, std, (100,))
    assert np.sqrt(((mean - truth) ** 2).mean()) < 0.2 * truth.std()


@pytest.mark.parametrize("model", MODELS)
def test_std_grows_away_from_the_data(model):
    corner = np.concatenate([cloud(40)[0] * 0.4, [[0.0, 0.0], [0.4, 0.4]]])
    s = surrogate(model)
    s.fit(corner, np.sin(8.0 * corner[:, 0]) + corner[:, 1] ** 2)
    at_data = s.predict(corner)[1].mean()
    away = s.predict(0.6 + 0.1 * cloud(50, seed=3)[0])[1].mean()
    far = s.predict(0.9 + 0.1 * cloud(50, seed=3)[0])[1].mean()
    assert at_data < away < far


@pytest.mark.parametrize("model", MODELS)
def test_integers_and_categories_are_constant_on_their_levels(model):
    space = check_space([Real(0, 1), Integer(1, 4), Categorical(["a", "b", "c"])])
    X = space.snap(np.random.default_rng(0).random((40, 3)))
    s = surrogate(model, space=space)
    s.fit(X, X[:, 0] + X[:, 1] + (X[:, 2] > 0.6))
    within = np.random.default_rng(1).random((30, 3))
    check(*s.predict(space.snap(within)), (30,))
    if model != OWN:
        assert np.array_equal(s.predict(within), s.predict(space.snap(within)))


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_those_of_the_predictions(model):
    fitted = surrogate(model).fit(*cloud())
    if not fitted.has_gradients:
        pytest.skip("it has none, and says so")
    posterior = fitted.posterior(QUERY[:4], gradients=True)
    assert posterior.mean_gradient.shape == posterior.variance_gradient.shape == (4, 1, 2)
    for j, step in enumerate(1e-5 * np.eye(2)):
        up, down = fitted.posterior(QUERY[:4] + step), fitted.posterior(QUERY[:4] - step)
        assert posterior.mean_gradient[:, :, j] == pytest.approx((up.mean - down.mean) / 2e-5, rel=1e-3, abs=1e-5)
        assert posterior.variance_gradient[:, :, j] == pytest.approx((up.variance - down.variance) / 2e-5, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_draws_scatter_about_the_mean(model):
    fitted = surrogate(model).fit(*cloud())
    draws = draw(fitted, QUERY, 400, np.random.default_rng(0))
    assert draws.shape == (400, 25, 1)
    posterior = fitted.posterior(QUERY)
    assert (np.abs(draws.mean(axis=0) - posterior.mean) < 0.3 * posterior.std).all()


@pytest.mark.parametrize("model", SURROGATES)
def test_a_model_takes_up_further_points(model):
    X, y = cloud()
    s = surrogate(model)
    fitted = s.fit(X, y[:, None])
    x = np.array([[0.55, 0.15]])
    before = fitted.posterior(x)
    value = before.mean + 2.0 * before.std
    if hasattr(fitted, "condition"):
        after = fitted.condition(x, value).posterior(x)
    else:
        after = s.fit(np.concatenate([X, x]), np.concatenate([y[:, None], value])).posterior(x)
    assert abs(after.mean[0, 0] - value[0, 0]) < abs(before.mean[0, 0] - value[0, 0])


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_leaves_the_data_and_the_model_before_alone(model):
    X, y = cloud()
    kept = X.copy(), y.copy()
    s = surrogate(model)
    first = s.fit(X, y)
    before = first.posterior(QUERY).mean
    s.fit(X[:20], -y[:20])
    assert np.array_equal(X, kept[0])
    assert np.array_equal(y, kept[1])
    assert np.array_equal(first.posterior(QUERY).mean, before)


@pytest.mark.parametrize("model", SURROGATES)
def test_another_seed_draws_other_numbers(model):
    answers = []
    for seed in (0, 0, 1):
        s = surrogate(model, seed)
        s.fit(*cloud())
        answers.append(s.predict(QUERY)[0].tobytes())
    assert answers[0] == answers[1]
    assert (answers[0] != answers[2]) == (model != "GP")  # its fit draws none


class Loop:
    """A drive's calls, one after the other, with what would be on record."""

    def __init__(self, model):
        self.space = check_space([Real(0, 1), Real(0, 1), Integer(0, 3)])
        whole = Bounds.whole(3)
        design = Design("sobol", 6, whole, self.space, seed=0)
        own = model if model in SURROGATES else surrogate(model, 3, self.space)
        self.optimizer = BayesOptimizer(self.space, whole, own, design, seed=3)
        self.recorded = []

    def step(self):
        i = len(self.recorded)
        key = Key(0, 0, i)
        suggestion = self.optimizer.ask(key, np.empty((0, 3)))
        x = self.space.from_unit(suggestion.u[None])[0]
        y = (x[0] - 0.4) ** 2 + np.cos(6.0 * x[1]) + 0.2 * x[2]
        state = json.loads(json.dumps(suggestion.model))
        trial = Trial(drive=0, iteration=i, x=x, status=OK, metrics={"loss": y}, model=state)
        self.recorded.append((key, trial, suggestion.u, y))
        self.optimizer.tell([trial], suggestion.u[None], np.array([y]))

    def recall(self, recorded):
        for key, trial, u, y in recorded:
            self.optimizer.recall(trial, u, key, np.empty((0, 3)))
            self.optimizer.tell([trial], u[None], np.array([y]))
            self.recorded.append((key, trial, u, y))


@pytest.mark.parametrize("model", MODELS)
def test_a_resumed_study_proposes_what_the_uninterrupted_one_does(model, monkeypatch):
    monkeypatch.setattr("hyperspace.surrogates.networks.dngo._MOST_REMEMBERED", 0)  # as in a process that has just begun
    through = Loop(model)
    for _ in range(14):
        through.step()
    for interrupted_after in (8, 11, 12):
        resumed = Loop(model)
        resumed.recall(through.recorded[:interrupted_after])
        while len(resumed.recorded) < 14:
            resumed.step()
        assert [u.tobytes() for _, _, u, _ in resumed.recorded] == [u.tobytes() for _, _, u, _ in through.recorded]


def test_same_seed_same_answer_in_another_process(python):
    program = """
        import sys
        import numpy as np
        from hyperspace.surrogates import make_surrogate
        X = np.random.default_rng(0).random((30, 2))
        for model in sys.argv[1:]:
            s = make_surrogate(model, random_state=7)
            for n in (20, 30):
                s.fit(X[:n], np.sin(5.0 * X[:n, 0]) + X[:n, 1])
            mean, std = s.predict(X + 0.01)
            print(model, mean.tobytes().hex(), std.tobytes().hex())
    """
    first, second = (python(program, *SURROGATES).stdout for _ in range(2))
    assert first == second
    assert [line.split()[0] for line in first.splitlines()] == list(SURROGATES)

"""The DNN surrogate: it learns, knows what it does not know, and goes on after a restart as if there had been none."""

import json

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from hyperspace.errors import InputError
from hyperspace.space import Categorical, Integer, Real, check_space
from hyperspace.surrogates.networks import dngo, training
from hyperspace.surrogates.networks.dngo import DNN


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """Train everything anew, as a process does that has just begun."""
    dngo._remembered.clear()
    monkeypatch.setattr(dngo, "_MOST_REMEMBERED", 0)


def curve(x):
    return x * np.sin(x) + x * np.cos(2.0 * x)


def cloud(n, d=2, seed=0):
    X = np.random.default_rng(seed).random((n, d))
    return X, np.sin(5.0 * X[:, 0]) + X.sum(axis=1)


def bits(surrogate):
    grid = np.linspace(0.0, 1.0, 7)[:, None].repeat(2, axis=1)
    return [part.tobytes() for part in surrogate.predict(grid)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_curve_of_many_waves_is_learned_from_30_samples(seed):
    X = np.linspace(0.0, 1.0, 30)[:, None]
    surrogate = DNN(seed)
    surrogate.fit(X, curve(10.0 * X[:, 0]))
    grid = np.linspace(0.0, 1.0, 2001)[:, None]
    mean, std = surrogate.predict(grid)
    truth = curve(10.0 * grid[:, 0])
    lowest = 10.0 * grid[np.argmin(mean), 0]
    assert np.sqrt(((mean - truth) ** 2).mean()) < 0.3
    assert lowest == pytest.approx(4.7954, abs=0.02)
    assert curve(lowest) == pytest.approx(-9.50835, abs=0.01)
    assert 0.1 < np.sqrt((((mean - truth) / std) ** 2).mean()) < 2.0


def test_predictions_are_no_surer_than_they_are_right():
    X, _ = cloud(80, d=4)
    test, _ = cloud(200, d=4, seed=1)

    def function(U):
        return np.sin(8.0 * U[:, 0]) * U[:, 1] + np.abs(U[:, 2] - 0.4)

    errors = {}
    for as_published in (False, True):
        surrogate = DNN(0, as_published=as_published)
        surrogate.fit(X, function(X))
        mean, std = surrogate.predict(test)
        errors[as_published] = np.sqrt((((mean - function(test)) / std) ** 2).mean())
    assert 0.4 < errors[False] < 2.0
    assert errors[True] > 2.0 * errors[False]


def test_gradients_equal_finite_differences_and_are_zero_on_levels():
    space = check_space([Real(0, 1), Integer(0, 5), Categorical(["a", "b", "c"]), Real(0, 1)])
    X = space.snap(np.random.default_rng(0).random((40, 4)))
    model = DNN(0, space, max_steps=100).fit(X, X @ [1.0, 2.0, 3.0, 4.0] + np.sin(6.0 * X[:, 0]))
    for x in X[:3] + np.array([0.01, 0.0, 0.0, 0.01]):
        posterior = model.posterior(x[None], gradients=True)
        by_mean = approx_fprime(x, lambda u: model.posterior(u[None]).mean[0, 0], 1e-6)
        by_variance = approx_fprime(x, lambda u: model.posterior(u[None]).variance[0, 0], 1e-6)
        assert posterior.mean_gradient[0, 0] == pytest.approx(by_mean, abs=1e-4)
        assert posterior.variance_gradient[0, 0] == pytest.approx(by_variance, abs=1e-4)
        assert posterior.mean_gradient[0, 0, [1, 2]].tolist() == [0.0, 0.0]


def test_a_model_extended_by_a_point_comes_to_know_it():
    X, y = cloud(60)
    surrogate = DNN(0)
    model = surrogate.fit(X, y[:, None])
    x = np.array([[0.5, 0.5]])
    before = model.posterior(x)
    after = model.condition(x, before.mean + 3.0 * before.std).posterior(x)
    assert after.variance[0, 0] < before.variance[0, 0]
    assert before.mean[0, 0] < after.mean[0, 0] < before.mean[0, 0] + 3.0 * before.std[0, 0]


def test_known_noise_counts_less():
    X, y = cloud(60)
    wrong = y.copy()
    wrong[::3] += np.random.default_rng(2).normal(0.0, 3.0, 20)
    noise = np.zeros(60)
    noise[::3] = 9.0
    right = np.arange(60) % 3 > 0
    errors = []
    for known in (None, noise):
        surrogate = DNN(0)
        surrogate.fit(X, wrong, known)
        errors.append(np.abs(surrogate.predict(X[right])[0] - y[right]).mean())
    assert errors[1] < 0.5 * errors[0]


def test_a_fit_goes_on_from_the_weights_of_the_last_one():
    X, y = cloud(40)
    warm, cold = DNN(0, max_steps=200), DNN(0, max_steps=200)
    warm.fit(X[:30], y[:30])
    warm.fit(X, y)
    cold.fit(X, y)
    assert warm.state()["rows"] == [30, 40]
    assert bits(warm) != bits(cold)


def test_fits_of_a_restored_surrogate_have_the_same_bits():
    X, y = cloud(60)
    through = DNN(0, max_steps=100)
    for n in (30, 34, 38):
        through.fit(X[:n], y[:n])
    state = json.loads(json.dumps(through.state()))
    through.fit(X[:42], y[:42])
    resumed = DNN(0, max_steps=100)
    resumed.restore(state)
    resumed.fit(X[:42], y[:42])
    assert bits(resumed) == bits(through)
    assert resumed.state() == through.state()
    for n in (46, 60):  # at 60 the rows have doubled, and it starts afresh
        through.fit(X[:n], y[:n])
        resumed.fit(X[:n], y[:n])
        assert bits(resumed) == bits(through)
    assert through.state()["rows"] == [60]
    again = DNN(0, max_steps=100)
    again.fit(X, y)
    assert bits(again) == bits(through)


def test_what_was_trained_of_late_is_not_trained_again(monkeypatch):
    X, y = cloud(40)
    trained = []

    def train(architecture, theta, data, *others):
        trained.append(len(data.inputs))
        return training.train(architecture, theta, data, *others)

    monkeypatch.setattr(dngo, "train", train)
    monkeypatch.setattr(dngo, "_MOST_REMEMBERED", 3)
    answers = []
    for _ in range(2):
        surrogate = DNN(0, max_steps=50)
        for n in (30, 35, 40):
            surrogate.fit(X[:n], y[:n])
        answers.append(bits(surrogate))
    assert answers[0] == answers[1]
    assert trained == [30, 35, 40]
    DNN(1, max_steps=50).fit(X[:30], y[:30])
    assert trained == [30, 35, 40, 30]
    assert len(dngo._remembered) == 3


def test_a_fit_to_the_same_data_again_changes_nothing():
    X, y = cloud(40)
    surrogate = DNN(0, max_steps=100)
    surrogate.fit(X[:30], y[:30])
    surrogate.fit(X, y)
    first = bits(surrogate)
    surrogate.fit(X, y)
    assert bits(surrogate) == first
    restored = DNN(0, max_steps=100)
    restored.restore(surrogate.state())
    restored.rebuild(X, y[:, None])
    restored.fit(X, y)
    assert bits(restored) == first


def test_other_data_are_learned_afresh():
    X, y = cloud(40)
    changed = y.copy()
    changed[0] += 1e-9
    for n in (30, 40):  # more points than before, and as many
        for warm_start in (True, False):
            surrogate, fresh = (DNN(0, max_steps=100, warm_start=warm_start) for _ in range(2))
            surrogate.fit(X[:n], y[:n])
            surrogate.fit(X, changed)
            fresh.fit(X, changed)
            assert bits(surrogate) == bits(fresh)
            assert (surrogate.state() is None) == (not warm_start)


def test_layers_can_be_shared():
    X, y = cloud(40)
    surrogate = DNN(0, shared_hidden=True)
    surrogate.fit(X, y)
    assert np.abs(surrogate.predict(X)[0] - y).mean() < 0.1 * y.std()


def test_it_trains_on_a_device_of_torch():
    pytest.importorskip("torch")
    X, y = cloud(40)
    surrogate = DNN(0, device="cpu")
    surrogate.fit(X, y)
    assert np.abs(surrogate.predict(X)[0] - y).mean() < 0.1 * y.std()


@pytest.mark.parametrize("options", [{"evidence": 1}, {"epochs": 5}, {"hidden": 0}])
def test_options_without_sense_are_refused(options):
    with pytest.raises(InputError):
        DNN(0, **options).fit(*cloud(10))

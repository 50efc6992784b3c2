import json

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.space import check_space
from hyperspace.surrogates import make_surrogate
from hyperspace.surrogates.gp.surrogate import GP

RNG = np.random.default_rng(0)
X60 = RNG.random((60, 3))
SMOOTH = np.sin(5.0 * X60[:, 0]) + X60[:, 1]
SKEWED = np.exp(6.0 * X60[:, 0] + 3.0 * X60[:, 1])


def moments_by_sampling(latent, transform, X):
    posterior = latent.posterior(X)
    draws = posterior.mean + posterior.std * np.random.default_rng(1).standard_normal((len(X), 400_000))
    y = transform.inverse(draws)[0]
    return y.mean(axis=1), y.std(axis=1)


def test_predictions_are_near_the_function_and_honest():
    surrogate = make_surrogate("GP")
    surrogate.fit(X60, SMOOTH)
    Q = np.random.default_rng(1).random((200, 3))
    mean, std = surrogate.predict(Q)
    truth = np.sin(5.0 * Q[:, 0]) + Q[:, 1]
    assert mean.shape == std.shape == (200,)
    assert np.abs(mean - truth).max() < 0.02
    assert np.mean(np.abs(mean - truth) < 3.0 * std + 1e-4) > 0.97


def test_targets_are_warped_where_the_data_ask_for_it_and_only_there():
    assert GP().fit(X60, SKEWED).transform.power is not None
    assert GP().fit(X60, SMOOTH).transform.power is None
    assert GP(warp=False).fit(X60, SKEWED).transform.power is None


def test_choice_of_the_warping_is_by_evidence_of_the_outputs_as_they_came():
    """The chosen model gives the outputs a density at least as high as the other one's, up to the hyperparameters' priors."""

    def evidence(model, y):
        return model.log_marginal_likelihood + model.transform.log_jacobian(y)

    plain, chosen = GP(warp=False).fit(X60, SKEWED), GP().fit(X60, SKEWED)
    assert evidence(chosen, SKEWED) > evidence(plain, SKEWED) + 20.0


@pytest.mark.parametrize("y", [SMOOTH, SKEWED, np.r_[SMOOTH[:-1], 20.0]])
def test_predictions_have_the_moments_of_the_transformed_posterior(y):
    model = GP().fit(X60, y)
    Q = np.random.default_rng(1).random((6, 3))
    posterior = model.posterior(Q)
    mean, std = moments_by_sampling(model.latent, model.transform, Q)
    np.testing.assert_allclose(posterior.mean[:, 0], mean, atol=6.0 * std.max() / np.sqrt(400_000) + 1e-9)
    np.testing.assert_allclose(posterior.std[:, 0], std, rtol=0.02, atol=1e-9)


@pytest.mark.parametrize("y", [SMOOTH + 0.1 * RNG.normal(size=60), SKEWED * np.exp(0.3 * RNG.normal(size=60))])
def test_gradients_of_predictions_are_those_of_finite_differences(y):
    model = GP().fit(X60, y)
    Q, step = np.random.default_rng(1).random((4, 3)), 1e-5
    posterior = model.posterior(Q, gradients=True)
    for name in ("mean", "variance"):
        gradient = getattr(posterior, f"{name}_gradient")
        for j, e in enumerate(step * np.eye(3)):
            numeric = (getattr(model.posterior(Q + e), name) - getattr(model.posterior(Q - e), name)) / (2 * step)
            np.testing.assert_allclose(gradient[:, :, j], numeric, atol=1e-5 * np.abs(gradient).max())


def test_outputs_are_modelled_independently():
    Y = np.stack([SMOOTH, SKEWED], axis=1)
    both = GP()
    model = both.fit(X60, Y)
    Q = np.random.default_rng(1).random((5, 3))
    mean, std = both.predict(Q)
    assert mean.shape == (5, 2)
    for j, y in enumerate([SMOOTH, SKEWED]):
        one = GP()
        one.fit(X60, y)
        np.testing.assert_array_equal(mean[:, j], one.predict(Q)[0])
        np.testing.assert_array_equal(std[:, j], one.predict(Q)[1])
    posterior = model.posterior(Q, gradients=True)
    assert posterior.mean_gradient.shape == posterior.variance_gradient.shape == (5, 2, 3)
    assert model.sample(Q, 7, np.random.default_rng(0)).shape == (7, 5, 2)
    assert model.condition(Q, mean).posterior(Q).mean.shape == (5, 2)


def test_conditioned_model_is_the_rebuilt_one():
    surrogate = GP()
    surrogate.fit(X60[:50], SKEWED[:50])
    extended = surrogate.model.condition(X60[50:], SKEWED[50:, None])
    rebuilt = surrogate.rebuild(X60, SKEWED[:, None])
    Q = np.random.default_rng(1).random((30, 3))
    np.testing.assert_allclose(extended.posterior(Q).mean, rebuilt.posterior(Q).mean, rtol=1e-8)
    np.testing.assert_allclose(extended.posterior(Q).variance, rebuilt.posterior(Q).variance, rtol=1e-5, atol=1e-9)


def test_state_rebuilds_the_model_and_the_next_fit_bit_for_bit():
    surrogate = GP()
    surrogate.fit(X60[:40], SKEWED[:40])
    other = GP()
    other.restore(json.loads(json.dumps(surrogate.state(), allow_nan=False)))
    Q = np.random.default_rng(1).random((30, 3))
    rebuilt = other.rebuild(X60[:40], SKEWED[:40, None])
    np.testing.assert_array_equal(rebuilt.posterior(Q).mean, surrogate.model.posterior(Q).mean)
    np.testing.assert_array_equal(rebuilt.posterior(Q).variance, surrogate.model.posterior(Q).variance)
    assert other.state() == surrogate.state()
    np.testing.assert_array_equal(other.fit(X60, SKEWED).posterior(Q).mean, surrogate.fit(X60, SKEWED).posterior(Q).mean)
    assert other.state() == surrogate.state()


def test_rebuild_without_a_fit_is_refused():
    with pytest.raises(RuntimeError, match="after fit or restore"):
        GP().rebuild(X60, SMOOTH[:, None])


def test_known_noise_widens_predictions_where_it_is_large():
    y = SMOOTH + 0.3 * np.random.default_rng(1).normal(size=60)
    noise = np.full(60, 0.09)
    surrogate = GP()
    surrogate.fit(X60, y, noise=noise)
    informed = surrogate.predict(X60)[1]
    surrogate = GP()
    surrogate.fit(X60, y, noise=noise * 1e-6)
    assert informed.mean() > 3.0 * surrogate.predict(X60)[1].mean()


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (X60[:1], np.array([3.0])),
        (X60[:2], np.array([3.0, 3.0])),
        (X60, np.full(60, -7.5)),
        (np.repeat(X60[:5], 12, axis=0), np.repeat(SMOOTH[:5], 12)),
        (np.repeat(X60[:5], 12, axis=0), RNG.normal(size=60)),
        (X60, np.r_[SMOOTH[:-1], 1e30]),
        (X60, np.r_[SMOOTH[:-1], -1e30]),
        (X60, np.r_[SMOOTH[:-2], -1e300, 1e300]),
        (X60, 1e200 * SMOOTH),
        (X60, 1e-200 * SMOOTH),
        (np.zeros((60, 3)), np.arange(60.0)),
    ],
    ids=["one", "two equal", "constant", "duplicates", "contradictions", "1e30", "-1e30", "1e300", "huge", "tiny", "one place"],
)
def test_odd_data_give_finite_predictions(X, y):
    surrogate = GP()
    surrogate.fit(X, y)
    Q = np.random.default_rng(1).random((50, 3))
    latent = surrogate.model.latent.posterior(Q, gradients=True)
    mean, std = surrogate.predict(Q)
    assert not np.isnan(std).any()  # beyond 1e154 the variance of y is inf
    for part in (latent.mean, latent.variance, latent.mean_gradient, latent.variance_gradient, mean):
        assert np.isfinite(part).all()
    assert np.all(latent.variance > 0.0)


def test_outlier_does_not_flatten_the_rest():
    y = SMOOTH.copy()
    worst = int(np.argmax(y))
    y[worst] = 1e30
    surrogate = GP()
    surrogate.fit(X60, y)
    others = np.arange(60) != worst
    mean = surrogate.model.latent.posterior(X60[others]).mean[:, 0]
    assert np.corrcoef(mean, np.argsort(np.argsort(y[others])))[0, 1] > 0.9


def test_two_thousand_points():
    rng = np.random.default_rng(0)
    X = rng.random((2000, 4))
    y = np.sin(4.0 * X[:, 0]) * X[:, 1] + X[:, 2]
    surrogate = GP(max_fit_rows=200)
    surrogate.fit(X, y)
    Q = rng.random((100, 4))
    assert len(surrogate.model.latent) == 2000
    assert np.abs(surrogate.predict(Q)[0] - (np.sin(4.0 * Q[:, 0]) * Q[:, 1] + Q[:, 2])).max() < 1e-2


def test_levels_of_a_space_are_learned():
    space = check_space([(0.0, 1.0), (1, 4), ["a", "b", "c"]])
    U = space.snap(np.random.default_rng(0).random((60, 3)))
    values = np.array([2.0, -1.0, 0.5])

    def function(U):
        return np.sin(3 * U[:, 0]) + (np.floor(U[:, 1] * 4) - 1) ** 2 + values[np.floor(U[:, 2] * 3).astype(int)]

    surrogate = make_surrogate("GP", space=space)
    surrogate.fit(U, function(U))
    Q = space.snap(np.random.default_rng(1).random((100, 3)))
    assert np.abs(surrogate.predict(Q)[0] - function(Q)).max() < 0.2


def test_no_points_have_no_predictions():
    X = np.random.default_rng(0).random((8, 2))
    gp = GP()
    gp.fit(X, X.sum(axis=1, keepdims=True))
    mean, std = gp.predict(np.empty((0, 2)))
    assert len(mean) == len(std) == 0


@pytest.mark.parametrize("first", [["a"], ["a", "b", "c"]])
def test_an_additive_process_heeds_which_feature_is_of_which_dimension(first):
    space = check_space([first, (0.0, 1.0), (0.0, 1.0)])
    rng = np.random.default_rng(0)
    X = space.snap(rng.random((60, 3)))
    model = make_surrogate("GP", space=space, kernel="additive", warp=False).fit(X, np.sin(8 * X[:, [1]]) + 3 * X[:, [2]])
    U = space.snap(rng.random((40, 3)))
    one_by_one = np.array([model.latent.posterior(u[None]).mean[0, 0] for u in U])
    assert model.latent.posterior(U).mean[:, 0] == pytest.approx(one_by_one, abs=1e-8)
    gradient = model.latent.posterior(U[:5], gradients=True).mean_gradient[:, 0]
    for j in (1, 2):
        step = np.eye(3)[j] * 1e-4
        ends = [model.latent.posterior(U[:5] + sign * step).mean[:, 0] for sign in (1, -1)]
        assert gradient[:, j] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-4, abs=1e-5)


def test_a_kernel_of_two_scales_is_taken_where_it_is_more_probable_and_only_there():
    X = np.random.default_rng(5).random((150, 2))
    trend = 3.0 * ((X - 0.4) ** 2).sum(axis=1)
    rippled = trend + 0.1 * np.cos(20.0 * np.pi * X).sum(axis=1)
    assert GP().fit(X, rippled).latent.hyper.short_share > 0.0
    assert GP(kernel="matern").fit(X, rippled).latent.hyper.short_share == 0.0
    assert GP().fit(X, trend + 0.1 * np.random.default_rng(6).normal(size=150)).latent.hyper.short_share == 0.0


def test_a_kernel_of_two_scales_is_tried_again_after_a_while():
    gp, idle = GP(), []
    for _ in range(7):
        gp.fit(X60[:40], SMOOTH[:40] + 0.1 * np.random.default_rng(3).normal(size=40))
        idle.append(gp._fitted[0].idle["two scales"])
    assert idle == [0, 1, 2, 3, 4, 0, 1]


def test_state_of_two_scales_survives_a_journal():
    y = SMOOTH + 0.2 * np.cos(60.0 * X60).sum(axis=1)
    gp, other = GP(), GP()
    model = gp.fit(X60, y)
    assert model.latent.hyper.short_share > 0.0
    other.restore(json.loads(json.dumps(gp.state())))
    Q = np.random.default_rng(4).random((9, 3))
    np.testing.assert_array_equal(other.rebuild(X60, y[:, None]).posterior(Q).mean, model.posterior(Q).mean)
    np.testing.assert_array_equal(other.fit(X60, y).posterior(Q).mean, gp.fit(X60, y).posterior(Q).mean)


def test_a_kernel_that_there_is_not_is_named():
    with pytest.raises(InputError, match="kernel must be one of best, matern, additive, got 'radial'"):
        GP(kernel="radial")


def test_noise_is_found_that_a_fit_from_little_noise_explains_by_a_short_lengthscale():
    rng = np.random.default_rng(3)
    X = rng.random((60, 2))
    function = (2 * X[:, 0] - 1) ** 2 + (2 * X[:, 1] - 1.3) ** 2
    y = function + 0.3 * rng.standard_normal(60)
    errors = []
    for tries_noise in (False, True):
        surrogate = GP(tries_noise=tries_noise)
        surrogate.fit(X, y)
        errors.append(np.sqrt(np.mean((surrogate.predict(X)[0] - function) ** 2)))
    assert errors[1] < 0.15 < errors[0]
    assert surrogate.model.latents[0].hyper.noise > 0.1

"""Models of transformed targets, read in the outputs' own scale: closed forms, Monte Carlo and finite differences."""

import gc
import weakref

import numpy as np
import pytest

from hyperspace.surrogates.base import Posterior
from hyperspace.surrogates.outcome_transforms import Transform
from hyperspace.surrogates.transformed import LatentModel

Q = np.random.default_rng(0).random((7, 2))
EXPONENTIAL = Transform(power=0.0, low=-1000.0, high=10.0, affine=False)  # y = exp(z) - 1 for 0 <= z < log(11)
LINE = Transform(center=5.0, scale=2.0, location=0.5, spread=3.0)  # y = 5 + 2 (0.5 + 3 z)
WARPED = Transform.fit(np.exp(2.0 * np.random.default_rng(1).normal(size=60)), warped=True)


class Latent:
    """Mean and variance of z as smooth functions, with their derivatives."""

    has_gradients = True

    def __init__(self, mean=1.0, std=0.1):
        self._mean, self._std = mean, std

    def posterior(self, X, gradients=False):
        x, y = X.T
        mean, std = self._mean + 0.2 * np.sin(3.0 * x) * y, self._std * (1.0 + x * y)
        if not gradients:
            return Posterior(mean[:, None], std[:, None] ** 2)
        by_mean = np.stack([0.6 * np.cos(3.0 * x) * y, 0.2 * np.sin(3.0 * x)], axis=1)
        by_std = self._std * np.stack([y, x], axis=1)
        return Posterior(mean[:, None], std[:, None] ** 2, by_mean[:, None], (2.0 * std[:, None] * by_std)[:, None])


class Growing(Latent):
    """One that takes up further targets."""

    def __init__(self, told=()):
        super().__init__()
        self.told = told

    def condition(self, X, z):
        return Growing((*self.told, (X, z)))


class NoGradients(Latent):
    has_gradients = False


def test_a_straight_line_is_read_exactly():
    z, y = Latent().posterior(Q, gradients=True), LatentModel([Latent()], [LINE]).posterior(Q, gradients=True)
    np.testing.assert_allclose(y.mean, 6.0 + 6.0 * z.mean)
    np.testing.assert_allclose(y.variance, 36.0 * z.variance)
    np.testing.assert_allclose(y.mean_gradient, 6.0 * z.mean_gradient)
    np.testing.assert_allclose(y.variance_gradient, 36.0 * z.variance_gradient)


def test_the_moments_under_an_exponential_are_those_of_a_lognormal():
    z, y = Latent().posterior(Q), LatentModel([Latent()], [EXPONENTIAL]).posterior(Q)
    np.testing.assert_allclose(y.mean, np.exp(z.mean + z.variance / 2) - 1.0, rtol=1e-6)
    np.testing.assert_allclose(y.variance, np.expm1(z.variance) * np.exp(2 * z.mean + z.variance), rtol=1e-5)


@pytest.mark.parametrize("transform", [LINE, EXPONENTIAL, WARPED])
def test_the_moments_are_those_of_draws(transform):
    model = LatentModel([Latent(0.5)], [transform])
    draws = model.sample(Q, 40_000, np.random.default_rng(0))
    assert draws.shape == (40_000, 7, 1)
    posterior = model.posterior(Q)
    np.testing.assert_allclose(draws.mean(axis=0), posterior.mean, atol=5 * posterior.std.max() / np.sqrt(40_000))
    np.testing.assert_allclose(draws.std(axis=0), posterior.std, rtol=0.05)


@pytest.mark.parametrize("transform", [LINE, EXPONENTIAL, WARPED])
def test_gradients_are_those_of_finite_differences(transform):
    model = LatentModel([Latent()], [transform])
    posterior = model.posterior(Q, gradients=True)
    assert model.has_gradients
    np.testing.assert_array_equal(posterior.mean, model.posterior(Q).mean)
    for j, step in enumerate(1e-5 * np.eye(2)):
        above, below = model.posterior(Q + step), model.posterior(Q - step)
        for name in ("mean", "variance"):
            numeric = (getattr(above, name) - getattr(below, name)) / 2e-5
            np.testing.assert_allclose(getattr(posterior, f"{name}_gradient")[:, :, j], numeric, rtol=1e-6, atol=1e-9)


def test_a_point_that_is_known_for_certain_has_gradients_that_are_numbers():
    posterior = LatentModel([Latent(std=0.0)], [WARPED]).posterior(Q, gradients=True)
    assert np.isfinite(posterior.mean_gradient).all()
    assert np.isfinite(posterior.variance_gradient).all()
    np.testing.assert_allclose(posterior.variance, 0.0, atol=1e-20)


def test_several_outputs_stand_side_by_side():
    model = LatentModel([Latent(), Latent(0.2)], [LINE, EXPONENTIAL])
    parts = [LatentModel([Latent()], [LINE]), LatentModel([Latent(0.2)], [EXPONENTIAL])]
    together, single = model.posterior(Q, gradients=True), [part.posterior(Q, gradients=True) for part in parts]
    for name in ("mean", "variance", "mean_gradient", "variance_gradient"):
        np.testing.assert_array_equal(getattr(together, name), np.concatenate([getattr(one, name) for one in single], axis=1))
    assert together.mean_gradient.shape == (7, 2, 2)
    assert model.posterior(Q).mean_gradient is None
    assert model.sample(Q, 3, np.random.default_rng(0)).shape == (3, 7, 2)
    assert (model.latent, model.transform) == (model.latents[0], LINE)


def test_one_output_without_gradients_leaves_the_model_without():
    assert not LatentModel([Latent(), NoGradients()], [LINE, LINE]).has_gradients


def test_further_targets_reach_the_inner_models_in_their_scale():
    model = LatentModel([Growing(), Growing()], [LINE, EXPONENTIAL])
    Y = np.array([[5.0, 0.5], [9.0, 3.0]])
    grown = model.condition(Q[:2], Y)
    np.testing.assert_allclose(grown.latents[0].told[0][1], (Y[:, 0] - 6.0) / 6.0)
    np.testing.assert_allclose(grown.latents[1].told[0][1], np.log1p(Y[:, 1]))
    assert grown.transforms == model.transforms
    assert model.latents[0].told == ()


def test_a_model_that_cannot_grow_says_so_by_lacking_the_method():
    assert hasattr(LatentModel([Growing()], [LINE]), "condition")
    assert not hasattr(LatentModel([Growing(), Latent()], [LINE, LINE]), "condition")
    with pytest.raises(AttributeError, match="'LatentModel' object has no attribute 'else_'"):
        LatentModel([Growing()], [LINE]).else_  # noqa: B018


def test_a_model_is_freed_at_once_when_nobody_holds_it():
    """Its matrices are large; nothing in it may refer back to it."""
    model = LatentModel([Growing()], [LINE])
    model.condition(Q[:1], np.ones((1, 1)))
    watch = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert watch() is None
    finally:
        gc.enable()


def test_outputs_whose_squares_no_double_holds_have_an_infinite_variance_and_no_warning():
    transform = Transform.fit(1e200 * np.random.default_rng(0).normal(size=20))
    posterior = LatentModel([Latent()], [transform]).posterior(Q)
    assert np.isfinite(posterior.mean).all()
    assert np.isinf(posterior.variance).all()

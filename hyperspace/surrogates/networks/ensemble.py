"""ENSEMBLE surrogate: independently initialized networks. Their mean and variance are the prediction.

After Lakshminarayanan, Pritzel and Blundell (2017), "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles",
with the mean squared error. The variance of the networks shows where they are uncertain, but its scale is wrong: on 60 points of
six test functions the errors were two standard deviations (root mean square). So each network is trained without every fourth
point, and training stops where these held-out points are predicted best. Two parameters are fitted to the errors there: variance
= spread / alpha + 1 / beta. The errors were then 1.0 standard deviations.

Notation:
    F        outputs of E networks at q points, (q, E)        z    transformed targets
    mean = F w, w = 1/E;   spread = |F C|^2, C = (I - 1/E) / sqrt(E - 1), the sample variance of each row of F

The model is linear in Gaussian weights, so it is a `LinearModel`. Further points and joint samples use the covariance of the
networks' deviations, as in an ensemble Kalman filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError
from hyperspace.numerics import random_streams
from hyperspace.numerics.threads import one_thread
from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.input_encoding import Features
from hyperspace.surrogates.networks.bayesian_linear import GaussianWeights, LinearModel, LinearModels, Pullback, maximize
from hyperspace.surrogates.networks.dngo import FEWEST, FIRST_BETA, precision_scale, precisions
from hyperspace.surrogates.networks.network import Architecture, Inputs, Layers, output
from hyperspace.surrogates.networks.training import FOLDS, Data, Training, fold_of, train
from hyperspace.surrogates.outcome_transforms import transformed
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.space.space import Space


class MemberBasis:
    """Outputs of the networks, as features.

    Args:
        architecture: architecture of the networks.
        layers: their parameters.
        inputs: map from points to their inputs.
        j: number of the output.
    """

    def __init__(self, architecture: Architecture, layers: Layers, inputs: Inputs, j: int) -> None:
        self._architecture, self._layers, self._inputs, self._j = architecture, layers, inputs, j

    def __call__(self, X: Array) -> tuple[Array, Pullback]:
        """Return F (q, E) at X (q, d), and the map from derivatives by F to derivatives by X."""
        activations = self._architecture.forward(self._layers, self._inputs(X))
        W, b = self._layers[-1]
        W, b = W[:, :, self._j], b[:, :, self._j]
        F = (activations[-1] @ W[:, :, None])[:, :, 0] + b

        def pullback(by_members: Array) -> Array:
            delta = by_members.T[:, :, None] * W[:, None, :]
            return self._inputs.pullback(self._architecture.pullback(self._layers, activations, delta).sum(axis=0))

        return F.T, pullback


@check_names(Training)
class DeepEnsemble(Surrogate):
    """Surrogate with the mean and the calibrated variance of several networks. A fit is a function of the seed and the data.

    Args:
        random_state: seed of the initial weights, the held-out folds and the mini-batches.
        space: defines which coordinates are integers or categories; None if all are continuous.
        n_networks: E.
        depth: number of hidden layers.
        width: units in each hidden layer.
        activation: "tanh", "relu" or "elu".
        initialization: "lecun", "he" or "torch" (see `Architecture`).
        warp: Yeo-Johnson transform of the targets, in addition to the compression of their tails.
        training: settings of `Training`: learning_rate, max_steps, batch_size, patience, check_every, device.

    Raises:
        InputError: an unknown option, or a missing device.
    """

    transforms_targets = True

    def __init__(
        self,
        random_state: int = 0,
        space: Space | None = None,
        *,
        n_networks: int = 5,
        depth: int = 3,
        width: int = 50,
        activation: str = "tanh",
        initialization: str = "lecun",
        warp: bool = False,
        **training: Any,
    ) -> None:
        if n_networks < 2 or depth < 1:
            raise InputError(f"an ensemble needs two networks and a hidden layer, got n_networks={n_networks}, depth={depth}")
        self.random_state, self.space, self.warp = random_state, space, warp
        self.n_networks, self.depth, self.width = n_networks, depth, width
        self.activation, self.initialization = activation, initialization
        self.training = Training(**training)

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> LinearModels:
        (n, d), m, count = X.shape, Y.shape[1], self.n_networks
        transforms, Z, variances = transformed(Y, noise, self.warp)
        inputs = Inputs(Features(d, self.space))
        fed = inputs(X)
        architecture = Architecture((fed.shape[1], *[self.width] * self.depth, m), self.activation, self.initialization)
        rng = random_streams.stream(self.random_state, random_streams.MODEL, n)
        held_out = np.zeros((count, n), dtype=bool)
        if n >= FEWEST:
            held_out = fold_of(n, self.random_state) == np.arange(count)[:, None] % FOLDS
        data = Data(fed, Z, precision_scale(variances, FIRST_BETA), held_out)
        with one_thread():
            theta, _ = train(architecture, architecture.initial(rng, count), data, self.training, rng)
            layers = architecture.layers(theta, count)
            if held_out.any():
                _solve_last_layer(layers, _with_constant(architecture.forward(layers, fed)[-1]), Z, variances, held_out)
            F = output(architecture, layers, fed)
            latents = []
            for j in range(m):
                alpha, beta = _calibration(F[:, :, j], Z[:, j], variances[:, j], held_out)
                latents.append(LinearModel(MemberBasis(architecture, layers, inputs, j), _weights(count, alpha, beta)))
        return LinearModels(latents, transforms)


def _solve_last_layer(layers: Layers, Phi: Array, Z: Array, noise: Array, held_out: NDArray[np.bool_]) -> None:
    """Replace the last layers by ridge regression on the features, with the training points of each network.

    Args:
        layers: layers of the networks; the last ones are overwritten.
        Phi: features of the training points, the last one constant, (E, n, p).
        Z: targets, (n, m).
        noise: known variances of the targets, (n, m).
        held_out: True for the held-out points of each network, (E, n).
    """
    W, b = layers[-1]
    for j in range(Z.shape[1]):
        alpha, beta, scale = precisions(list(zip(Phi, held_out, strict=True)), Z[:, j], noise[:, j])
        prior = GaussianWeights.prior(Phi.shape[2], alpha, beta)
        for e, seen in enumerate(~held_out):
            weights = prior.condition(Phi[e, seen], Z[seen, j], beta * scale[seen]).mean
            W[e, :, j], b[e, 0, j] = weights[:-1], weights[-1]


def _with_constant(H: Array) -> Array:
    return np.concatenate([H, np.ones((*H.shape[:-1], 1))], axis=-1)


def _calibration(F: Array, z: Array, noise: Array, held_out: NDArray[np.bool_]) -> tuple[float, float]:
    """Return alpha and beta with the largest likelihood of the errors at held-out points.

    Args:
        F: outputs of the networks at the training points, (E, n).
        z: targets, (n,).
        noise: known variances of the targets, (n,).
        held_out: True for the held-out points of each network, (E, n).
    """
    unseen = held_out.any(axis=0)
    if not unseen.any() or not z.any():
        return 1.0, FIRST_BETA
    held_out_mean = np.where(held_out, F, 0.0).sum(axis=0)[unseen] / held_out.sum(axis=0)[unseen]
    squares = (z[unseen] - held_out_mean) ** 2
    spread = F.var(axis=0, ddof=1)[unseen]

    def log_likelihood(log_alpha: Array, log_beta: Array) -> Array:
        variance = spread * np.exp(-log_alpha)[..., None] + np.exp(-log_beta)[..., None] + noise[unseen]
        value: Array = -0.5 * (np.log(variance) + squares / variance).sum(axis=-1)
        return value

    return maximize(log_likelihood)


def _weights(count: int, alpha: float, beta: float) -> GaussianWeights:
    """Return weights for which E networks predict their mean, with variance spread / alpha + 1 / beta."""
    deviation = (np.eye(count) - 1.0 / count) / np.sqrt((count - 1.0) * alpha)
    return GaussianWeights(np.full(count, 1.0 / count), deviation, 1.0 / beta)

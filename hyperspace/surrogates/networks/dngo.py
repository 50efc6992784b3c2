"""DNN surrogate: a small network whose last hidden layer feeds a Bayesian linear regressor (DNGO).

Snoek et al. (2015), "Scalable Bayesian Optimization Using Deep Neural Networks": inputs - H - H - H - D, all tanh, and a linear
output are trained with the mean squared error and Adam (`training`). Then a Bayesian linear regressor replaces the output layer.
It uses the D features and those of a quadratic prior mean (`bayesian_linear`). Fits and predictions are linear in the number of
trials.

Difference from the publication: a network that was trained on all targets adapts its features to them. If the marginal
likelihood of the same targets determines alpha and beta, predictions are far too confident. On 100 points of seven test functions
the errors were 60 standard deviations (root mean square), and more after longer training. So further networks are trained in
parallel, each without every fourth point. Training stops where they predict these held-out points best. alpha and beta maximize
the marginal likelihood of the held-out points, given the others. The errors were then 0.9 standard deviations. The prediction is
that of the network trained on all points. `as_published=True` restores the published choice of alpha and beta.

Notation:
    n, d, m  points, coordinates, outputs    z   transformed targets, (n, m)    p = D + 1 + 2 k features, for k inputs
    E        networks: number 0 is trained on all points, number e > 0 without fold e - 1
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from hyperspace.numerics import random_streams
from hyperspace.numerics.threads import one_thread
from hyperspace.surrogates.base import Surrogate
from hyperspace.surrogates.input_encoding import Features
from hyperspace.surrogates.networks.bayesian_linear import (
    GaussianWeights,
    LinearModel,
    LinearModels,
    Pullback,
    held_out_evidence,
    maximize,
)
from hyperspace.surrogates.networks.network import Architecture, Inputs, Layers
from hyperspace.surrogates.networks.training import FOLDS, Data, Training, fold_of, train
from hyperspace.surrogates.outcome_transforms import transformed
from hyperspace.system.arguments import check_names
from hyperspace.typing import Array

if TYPE_CHECKING:
    from hyperspace.space.space import Space

FEWEST = 5  # least number of points for held-out folds
_FOLD_ROWS = 800  # total number of points of the networks with a fold: four networks up to 200 points, one from 800 on
FIRST_BETA = 100.0  # precision of the residuals of standardized targets if nothing is known


class NetworkBasis:
    """Features of one network, and those of a quadratic prior mean (see `with_prior_mean`).

    Args:
        architecture: architecture of the network.
        layers: its parameters, (1, in, out) each.
        inputs: map from points to its inputs.
    """

    def __init__(self, architecture: Architecture, layers: Layers, inputs: Inputs) -> None:
        self._architecture, self._layers, self._inputs = architecture, layers, inputs

    def __call__(self, X: Array) -> tuple[Array, Pullback]:
        """Return the features of X (q, d), (q, p), and the map from derivatives by them to derivatives by X."""
        V = self._inputs(X)
        activations = self._architecture.forward(self._layers, V)
        width, k = activations[-1].shape[-1], V.shape[1]

        def pullback(by_features: Array) -> Array:
            by_network = self._architecture.pullback(self._layers, activations, by_features[None, :, :width])[0]
            by_inputs, by_squares = by_features[:, width + 1 : width + 1 + k], by_features[:, width + 1 + k :]
            return self._inputs.pullback(by_network + by_inputs + 2.0 * V * by_squares)

        return with_prior_mean(activations[-1], V)[0], pullback


@check_names(Training)
class DNN(Surrogate):
    """Surrogate with network features and a Bayesian linear head.

    A fit is a function of the seed and the data. If the data extend those of the last fit (the same rows, and more), training
    starts from its weights. It starts afresh when the number of rows has doubled since the last fresh start. `state` lists the
    numbers of rows of this chain of fits. After `restore`, the next fit repeats the chain. So it gives the same bits as without
    interruption, and no weights are stored.

    Args:
        random_state: seed of the initial weights, the held-out folds and the mini-batches.
        space: defines which coordinates are integers or categories; None if all are continuous.
        hidden: H, units in each of the first three layers.
        n_features: D, units in the last hidden layer.
        shared_hidden: whether the two layers H -> H share one matrix.
        as_published: alpha and beta by the marginal likelihood of all targets (see the module docstring).
        warp: Yeo-Johnson transform of the targets, in addition to the compression of their tails.
        warm_start: start from the last fit's weights if the data extend its data.
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
        hidden: int = 50,
        n_features: int = 50,
        shared_hidden: bool = False,
        as_published: bool = False,
        warp: bool = False,
        warm_start: bool = True,
        **training: Any,
    ) -> None:
        self.random_state, self.space = random_state, space
        self.hidden, self.n_features, self.shared_hidden = hidden, n_features, shared_hidden
        self.as_published, self.warp, self.warm_start = as_published, warp, warm_start
        self.training = Training(**training)
        self._chain: tuple[int, ...] = ()  # numbers of rows of the chain of fits that ends with the last one
        self._digest = ""  # digest of the data of the last fit

    def _fit(self, X: Array, Y: Array, noise: Array | None) -> LinearModels:
        self._chain = self._continued(X, Y, noise)
        self._digest = _digest(X, Y, noise)
        tasks = [_Task(self, X[:n], Y[:n], None if noise is None else noise[:n]) for n in self._chain]
        with one_thread():
            return tasks[-1].model(_trained(tasks))

    def _continued(self, X: Array, Y: Array, noise: Array | None) -> tuple[int, ...]:
        """Return the chain of fits that ends with this one. It extends the last fit's chain if the data extend its data."""
        n = len(X)
        if self.warm_start and self._chain:
            last = self._chain[-1]
            same = _digest(X[:last], Y[:last], None if noise is None else noise[:last]) == self._digest
            if same and last <= n < 2 * self._chain[0]:
                return self._chain if last == n else (*self._chain, n)
        return (n,)

    def state(self) -> Mapping[str, Any] | None:
        """Return the chain of fits that the next one can continue."""
        return {"rows": list(self._chain), "digest": self._digest} if self.warm_start and self._chain else None

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state`."""
        self._chain, self._digest = tuple(state["rows"]), str(state["digest"])


class _Task:
    """One fit: the data in the form for networks, and the model from the trained weights."""

    def __init__(self, settings: DNN, X: Array, Y: Array, noise: Array | None) -> None:
        (n, d), m = X.shape, Y.shape[1]
        self._settings = settings
        self._transforms, self._Z, self._noise = transformed(Y, noise, settings.warp)
        self._inputs = Inputs(Features(d, settings.space))
        inputs = self._inputs(X)
        sizes = (inputs.shape[1], *[settings.hidden] * 3, settings.n_features, m)
        self._architecture = Architecture(sizes, shared=(1, 2) if settings.shared_hidden else ())
        folds = min(max(_FOLD_ROWS // n, 1), FOLDS) if n >= FEWEST else 0
        fold = fold_of(n, settings.random_state)
        held_out = np.stack([np.zeros(n, dtype=bool), *(fold == e for e in range(folds))])
        self._data = Data(inputs, self._Z, precision_scale(self._noise, FIRST_BETA), held_out)

    def key(self, start: str) -> str:
        """Return the key of the weights that `train` gives when it starts from weights with the key `start`."""
        settings = self._settings
        words = repr((start, settings.random_state, settings.training, self._architecture.sizes, settings.shared_hidden))
        data = self._data
        return _digest(data.inputs, data.targets, data.weights, data.held_out, np.frombuffer(words.encode(), dtype=np.uint8))

    def train(self, start: Array | None) -> Array:
        """Return weights of all E networks, starting from those of `start` if it has as many networks."""
        rng = random_streams.stream(self._settings.random_state, random_streams.MODEL, len(self._Z))
        count = len(self._data.held_out)
        theta = self._architecture.select(self._architecture.initial(rng), [0] * count)
        if start is not None and len(start) >= len(theta):
            theta = self._architecture.select(start, range(count))
        return train(self._architecture, theta, self._data, self._settings.training, rng)[0]

    def model(self, theta: Array) -> LinearModels:
        """Return the model with the features of network 0."""
        count = len(self._data.held_out)
        layers = self._architecture.layers(theta, count)
        Phi = with_prior_mean(self._architecture.forward(layers, self._data.inputs)[-1], self._data.inputs)
        own = self._architecture.layers(self._architecture.select(theta, [0]), 1)
        basis = NetworkBasis(self._architecture, own, self._inputs)
        return LinearModels([LinearModel(basis, self._weights(Phi, j)) for j in range(self._Z.shape[1])], self._transforms)

    def _weights(self, Phi: Array, j: int) -> GaussianWeights:
        """Return the head of output j, given the features of all points from all networks, (E, n, p)."""
        z, noise, held_out = self._Z[:, j], self._noise[:, j], self._data.held_out
        folds = list(zip(Phi[1:], held_out[1:], strict=True))
        if self._settings.as_published and folds:
            folds = [(Phi[0], np.ones(len(z), dtype=bool))]  # all points are held out, given none
        alpha, beta, scale = precisions(folds, z, noise)
        if not folds or not z.any():
            alpha = float((Phi[0] ** 2).sum(axis=1).mean())  # a prior variance of one
        return GaussianWeights.prior(Phi.shape[2], alpha, beta).condition(Phi[0], z, beta * scale)


_remembered: OrderedDict[str, NDArray[np.float32]] = (
    OrderedDict()
)  # weights that this process has trained recently, by `_Task.key`
_MOST_REMEMBERED = 8


def _trained(tasks: Sequence[_Task]) -> Array:
    """Return the weights after a chain of trainings, each starting from the one before.

    They are a function of the tasks. Recent results of this process are reused: otherwise a strategy that creates new surrogates
    for every fit would repeat the whole chain each time.
    """
    keys: list[str] = []
    for task in tasks:
        keys.append(task.key(keys[-1] if keys else ""))
    done = max((i for i, key in enumerate(keys) if key in _remembered), default=-1)
    theta: Array | None = _remembered[keys[done]].astype(float) if done >= 0 else None
    for task, key in zip(tasks[done + 1 :], keys[done + 1 :], strict=True):
        theta = task.train(theta)
        _remembered[key] = theta.astype(np.float32)  # in the precision of the training
        if len(_remembered) > _MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return cast(Array, theta)


def precisions(folds: Sequence[tuple[Array, NDArray[np.bool_]]], z: Array, noise: Array) -> tuple[float, float, Array]:
    """Return alpha and beta at the largest held-out evidence, and the scale by which known noise lowers beta at each point, (n,).

    Args:
        folds: see `held_out_evidence`; without folds, or with equal targets, defaults are returned.
        z: targets, (n,).
        noise: known variances of the targets, (n,).
    """
    alpha, beta = 1.0, FIRST_BETA
    if folds and z.any():
        for _ in range(3 if noise.any() else 1):  # the scale depends on beta; a few iterations converge
            alpha, beta = maximize(held_out_evidence(folds, z, precision_scale(noise, beta)))
    return alpha, beta, precision_scale(noise, beta)


def precision_scale(noise: Array, beta: float) -> Array:
    """Return s such that residuals have precision beta s: 1/(beta s) = 1/beta + noise."""
    scale: Array = 1.0 / (1.0 + beta * noise)
    return scale


def with_prior_mean(H: Array, V: Array) -> Array:
    """Return features of n points, (E, n, p): the activations H (E, n, D), 1, the inputs V (n, k), and their squares.

    The inputs and squares represent the paper's quadratic prior mean eta(x). The head determines its coefficients.
    """
    prior_mean = np.concatenate([np.ones((len(V), 1)), V, V * V], axis=1)
    return np.concatenate([H, np.broadcast_to(prior_mean, (len(H), *prior_mean.shape))], axis=2)


def _digest(*arrays: NDArray[Any] | None) -> str:
    """Return a short hash of the bits of the given arrays; None is skipped."""
    parts = hashlib.blake2b(digest_size=16)
    for array in (array for array in arrays if array is not None):
        parts.update(repr(array.shape).encode())
        parts.update(np.ascontiguousarray(array).tobytes())
    return parts.hexdigest()

"""Small fully connected networks, several at a time: forward pass, backward pass, and derivatives by the inputs.

Notation:
    E        networks, as stacked matrices
    n        points          k   inputs          h_l   activations of layer l, (E, n, width of l); h_0 = X, (n, k)
    theta    all parameters of all networks, flat: layer by layer W_l (E, in, out), then b_l (E, 1, out)
    h_l = activation(h_{l-1} W_l + b_l); the last layer is linear

The arithmetic is written once, with operations that numpy arrays and torch tensors share (see `training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyperspace.errors import InputError, shown
from hyperspace.surrogates.input_encoding import Features
from hyperspace.typing import Array

Layers = list[tuple[Any, Any]]

ACTIVATIONS = ("tanh", "relu", "elu")
# Initial weights and biases are uniform in +-gain / sqrt(in), which has the variance gain^2 / (3 in).
_GAINS = {"lecun": 3.0**0.5, "he": 6.0**0.5, "torch": 1.0}
INITIALIZATIONS = tuple(_GAINS)


class Architecture:
    """Architecture of a network.

    Args:
        sizes: number of inputs, widths of the hidden layers, number of outputs.
        activation: "tanh", "relu" or "elu".
        initialization: variance of the initial weights and biases: "lecun" 1/in, "he" 2/in, "torch" 1/(3 in), torch's default.
        shared: numbers of the layers that share one matrix and one bias.

    Raises:
        InputError: an unknown activation or initialization, or a layer without units.
    """

    def __init__(
        self, sizes: Sequence[int], activation: str = "tanh", initialization: str = "lecun", shared: Sequence[int] = ()
    ) -> None:
        if activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {shown(activation)}")
        if initialization not in INITIALIZATIONS:
            raise InputError(f"initialization must be one of {', '.join(INITIALIZATIONS)}, got {shown(initialization)}")
        if min(sizes) < 1:
            raise InputError(f"every layer needs at least one unit, got widths {tuple(sizes)}")
        self.sizes, self.activation, self.initialization = tuple(sizes), activation, initialization
        self._starts: list[int] = []
        self.n_parameters = 0  # of one network
        for layer, (fan_in, fan_out) in enumerate(self._shapes):
            if layer in shared[1:]:
                self._starts.append(self._starts[shared[0]])
                continue
            self._starts.append(self.n_parameters)
            self.n_parameters += (fan_in + 1) * fan_out

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def initial(self, rng: np.random.Generator, count: int = 1) -> Array:
        """Return initial parameters theta of `count` networks."""
        theta = np.empty(self.n_parameters * count)
        gain = _GAINS[self.initialization]
        for W, b in self.layers(theta, count):
            bound = gain / np.sqrt(W.shape[1])
            W[...] = rng.uniform(-bound, bound, W.shape)
            b[...] = rng.uniform(-bound, bound, b.shape)
        return theta

    def layers(self, theta: Any, count: int) -> Layers:
        """Return W (E, in, out) and b (E, 1, out) of each layer, as views of theta; shared layers are the same views."""
        views = []
        for start, (fan_in, fan_out) in zip(self._starts, self._shapes, strict=True):
            middle = start + fan_in * fan_out
            W = theta[start * count : middle * count].reshape(count, fan_in, fan_out)
            b = theta[middle * count : (middle + fan_out) * count].reshape(count, 1, fan_out)
            views.append((W, b))
        return views

    def select(self, theta: Array, networks: Sequence[int]) -> Array:
        """Return the parameters of some of the networks of theta, in the given order."""
        chosen = np.empty(self.n_parameters * len(networks))
        before = self.layers(theta, len(theta) // self.n_parameters)
        for (W, b), (old_W, old_b) in zip(self.layers(chosen, len(networks)), before, strict=True):
            W[...], b[...] = old_W[list(networks)], old_b[list(networks)]
        return chosen

    def forward(self, layers: Layers, X: Any) -> list[Any]:
        """Return h_0 ... h_L: the inputs X (n, k) and the activations of the hidden layers."""
        xp = library(X)
        activations = [X]
        for W, b in layers[:-1]:
            h = activations[-1] @ W
            h += b
            if self.activation == "tanh":
                xp.tanh(h, out=h)
            elif self.activation == "relu":
                h *= h > 0
            else:
                h = xp.where(h > 0, h, xp.expm1(h))
            activations.append(h)
        return activations

    def _slope(self, h: Any) -> Any:
        """Return the derivative of the activation where its value is h."""
        if self.activation == "tanh":
            return 1 - h * h
        return h > 0 if self.activation == "relu" else library(h).where(h > 0, 1, h + 1)

    def backward(self, layers: Layers, activations: Sequence[Any], delta: Any, gradients: Layers) -> None:
        """Add d loss / d theta to `gradients`, views of a flat array, for delta = d loss / d output (E, n, m)."""
        for level in range(len(layers) - 1, -1, -1):
            by_W, by_b = gradients[level]
            by_W += activations[level].swapaxes(-1, -2) @ delta
            by_b += delta.sum(-2)[:, None, :]
            if level:
                delta = (delta @ layers[level][0].swapaxes(-1, -2)) * self._slope(activations[level])

    def pullback(self, layers: Layers, activations: Sequence[Array], delta: Array) -> Array:
        """Return d s / d X, (E, n, k), for delta = d s / d h_L (E, n, width), s a sum of one term a point."""
        for level in range(len(activations) - 1, 0, -1):
            delta = (delta * self._slope(activations[level])) @ layers[level - 1][0].swapaxes(-1, -2)
        return delta


def output(architecture: Architecture, layers: Layers, X: Any) -> Any:
    """Return the outputs of the networks at inputs X (n, k), (E, n, m)."""
    W, b = layers[-1]
    return architecture.forward(layers, X)[-1] @ W + b


def library(array: Any) -> Any:
    """Return the module whose functions take this array: numpy or torch."""
    if isinstance(array, np.ndarray):
        return np
    import torch

    return torch


class Inputs:
    """Map from points to network inputs: the kernel's features, scaled to [-1, 1]; an indicator of a category is 0 or sqrt(2).

    Args:
        features: features of points in the unit cube.
    """

    def __init__(self, features: Features) -> None:
        self._features = features

    def __call__(self, X: Array) -> Array:
        """Return the inputs at X (q, d), (q, k)."""
        inputs: Array = 2.0 * self._features(X)
        return inputs

    def pullback(self, gradient: Array) -> Array:
        """Convert derivatives by the inputs (q, k) to derivatives by X (q, d); 0 in integer and categorical dimensions."""
        features = self._features
        by_point = np.zeros((len(gradient), features.d))
        by_point[:, features.continuous] = 2.0 * gradient[:, features.positions]
        return by_point

"""Training of networks: Adam on mini-batches, until the predictions of held-out points stop improving.

For such small networks overhead dominates. On a CPU, numpy with a hand-written gradient (`network`) takes a fifth (30 points) to
half (1,000 points) of the time of torch with autograd. Each rank also saves the import of torch (2 s, 180 MB). torch is used if a
device is given.

Notation: E networks, n points, k inputs, m outputs, as in `network`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hyperspace.errors import InputError, how_to_install, shown
from hyperspace.numerics import random_streams
from hyperspace.surrogates.networks.network import Architecture, output
from hyperspace.typing import Array

FOLDS = 4
_PROGRESS = 0.99  # factor of the loss that counts as progress


@dataclass(frozen=True, slots=True)
class Training:
    """Settings of `train`.

    Attributes:
        learning_rate: learning rate of Adam.
        max_steps: largest number of steps.
        batch_size: largest number of points in a step, so that the time of a step does not grow with n.
        patience: steps without progress after which training stops; at least as many as the best step took.
        check_every: steps between two evaluations of the held-out points.
        device: None for numpy, or a torch device: "cpu", "cuda", "cuda:1".
    """

    learning_rate: float = 3e-3
    max_steps: int = 1500
    batch_size: int = 256
    patience: int = 300
    check_every: int = 25
    device: str | None = None

    def __post_init__(self) -> None:
        if not self.learning_rate > 0.0:
            raise InputError(f"learning_rate must be positive, got {shown(self.learning_rate)}")
        for name in ("max_steps", "batch_size", "patience", "check_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        if self.device is not None:
            import_torch(self.device)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Training data of E networks.

    Attributes:
        inputs: (n, k).
        targets: (n, m).
        weights: weights of the squared errors, (n, m).
        held_out: True for the held-out points of each network, (E, n).
    """

    inputs: Array
    targets: Array
    weights: Array
    held_out: NDArray[np.bool_]


class _Adam:
    """Adam (Kingma and Ba 2015, algorithm 1), in place."""

    def __init__(self, theta: Any, rate: float) -> None:
        self._theta, self._rate = theta, rate
        self._first, self._second, self._step = theta * 0, theta * 0, 0

    def step(self, gradient: Any) -> None:
        self._step += 1
        self._first *= 0.9
        self._first += 0.1 * gradient
        self._second *= 0.999
        self._second += 0.001 * gradient * gradient
        scale = (self._second * (1.0 / (1.0 - 0.999**self._step))) ** 0.5 + 1e-8
        self._theta -= (self._rate / (1.0 - 0.9**self._step)) * self._first / scale


@contextmanager
def _one_thread(device: str | None) -> Iterator[None]:
    """Limit torch to one thread within the block: such small networks are slower with more."""
    if device is None:
        yield
        return
    torch = import_torch(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train(
    architecture: Architecture, theta: Array, data: Data, training: Training, rng: np.random.Generator
) -> tuple[Array, int]:
    """Return the parameters of E networks at the step with the best prediction of held-out points, and that step.

    The sum of the errors of all networks selects one step for all. Without held-out points, `patience` steps are made.

    Args:
        architecture: architecture of each network.
        theta: initial parameters.
        data: the training data.
        training: settings.
        rng: generator of the mini-batches.
    """
    with _one_thread(training.device):
        return _train(architecture, theta, data, training, rng)


def _train(
    architecture: Architecture, theta: Array, data: Data, training: Training, rng: np.random.Generator
) -> tuple[Array, int]:
    count, n = data.held_out.shape
    put = _placement(training.device)
    inputs, targets, theta = put(data.inputs), put(data.targets), put(theta)
    seen = put(data.weights * ~data.held_out[:, :, None])
    layers = architecture.layers(theta, count)
    gradient = theta * 0
    gradients = architecture.layers(gradient, count)
    adam = _Adam(theta, training.learning_rate)
    watched = np.flatnonzero(data.held_out.any(axis=0))
    if len(watched):
        watched_inputs, watched_targets = put(data.inputs[watched]), put(data.targets[watched])
        tested = put((data.weights * data.held_out[:, :, None])[:, watched])
    best, best_step, least = theta * 1, 0, np.inf
    last = training.max_steps if len(watched) else min(training.patience, training.max_steps)
    batches = _batches(n, min(n, training.batch_size), rng)
    for step in range(last + 1):
        if len(watched) and step % training.check_every == 0:
            loss = float((tested * (output(architecture, layers, watched_inputs) - watched_targets) ** 2).sum())
            if loss < _PROGRESS * least:
                best_step, least = step, loss
                best[:] = theta
            elif step - best_step >= max(training.patience, best_step):
                break
        if step == last:
            break
        rows, size = batches(step)
        activations = architecture.forward(layers, inputs[rows])
        W, b = layers[-1]
        delta = (activations[-1] @ W + b - targets[rows]) * seen[:, rows] * (2.0 / size)
        gradient *= 0
        architecture.backward(layers, activations, delta, gradients)
        adam.step(gradient)
    if not len(watched):
        best, best_step = theta, last
    return _fetch(best), best_step


def _batches(n: int, size: int, rng: np.random.Generator) -> Callable[[int], tuple[Any, int]]:
    """Return a function that gives the rows of a step and their number. Every point is used once per random pass."""
    if size == n:
        return lambda step: (slice(None), n)
    order = rng.permutation(n)

    def rows(step: int) -> tuple[Any, int]:
        nonlocal order
        position = step * size % n
        if position < size and step:
            order = rng.permutation(n)
        return np.take(order, range(position, position + size), mode="wrap"), size

    return rows


def _placement(device: str | None) -> Callable[[Array], Any]:
    """Return the conversion of an array to the single-precision array or tensor of the computation."""
    if device is None:
        return lambda array: np.array(array, dtype=np.float32)
    torch = import_torch(device)
    return lambda array: torch.tensor(array, dtype=torch.float32, device=device)


def _fetch(theta: Any) -> Array:
    return np.asarray(theta if isinstance(theta, np.ndarray) else theta.cpu().numpy(), dtype=float)


def import_torch(device: str) -> Any:
    """Return torch.

    Raises:
        InputError: torch is not installed, or the device does not exist.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(f"device={device!r} needs torch; {how_to_install('dnn')}, or leave device out") from error
    try:
        torch.empty(1, device=device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device={device!r} cannot be used here ({reason}); leave device out to train on the CPU") from error
    return torch


def fold_of(n: int, random_state: int) -> NDArray[np.intp]:
    """Return the fold of each of n points, (n,): of every four points one is in each fold, in random order.

    The folds of the first points do not depend on n, so that a held-out point stays held out.
    """
    drawn = random_streams.stream(random_state, random_streams.MODEL).random((-(-n // FOLDS), FOLDS))
    return np.argsort(drawn, axis=1).ravel()[:n]

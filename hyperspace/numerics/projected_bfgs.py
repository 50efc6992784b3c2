"""Gradient ascent in a box from several points at once: projected BFGS, batched over the points.

An evaluation of an acquisition costs a few dozen numpy calls for any number of points. So all points ascend together.

Notation:
    B, d   points, coordinates         X, G   points and gradients, (B, d)
    H      approximations of the inverse of minus the Hessian, (B, d, d)
    t      length of the next step along the direction P, (B,)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hyperspace.typing import Array

_ARMIJO = 1e-4  # share of the linear gain that a step must reach
_FIRST_STEP = 0.1  # length of the first move, in units of `scales`
_SHORTEST = 1e-7  # length of a move at convergence, in units of `scales`


def ascend(
    function: Callable[[Array], tuple[Array, Array]],
    X: Array,
    lower: Array,
    upper: Array,
    scales: Array,
    max_evaluations: int,
    tolerance: float = 1e-4,
) -> tuple[Array, Array]:
    """Ascend from each row of X within the box; return the points reached (B, d) and their values (B,).

    Args:
        function: returns values (b,) and gradients (b, d) at points (b, d).
        X: starting points within the box.
        lower: lower ends of the box, (d,).
        upper: upper ends, (d,).
        scales: typical lengths of the coordinates, (d,), all positive: the metric of the first step.
        max_evaluations: calls of `function`.
        tolerance: gain of a full step at convergence.
    """
    lower, upper = lower / scales, upper / scales  # the scales are the units from here on
    X = np.clip(X / scales, lower, upper)
    f, G = function(X * scales)
    G = G * scales
    reached, values = X.copy(), f.copy()
    rows = np.arange(len(X))  # rows that have not converged
    H = np.zeros((*X.shape, X.shape[1]))
    curved = np.zeros(len(X), dtype=bool)  # whether H holds curvature
    t = np.ones(len(X))
    P = _direction(X, G, H, curved, lower, upper)
    for _ in range(max_evaluations - 1):
        trial = np.minimum(np.maximum(X + t[:, None] * P, lower), upper)
        S = trial - X
        f_trial, G_trial = function(trial * scales)
        G_trial = G_trial * scales
        with np.errstate(invalid="ignore"):  # from -inf to -inf, where a sample allows neither point: no gain
            gain, linear = f_trial - f, _dots(G, S)
        accepted = gain >= np.maximum(_ARMIJO * linear, 0.0)
        done = np.abs(S).max(axis=1) < _SHORTEST
        done |= accepted & (gain < tolerance) & (t == 1.0)
        _update(H, S, G - G_trial, accepted, curved)
        if accepted.all():
            X, f, G = trial, f_trial, G_trial
            P, t = _direction(X, G, H, curved, lower, upper), np.ones(len(X))
        else:
            X, G = (np.where(accepted[:, None], new, old) for new, old in ((trial, X), (G_trial, G)))
            f = np.where(accepted, f_trial, f)
            P = np.where(accepted[:, None], _direction(X, G, H, curved, lower, upper), P)
            with np.errstate(over="ignore"):  # after a steep step without gain; `clip` handles it
                peak = 0.5 * linear / np.maximum(linear - gain, 1e-300)  # of the parabola through both values and the slope
            t = np.where(accepted, 1.0, t * np.clip(np.nan_to_num(peak, nan=0.1), 0.1, 0.5))
        reached[rows], values[rows] = X, f
        if done.any():
            climbing = ~done
            if not climbing.any():
                break
            rows, X, f, G, H, curved, t, P = (array[climbing] for array in (rows, X, f, G, H, curved, t, P))
    return reached * scales, values


def _dots(A: Array, B: Array) -> Array:
    """Return the scalar products of the rows, (B,)."""
    dots: Array = np.einsum("ij,ij->i", A, B)
    return dots


def _direction(X: Array, G: Array, H: Array, curved: NDArray[np.bool_], lower: Array, upper: Array) -> Array:
    """Return H g in the coordinates not held by the box; if that descends or H is empty, a short step along g."""
    held = ((lower >= X) & (G < 0.0)) | ((upper <= X) & (G > 0.0))
    G = np.where(held, 0.0, G)
    newton = np.where(held, 0.0, np.matmul(H, G[:, :, None])[:, :, 0])
    usable = curved & (_dots(newton, G) > 0.0)
    if usable.all():
        return newton
    steepest = G * (_FIRST_STEP / np.maximum(np.sqrt(_dots(G, G)), 1e-300))[:, None]
    return np.where(usable[:, None], newton, steepest)


def _update(H: Array, S: Array, Y: Array, accepted: NDArray[np.bool_], curved: NDArray[np.bool_]) -> None:
    """Update H and `curved` in place with the steps S and the changes Y of minus the gradient (BFGS), if s.y is positive."""
    sy, yy = _dots(S, Y), _dots(Y, Y)
    use = accepted & (sy > 1e-8 * np.sqrt(_dots(S, S) * yy)) & (yy > 0.0)  # for tiny gradients yy underflows
    if not use.any():
        return
    first = use & ~curved
    if first.any():  # the first curvature sets the size of H
        H[first] = (sy[first] / yy[first])[:, None, None] * np.eye(H.shape[1])
    rho = np.where(use, 1.0 / np.where(use, sy, 1.0), 0.0)
    HY = np.matmul(H, Y[:, :, None])[:, :, 0]
    # H + (1 + rho y.Hy) rho s s^T - rho (Hy s^T + s Hy^T), as (c s - Hy) (rho s)^T - (rho s) Hy^T
    left = (1.0 + rho * _dots(Y, HY))[:, None] * S - HY
    scaled = rho[:, None] * S
    H += left[:, :, None] * scaled[:, None, :]
    H -= scaled[:, :, None] * HY[:, None, :]
    curved |= use

"""Gradient ascent of a function in a box from several points at once: projected BFGS, batched over the points.

Each evaluation of an acquisition costs a few dozen numpy calls, whatever the number of points; so all starts climb together.

Notation:
    B, d   points, coordinates         X, g   points and gradients, (B, d)
    H      approximations of the inverse of minus the Hessian, (B, d, d)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyperspace.trial import Array

_ARMIJO = 1e-4
_FIRST_STEP = 0.1  # longest first move, in units of `scales`
_SHORTEST = 1e-7  # in units of `scales`: below it a point has arrived


def ascend(
    function: Callable[[Array], tuple[Array, Array]],
    X: Array,
    lower: Array,
    upper: Array,
    scales: Array,
    max_evaluations: int,
    tolerance: float = 1e-5,
) -> tuple[Array, Array]:
    """Climb from each row of X within the box; return the points reached (B, d) and their values (B,).

    Args:
        function: returns values (b,) and gradients (b, d) at points (b, d).
        X: where to start, within the box.
        lower: lower ends of the box, (d,).
        upper: upper ends, (d,); a coordinate whose ends are equal stays where it is.
        scales: typical lengths of the coordinates, (d,), all positive: the metric of the first step.
        max_evaluations: calls of `function`.
        tolerance: a point that a full step raises by less has arrived.
    """
    X = X.copy()
    values, g = function(X)
    best_X, best_values = X, values
    everyone = np.arange(len(X))
    best_X, best_values = X.copy(), values.copy()
    H = np.zeros((len(X), X.shape[1], X.shape[1]))
    fresh = np.ones(len(X), dtype=bool)  # no curvature known yet
    t = np.ones(len(X))
    direction = np.empty_like(X)
    for _ in range(max_evaluations - 1):
        new = t == 1.0  # the others go on with a shorter step in the direction that they have
        free = ~(((lower >= X) & (g <= 0.0)) | ((upper <= X) & (g >= 0.0)))
        gradient = np.where(free, g, 0.0)
        steepest = gradient * scales**2
        norm = np.sqrt((gradient * steepest).sum(axis=1))
        first = steepest * (_FIRST_STEP / np.maximum(norm, 1e-300))[:, None]
        newton = np.where(free, np.matmul(H, gradient[:, :, None])[:, :, 0], 0.0)
        uphill = (newton * gradient).sum(axis=1) > 0.0
        chosen = np.where((fresh | ~uphill)[:, None], first, newton)
        direction = np.where(new[:, None], chosen, direction)
        trial = np.clip(X + t[:, None] * direction, lower, upper)
        step = trial - X
        moved = np.abs(step / scales).max(axis=1) > _SHORTEST
        going = moved & (norm > 0.0)
        if not going.all():
            everyone, X, values, g, H, fresh, t, direction, trial, step, gradient = (
                array[going] for array in (everyone, X, values, g, H, fresh, t, direction, trial, step, gradient)
            )
            if len(X) == 0:
                break
        trial_values, trial_g = function(trial)
        gain = trial_values - values
        accepted = gain >= _ARMIJO * (g * step).sum(axis=1)
        y = g - trial_g  # of minus the function, which is minimised
        _update(H, step, y, accepted, fresh, scales)
        fresh &= ~accepted
        arrived = accepted & (gain < tolerance) & (t == 1.0)
        slope = np.maximum((gradient * direction).sum(axis=1) * t, 1e-300)
        shrink = np.clip(0.5 * slope / np.maximum(slope - gain, 1e-300), 0.1, 0.5)  # maximum of the parabola through both
        t = np.where(accepted, 1.0, t * np.where(np.isfinite(shrink), shrink, 0.1))
        X = np.where(accepted[:, None], trial, X)
        values = np.where(accepted, trial_values, values)
        g = np.where(accepted[:, None], trial_g, g)
        best_X[everyone], best_values[everyone] = X, values
        if arrived.any():
            stay = ~arrived
            everyone, X, values, g, H, fresh, t, direction = (
                array[stay] for array in (everyone, X, values, g, H, fresh, t, direction)
            )
            if len(X) == 0:
                break
    return best_X, best_values


def _update(H: Array, s: Array, y: Array, accepted: Array, fresh: Array, scales: Array) -> None:
    """Update H in place by the step s and the change of gradient y where the curvature s.y is positive (BFGS)."""
    curvature = (s * y).sum(axis=1)
    size = np.sqrt((s * s).sum(axis=1) * (y * y).sum(axis=1))
    use = accepted & (curvature > 1e-8 * size)
    if not use.any():
        return
    start = use & fresh  # the first curvature sets the size of H in the metric of the scales
    if start.any():
        metric = scales**2
        sizes = curvature[start] / np.maximum((y[start] ** 2 * metric).sum(axis=1), 1e-300)
        H[start] = sizes[:, None, None] * np.diag(metric)
    rho = np.where(use, 1.0 / np.where(use, curvature, 1.0), 0.0)
    HY = np.matmul(H, y[:, :, None])[:, :, 0]
    cross = (rho[:, None] * HY)[:, :, None] * s[:, None, :]
    outer = ((rho + rho * rho * (y * HY).sum(axis=1))[:, None] * s)[:, :, None] * s[:, None, :]
    H += outer - cross - cross.transpose(0, 2, 1)

"""The standard normal distribution in the far tails: the functions that expected improvements are made of.

Notation:
    phi, Phi   density and distribution of the standard normal        h   phi(z) + z Phi(z), the integral of Phi up to z

For y with mean mu and standard deviation sigma, E[(u - y)+] = sigma h((u - mu) / sigma). See Ament et al., "Unexpected
Improvements to Expected Improvement", 2023.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx

from hyperspace.typing import Array

LARGEST = 30.0  # above it phi is negligible relative to z
LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_FAR = -50.0  # below it the expansion of h is accurate to 1e-11, and the exact form loses digits


def mills(z: Array) -> tuple[Array, Array]:
    """Return m = Phi(z)/phi(z) and b = h(z)/phi(z) = 1 + z m, for z up to LARGEST."""
    near = np.maximum(z, _FAR)
    m = math.sqrt(0.5 * math.pi) * erfcx(near * -math.sqrt(0.5))
    b = 1.0 + near * m
    far = z < _FAR
    if far.any():  # b = z^-2 (1 - 3 z^-2 + 15 z^-4 - 105 z^-6 + ...): the 1 and z m would cancel
        square = 1.0 / np.minimum(z, _FAR) ** 2
        b = np.where(far, square * (1.0 - square * (3.0 - square * (15.0 - 105.0 * square))), b)
        m = np.where(far, (b - 1.0) / np.minimum(z, _FAR), m)
    return m, b


def log_h(z: Array) -> Array:
    """Return log(phi(z) + z Phi(z)), accurate for every z (Ament et al. 2023, eq. 9, in other terms)."""
    small = np.minimum(z, LARGEST)
    value = np.log(mills(small)[1]) - 0.5 * small * small - LOG_SQRT_2PI
    return value + np.log(np.maximum(z, LARGEST) / LARGEST)  # h(z) = z, to all digits, from LARGEST on

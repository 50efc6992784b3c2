"""Probabilities that random subsamples of a study's trials attain given values; for random search, of shorter searches.

They are exact, by counting (hypergeometric distribution), so that no subsamples are drawn.

Notation:
    N, n   trials, and trials of a subsample drawn without replacement
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from hyperspace.errors import InputError, shown
from hyperspace.space.values import is_whole
from hyperspace.typing import Array


def attainment(Y: Array, targets: Array, n: int) -> Array:
    """Return the probability that one of n trials is at least as good as a target in all goals.

    With K such trials among N it is 1 - C(N - K, n) / C(N, n).

    Args:
        Y: losses of the trials, (N, m); inf for a trial that does not count, such as a failed one.
        targets: losses to attain, (k, m).
        n: number of trials of a subsample, from 1 to N.

    Returns:
        Probabilities, (k,).

    Raises:
        InputError: n is not such a number.
    """
    _check(n, len(Y))
    K = np.array([(target >= Y).all(axis=1).sum() for target in targets])
    return np.asarray(1.0 - _ratio(len(Y), K, n))


def front_probability(Y: Array, n: int) -> Array:
    """Return for each trial the probability that it is among n trials, and on their front, (N,).

    With K trials that dominate it, it is n/N C(N - 1 - K, n - 1) / C(N - 1, n - 1).

    Args:
        Y: losses of the trials, (N, m); inf for a trial that does not count.
        n: number of trials of a subsample, from 1 to N.

    Raises:
        InputError: n is not such a number.
    """
    _check(n, len(Y))
    K = np.array([((y >= Y).all(axis=1) & (y > Y).any(axis=1)).sum() for y in Y])
    probability = n / len(Y) * _ratio(len(Y) - 1, K, n - 1)
    return np.where(np.isfinite(Y).all(axis=1), probability, 0.0)


def _ratio(N: int, K: Array, n: int) -> Array:
    """Return C(N - K, n) / C(N, n), the probability that none of K trials is among n of N."""
    left = np.maximum(N - K - n, 0)
    logs = gammaln(N - K + 1.0) - gammaln(left + 1.0) - gammaln(N + 1.0) + gammaln(N - n + 1.0)
    return np.where(N - K - n >= 0, np.exp(logs), 0.0)


def _check(n: int, N: int) -> None:
    if not is_whole(n) or not 1 <= n <= N:
        raise InputError(f"n must be a whole number from 1 to the {N} trials, got {shown(n)}")

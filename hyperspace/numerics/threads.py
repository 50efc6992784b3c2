"""Limit of one BLAS thread per rank during a suggestion; the objective's own threads are not limited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # its BLAS is a separate library, which can only be found after loading

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numpy and scipy use one thread within the block."""
    with _controller().limit(limits=1):
        yield

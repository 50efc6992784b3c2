"""One BLAS thread a rank while it suggests; the objective's own threads are left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # its BLAS is a library of its own, which must be loaded to be found

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let numpy and scipy use one thread within the block."""
    with _controller().limit(limits=1):
        yield

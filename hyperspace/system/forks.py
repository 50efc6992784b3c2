"""Guard against child processes that the user's code forks: they must not continue the study.

A child is a copy of its parent, and would write the same files and answer the same messages. A child that leaves the user's code,
by `return`, an exception or `sys.exit`, is ended.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

T = TypeVar("T")


def call(function: Callable[..., T], *arguments: object, **named: object) -> T:
    """Return the result of a user's function in this process; a forked child that leaves the function is ended.

    Raises:
        BaseException: any exception of the function.
    """
    with children_end():
        return function(*arguments, **named)


@contextmanager
def children_end() -> Iterator[None]:
    """End a process that leaves the block without having entered it."""
    process = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != process:
            _end_child(error)
        raise
    if os.getpid() != process:
        _end_child(None)


def _end_child(error: BaseException | None) -> NoReturn:
    """End this process like a program, but without the exit handlers of its parent."""
    code = 0 if error is None else 1
    try:
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        elif error is not None:
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 0xFF)

"""Children that the user's code forks from the process of a study: none of them goes on with the study.

A child is a copy of its parent, and would write the same files and answer the same messages. One that comes back from the user's
code, by `return`, an exception or `sys.exit`, ends there.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

T = TypeVar("T")


def call(function: Callable[..., T], *arguments: object) -> T:
    """Return what a function of the user's returns in this process; a child that it has forked ends here, if it comes back.

    Raises:
        BaseException: whatever the function raises.
    """
    with children_end():
        return function(*arguments)


@contextmanager
def children_end() -> Iterator[None]:
    """End here whatever leaves the block in another process than the one that has entered it."""
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
    """End this process as Python would end a program, but without what is to happen at the end of its parent."""
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

"""Floating-point state of the package, independent of the user's settings.

`np.seterr(all="raise")`, `python -W error` and `warnings.simplefilter("error")` help a user to find faults in the objective. In
the package's own computations, an expected overflow or a library's warning would then end the study. So the package computes in
numpy's default state, with warnings that are shown instead of raised. The objective and the callback run in the user's state.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

_DEFAULTS: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}

# The tests set this, so that a warning in the package's own computations is an error there.
warnings_may_raise = False


@dataclass
class _Users:
    """State set by the user's program."""

    errors: dict[str, Any]
    filters: list[Any]


_users: ContextVar[_Users | None] = ContextVar("what the user's program has set", default=None)


@contextmanager
def own_numerics() -> Iterator[None]:
    """Compute in the package's state within the block. It can also be used as a decorator; nested blocks have no effect."""
    if _users.get() is not None:
        yield
        return
    kept = _Users(dict(np.geterr()), list(warnings.filters))
    token = _users.set(kept)
    np.seterr(**_DEFAULTS)
    try:
        with ExitStack() as held:
            _show_what_would_raise(held)
            yield
    finally:
        np.seterr(**kept.errors)
        _users.reset(token)


@contextmanager
def users_numerics() -> Iterator[None]:
    """Call the user's code in the user's state within the block, and keep its changes to numpy's state."""
    kept = _users.get()
    if kept is None:
        yield
        return
    token = _users.set(None)
    ours = np.seterr(**kept.errors)
    try:
        with ExitStack() as held:
            if _raising(kept.filters) and not warnings_may_raise:
                held.enter_context(warnings.catch_warnings())
                warnings.filters = list(kept.filters)
            yield
    finally:
        kept.errors = dict(np.seterr(**ours))
        _users.reset(token)


UsersState = tuple[dict[str, Any], list[Any]]


def users_state() -> UsersState:
    """Return the state of the user's program, for another process: numpy's error handling and warning filters."""
    kept = _users.get()
    errors, filters = (np.geterr(), warnings.filters) if kept is None else (kept.errors, kept.filters)
    parts = [(action, _pattern(message), category, _pattern(module), line) for action, message, category, module, line in filters]
    return dict(errors), parts


def take_over(state: UsersState) -> None:
    """Set the state that `users_state` returned in another process."""
    errors, filters = state
    np.seterr(**errors)
    warnings.resetwarnings()
    for action, message, category, module, line in reversed(filters):
        warnings.filterwarnings(action, message, category, module, line)


def _show_what_would_raise(held: ExitStack) -> None:
    """Show warnings that the user's program turns into errors, while `held` is open.

    The filters apply to all threads of a process, so they are changed only if one of them raises.
    """
    raising = _raising(warnings.filters)
    if not raising or warnings_may_raise:
        return
    held.enter_context(warnings.catch_warnings())
    for _, message, category, module, line in reversed(raising):
        warnings.filterwarnings("default", _pattern(message), category, _pattern(module), line)


def _raising(filters: Any) -> list[Any]:
    return [entry for entry in filters if entry[0] == "error"]


def _pattern(kept: Any) -> str:
    """Return the regular expression of a filter's part as text; "" for a filter that matches everything."""
    return "" if kept is None else str(getattr(kept, "pattern", kept))

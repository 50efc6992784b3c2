"""The state in which this package computes, whatever the user's program has set.

`np.seterr(all="raise")`, `python -W error` and `warnings.simplefilter("error")` help a user to find faults in the objective.
In our own computing an overflow that is expected, or a warning of a library, would end the study. So whatever begins to compute
here does it in numpy's own default state and with warnings that are shown, not raised; the objective and the callback get back
what the user has set.
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

# The tests set this, so that a warning in our own computing is an error there.
warnings_may_raise = False


@dataclass
class _Users:
    """What the user's program has set."""

    errors: dict[str, Any]
    filters: list[Any]


_users: ContextVar[_Users | None] = ContextVar("what the user's program has set", default=None)


@contextmanager
def own_numerics() -> Iterator[None]:
    """Compute in our own state within the block; also a decorator. Within another such block it changes nothing."""
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
    """Call the user's code in the user's own state within the block, and keep what it sets of numpy's."""
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
    """Return what the user's program has set, for another process to take over: numpy's error handling and warning filters."""
    kept = _users.get()
    errors, filters = (np.geterr(), warnings.filters) if kept is None else (kept.errors, kept.filters)
    parts = [(action, _pattern(message), category, _pattern(module), line) for action, message, category, module, line in filters]
    return dict(errors), parts


def take_over(state: UsersState) -> None:
    """Set here what `users_state` returned elsewhere."""
    errors, filters = state
    np.seterr(**errors)
    warnings.resetwarnings()
    for action, message, category, module, line in reversed(filters):
        warnings.filterwarnings(action, message, category, module, line)


def _show_what_would_raise(held: ExitStack) -> None:
    """Let warnings be shown that the user's program turns into errors, as long as `held` is open.

    The filters belong to all threads of a process, so that they are left alone where none of them raises.
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
    """Return the regular expression of a filter's part as text; "" for one that matches everything."""
    return "" if kept is None else str(getattr(kept, "pattern", kept))

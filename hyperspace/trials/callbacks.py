"""Several callbacks as one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.space.values import is_true
from hyperspace.trials.trial import Trial

Callback = Callable[[Trial], object]


def as_one(callback: Any) -> Callback | None:
    """Return the one callback that stands for what a user passed: None, a function, or a list of functions.

    Raises:
        InputError: something else, a class, or a function that cannot take one argument.
    """
    if callback is None:
        return None
    if not isinstance(callback, (list, tuple)):
        _check_callable(callback)
        only: Callback = callback
        return only
    for each in callback:
        _check_callable(each)
    return Callbacks(callback) if callback else None


def _check_callable(callback: Any) -> None:
    """Refuse a callback that cannot be called with a trial.

    Raises:
        InputError: it is a class, a pruning rule or no function, or takes another number of arguments than one.
    """
    if hasattr(callback, "prunes"):
        name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
        raise InputError(f"{name} is a pruning rule, no callback; pass it as pruner={name}()")
    if not callable(callback):
        raise InputError(f"callback must be a function of a trial, or a list of such functions, got {shown(callback)}")
    if isinstance(callback, type):
        raise InputError(f"callback is the class {callback.__name__}; pass an object of it, {callback.__name__}(...)")
    try:
        signature = inspect.signature(callback)
    except (TypeError, ValueError):  # a built-in or extension function that does not tell
        return
    try:
        signature.bind(None)
    except TypeError:
        name = getattr(callback, "__name__", type(callback).__name__)
        raise InputError(
            f"callback is called as callback(trial), and {name}{signature} cannot be called with one argument"
        ) from None


class Callbacks:
    """Calls each of several callbacks with every trial; one that returns True ends the study.

    Args:
        callbacks: called in this order.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)

    def __call__(self, trial: Trial) -> bool:
        """Return whether one of them ends the study with this trial."""
        answers = [is_true(callback(trial)) for callback in self._callbacks]  # of each, whatever another one says
        return any(answers)

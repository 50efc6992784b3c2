"""Combination of several callbacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hyperspace.errors import InputError, refuse_class, shown
from hyperspace.space.values import is_true
from hyperspace.trials.trial import Trial

Callback = Callable[[Trial], object]


def as_one(callback: Any) -> Callback | None:
    """Return one callback for the user's argument: None, a function, or a list of functions.

    Raises:
        InputError: another type, a class, or a function that cannot take one argument.
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
    """Check that a callback can be called with a trial.

    Raises:
        InputError: it is a class, a pruning rule or not a function, or it does not take exactly one argument.
    """
    if hasattr(callback, "prunes"):
        name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
        raise InputError(f"{name} is a pruning rule, no callback; pass it as pruner={name}()")
    if not callable(callback):
        raise InputError(f"callback must be a function of a trial, or a list of such functions, got {shown(callback)}")
    refuse_class("callback", callback)
    try:
        signature = inspect.signature(callback)
    except (TypeError, ValueError):  # a built-in or extension function without a signature
        return
    try:
        signature.bind(None)
    except TypeError:
        name = getattr(callback, "__name__", type(callback).__name__)
        raise InputError(
            f"callback is called as callback(trial), and {name}{signature} cannot be called with one argument"
        ) from None


class Callbacks:
    """Callback that calls several callbacks with every trial; one that returns True ends the study.

    Args:
        callbacks: the callbacks, called in this order.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)

    def __call__(self, trial: Trial) -> bool:
        """Return whether one of them ends the study with this trial."""
        answers = [is_true(callback(trial)) for callback in self._callbacks]  # call all, whatever another one returns
        return any(answers)

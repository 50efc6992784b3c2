"""Several callbacks as one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
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
    if callback is None or callable(callback):
        if callback is not None:
            _check_callable(callback)
        only: Callback | None = callback
        return only
    if not isinstance(callback, (list, tuple)) or not all(callable(each) for each in callback):
        raise InputError(f"callback must be a function of a trial, or a list of such functions, got {shown(callback)}")
    for each in callback:
        _check_callable(each)
    return Callbacks(callback) if callback else None


def _check_callable(callback: Any) -> None:
    """Refuse a callback that cannot be called with a trial.

    Raises:
        InputError: it is a class, or takes another number of arguments than one.
    """
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
        callbacks: called in this order. What one of them has beside the call, `after_round` or `prunes`, is used as if it were
            alone.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = tuple(callbacks)
        self._methods = {name: self._those_with(name) for name in ("after_round", "prunes")}

    def _those_with(self, name: str) -> list[Callable[..., Any]]:
        methods = (getattr(callback, name, None) for callback in self._callbacks)
        return [method for method in methods if method is not None]

    def __call__(self, trial: Trial) -> bool:
        """Return whether one of them ends the study with this trial."""
        answers = [is_true(callback(trial)) for callback in self._callbacks]  # of each, whatever another one says
        return any(answers)

    @property
    def after_round(self) -> Callable[[Sequence[Trial]], bool] | None:
        """Tells whether one of them ends the study with a round; None if none of them is asked after rounds."""
        asked = self._methods["after_round"]

        def after_round(trials: Sequence[Trial]) -> bool:
            answers = [is_true(ask(trials)) for ask in asked]
            return any(answers)

        return after_round if asked else None

    @property
    def prunes(self) -> Callable[[Mapping[int, float], Sequence[Mapping[int, float]]], bool] | None:
        """Tells whether one of them ends an evaluation; None if none of them does that."""
        asked = self._methods["prunes"]
        return (lambda curve, peers: any(ask(curve, peers) for ask in asked)) if asked else None

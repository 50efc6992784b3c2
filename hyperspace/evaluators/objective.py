"""The user's objective: its name, and whether it takes the trial's handle."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, cast

from hyperspace.errors import InputError, shown
from hyperspace.evaluators.handle import TrialHandle
from hyperspace.study.checks import name_of

Function = Callable[..., Any]
_MOST_WRAPPED = 50  # largest number of nested decorators that are examined


class Objective:
    """Objective of a study, made once for each call of hyperdrive.

    Args:
        function: function(parameters), or function(parameters, trial). Any value is accepted here; see `check`.
        n_arguments: number of arguments before the handle.

    Attributes:
        function: the same.
        name: its name in the fingerprint and in messages.
        takes_handle: whether it takes the trial's handle.
    """

    def __init__(self, function: Function, n_arguments: int = 1) -> None:
        self.function = function
        self.name = name_of(function)
        self.takes_handle = callable(function) and takes_handle(function, n_arguments)

    def __call__(self, *arguments: Any, handle: TrialHandle) -> Any:
        """Return the function's value; the handle is passed as the last argument if the function takes it."""
        return self.function(*arguments, handle) if self.takes_handle else self.function(*arguments)

    @property
    def learns_budget(self) -> bool:
        """Whether it gets the trial's budget, with the handle."""
        return self.takes_handle

    def check(self) -> None:
        """Check that it is a function.

        Raises:
            InputError: it is not.
        """
        if not callable(self.function):
            raise InputError(f"objective must be a function of the parameters, got {shown(self.function)}")


def takes_handle(function: Function, position: int = 1) -> bool:
    """Return whether a function takes the trial's handle as its positional argument number `position`, counted from 0.

    That argument must be required, or be called "trial". A decorated function is judged by the wrapper's own signature, since a
    decorator may add arguments. If that leaves the position to *args, or is unknown, the wrapped function is examined. There only
    the name "trial" counts.
    """
    for depth in range(_MOST_WRAPPED):
        parameters = _parameters(function)
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len(positional) > position:
            parameter = positional[position]
            return parameter.name == "trial" or (depth == 0 and parameter.default is inspect.Parameter.empty)
        if parameters and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return False
        inner = _wrapped(function)
        if inner is None:
            return False
        function = inner
    return False


def _parameters(function: Function) -> list[inspect.Parameter]:
    """Return the parameters of the function itself; none for a built-in or extension function without a signature."""
    try:
        return list(inspect.signature(function, follow_wrapped=False).parameters.values())
    except (TypeError, ValueError):
        return []


def _wrapped(function: Function) -> Function | None:
    """Return the function that a decorated function, method, partial or object with __call__ wraps, if it is known."""
    if isinstance(function, functools.partial):
        inner = _wrapped(function.func)
        return None if inner is None else functools.partial(inner, *function.args, **function.keywords)
    if inspect.ismethod(function):
        inner = getattr(function.__func__, "__wrapped__", None)
        return types.MethodType(inner, function.__self__) if callable(inner) else None
    inner = getattr(function, "__wrapped__", None)
    if callable(inner):
        return cast("Function", inner)
    call = getattr(function, "__call__", None)  # noqa: B004 - the bound method is wanted
    return _wrapped(call) if inspect.ismethod(call) else None

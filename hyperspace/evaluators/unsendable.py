"""Reasons why an objective cannot be sent to a worker: the value at fault, and its kind."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hyperspace.errors import message_of
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.sending import Unsendable, check_sendable, is_refused, values_of
from hyperspace.space.space import Space
from hyperspace.study.checks import name_of

_DEEPEST = 20  # largest number of steps from the objective to the value
_MOST_ITEMS = 1000  # largest number of examined items of a container

Part = tuple[str, Any]  # a name in the user's program, and the value


def explain(objective: Objective, space: Space, error: Exception) -> str:
    """Return the value of an objective or a space that cannot be sent, and a remedy, as the end of a sentence.

    Args:
        objective: the objective.
        space: the search space.
        error: the exception of pickling them.
    """
    with suppress(Exception):  # an object of the user's that cannot be examined
        for label, thing in ((objective.name, objective.function), *values_of(space)):
            if _fault_of(thing) is not None:
                return _explain(label, thing)
    return _first_line(error)


def _explain(label: str, thing: Any) -> str:
    user = None
    seen = {id(thing)}
    for _ in range(_DEEPEST):
        found = next((part for part in _parts(label, thing) if id(part[1]) not in seen and _fault_of(part[1]) is not None), None)
        if found is None:
            break
        user = thing.__qualname__ if isinstance(thing, types.FunctionType) else user
        label, thing = found
        seen.add(id(thing))
    told = label if user is None else f"{label}, which {user} uses,"
    return (
        f"{told} is {_kind_of(thing)} and cannot be sent to another process; make it within the objective, or put both into a "
        f"module that the program imports"
    )


def _fault_of(thing: Any) -> Exception | None:
    try:
        check_sendable(thing)
    except Exception as error:  # pickling may raise any exception
        return error
    return None


def _parts(label: str, thing: Any) -> Iterator[Part]:
    """Yield the values that are sent with a value."""
    if is_refused(thing) is not None:
        return
    if isinstance(thing, types.FunctionType):
        yield from _used_by(thing)
    elif isinstance(thing, Objective):
        yield label, thing.function
    elif isinstance(thing, types.MethodType):
        yield from ((name_of(thing.__self__), thing.__self__), (label, thing.__func__))
    elif isinstance(thing, functools.partial):
        yield label, thing.func
        yield from ((f"argument {number} of {label}", value) for number, value in enumerate(thing.args))
        yield from ((f"argument {name} of {label}", value) for name, value in thing.keywords.items())
    elif isinstance(thing, dict):
        yield from ((f"{label}[{key!r}]", value) for key, value in list(thing.items())[:_MOST_ITEMS])
    elif isinstance(thing, (list, tuple)):
        yield from ((f"{label}[{number}]", value) for number, value in enumerate(thing[:_MOST_ITEMS]))
    elif isinstance(thing, (set, frozenset)):
        yield from ((f"an element of {label}", value) for value in list(thing)[:_MOST_ITEMS])
    else:
        wrapped = getattr(thing, "__wrapped__", None)
        if wrapped is not None:
            yield label, wrapped
        yield from ((f"{label}.{name}", value) for name, value in list(getattr(thing, "__dict__", {}).items()))
        yield type(thing).__qualname__, type(thing)


def _used_by(function: types.FunctionType) -> Iterator[Part]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not assigned yet
            yield name, cell.cell_contents
    for name in _names_in(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *vars(function).values()]
    yield from ((f"a default or attribute of {function.__qualname__}", value) for value in values)


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _kind_of(thing: Any) -> str:
    error = _fault_of(thing)
    if isinstance(error, Unsendable):
        return str(error)
    kind = type(thing)
    if "lock" in kind.__name__.lower():
        return "a lock"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"of type {name}" + ("" if error is None else f" ({_first_line(error)})")


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {message_of(error)}".splitlines()[0]

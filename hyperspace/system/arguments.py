"""Names of arguments: a call with an unknown one is refused with the nearest known name."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast

from hyperspace.errors import ArgumentError, shown

_PARALLEL = "start the program with mpirun -n N for N ranks, or use hyperspace run --workers N"
_NO_ARGUMENT = dict.fromkeys(("n_jobs", "n_workers", "num_workers", "workers"), _PARALLEL)  # of functions that run a study
T = TypeVar("T", bound=Callable[..., Any])

_NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
# Names of other optimization libraries -> ours; the first that the function has is used.
_SYNONYMS = {
    "acq_func": ("acquisition",),
    "acquisition_function": ("acquisition",),
    "base_estimator": ("model",),
    "bounds": ("hyperparameters", "dimensions"),
    "callbacks": ("callback",),
    "checkpoint": ("checkpoints",),
    "choices": ("categories",),
    "constraint": ("metrics",),
    "constraints": ("metrics",),
    "dimensions": ("hyperparameters",),
    "direction": ("maximize", "goal"),
    "evaluations": ("n_calls",),
    "folder": ("results_path",),
    "func": ("objective",),
    "function": ("objective",),
    "initial_points": ("x0",),
    "max_evals": ("n_calls",),
    "max_evaluations": ("n_calls",),
    "n_evaluations": ("n_calls",),
    "n_initial_points": ("n_samples",),
    "n_iter": ("n_iterations",),
    "n_points": ("n",),
    "n_startup_trials": ("n_samples",),
    "n_trials": ("n_calls", "n"),
    "max": ("upper", "high"),
    "min": ("lower", "low"),
    "output": ("results_path",),
    "log": ("prior",),
    "path": ("results_path",),
    "params": ("hyperparameters",),
    "quiet": ("verbose",),
    "search_space": ("hyperparameters", "dimensions"),
    "seed": ("random_state",),
    "silent": ("verbose",),
    "space": ("hyperparameters", "dimensions"),
    "storage": ("results_path",),
    "surrogate": ("model",),
    "target": ("stopping",),
    "value": ("y",),
}


def check_names(passed_to: Callable[..., Any] | None = None, without: Collection[str] = ()) -> Callable[[T], T]:
    """Return a decorator of a function, a method or a class: a call with an unknown name of an argument raises an ArgumentError.

    The error names the nearest argument. `inspect.signature` and `help` show the signature of the original.

    Args:
        passed_to: the function that receives the further arguments `**options`; None if there are none.
        without: arguments of `passed_to` that are not allowed here, since the function sets them itself.
    """

    def decorate(target: T) -> T:
        if isinstance(target, type):
            target.__init__ = _checking(target.__init__, passed_to, without, None)  # type: ignore[misc]
            return target
        return cast("T", _checking(target, passed_to, without, target.__qualname__.rpartition("<locals>.")[2]))

    return decorate


def _checking(
    function: Callable[..., Any], passed_to: Callable[..., Any] | None, without: Collection[str], name: str | None
) -> Callable[..., Any]:
    """Return `function` with a check of its arguments' names; a name of None is that of the class of its first argument."""
    known = dict.fromkeys([*_names(function), *(() if passed_to is None else _names(passed_to))])
    is_method = name is None or "." in name
    if is_method:
        del known[next(iter(known))]  # self

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for key in without:
            if key in kwargs:
                raise ArgumentError(f"{name} does not take {key}=, which it sets itself; leave it out")
        if not kwargs.keys() <= known.keys():
            unknown = next(key for key in kwargs if key not in known)
            given = {*[*known][: len(args) - is_method], *kwargs}
            advice = _advice(unknown, [key for key in known if key not in without], given)
            raise ArgumentError(f"{name or type(args[0]).__name__} has no argument {shown(unknown)}; {advice}")
        return function(*args, **kwargs)

    return checked


def _names(function: Callable[..., Any]) -> list[str]:
    return [name for name, parameter in inspect.signature(function).parameters.items() if parameter.kind in _NAMED]


def _advice(unknown: str, known: list[str], given: Collection[str]) -> str:
    """Return the nearest known name that is not given as a question; all names if none is near."""
    word = unknown.lower()
    if word in _NO_ARGUMENT and "n_drives" in known:
        return _NO_ARGUMENT[word]
    free = [name for name in known if name not in given]
    near = [name for name in _SYNONYMS.get(word, ()) if name in free] or difflib.get_close_matches(word, free, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"its arguments are {', '.join(known)}"

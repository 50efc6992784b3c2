"""Receiver of an objective from `hyperspace.evaluators.sending` in a worker, with the environment of its rank."""

from __future__ import annotations

import functools
import linecache
import pickle
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader
from typing import Any

from hyperspace.evaluators.importing import importing_the_objective, stand_in
from hyperspace.evaluators.objective import Objective
from hyperspace.numerics.floating_point import take_over
from hyperspace.trials.metrics import Metrics


class Received:
    """Received objective.

    Args:
        parts: parts of the payload.

    Attributes:
        objective: the objective, in this process.
        metrics: metrics that read its answer.

    Raises:
        BaseException: any exception of a module that is imported for it.
    """

    def __init__(self, parts: Sequence[memoryview]) -> None:
        self.objective: Objective
        self.metrics: Metrics
        stand_in("__main__")  # the program that has started this process is not the user's
        with importing_the_objective():
            received = pickle.loads(parts[0], buffers=parts[1:])
        self.objective, self.metrics, state, values, by_value, named, facts, sources = received
        # Objects that the objective itself pickles, for example for a pool of processes, are found by name, as in the rank.
        for name, contents in named.items():
            vars(stand_in(name, facts[name])).update(contents)
        for file, lines in sources.items():
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
        take_over(state)
        self._things = [*values, *by_value]

    def load(self, stream: BufferedReader) -> Any:
        """Return the next message."""
        return _Unpickler(stream, self._things).load()


class _Unpickler(pickle.Unpickler):
    """Unpickler that finds objects of the payload."""

    def __init__(self, stream: BufferedReader, things: Sequence[Any]) -> None:
        super().__init__(stream)
        self._things = things

    def persistent_load(self, number: int) -> Any:
        return self._things[number]


def read_parts(stream: BufferedReader, sizes: Sequence[int], writable: Sequence[bool]) -> list[memoryview]:
    """Read the parts of a payload.

    Raises:
        EOFError: the rank has closed its end before.
    """
    return list(_read_parts(stream, sizes, (False, *writable)))


def _read_parts(stream: BufferedReader, sizes: Sequence[int], writable: Sequence[bool]) -> Iterator[memoryview]:
    for size, changeable in zip(sizes, writable, strict=True):
        part = memoryview(bytearray(size))
        if stream.readinto(part) != size:
            raise EOFError
        yield part if changeable else part.toreadonly()


# Reconstruction of objects that pickle cannot copy by itself.


class _Deferred:
    """Function that is set later."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    function: Callable[..., Any]


def make_cached(maxsize: int | None, typed: bool) -> Any:
    """Return a function with functools.lru_cache, without the wrapped function."""
    deferred = _Deferred()
    cached = functools.lru_cache(maxsize, typed)(deferred)
    cached.__wrapped__ = deferred
    return cached


def set_cached(cached: Any, state: tuple[Callable[..., Any], dict[str, Any]]) -> None:
    """Complete a function of `make_cached`: the wrapped function may use it itself."""
    function, attributes = state
    cached.__wrapped__.function = function
    vars(cached).update(attributes)


def make_cached_property(function: Callable[[Any], Any], name: str | None) -> functools.cached_property[Any]:
    """Return a cached property of a class, with its name in the class."""
    made = functools.cached_property(function)
    made.attrname = name
    return made

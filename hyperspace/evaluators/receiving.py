"""What a worker makes of what `hyperspace.evaluators.sending` has sent: the objective, in surroundings like those of its rank."""

from __future__ import annotations

import functools
import linecache
import pickle
from collections.abc import Callable, Iterator, Sequence
from io import BufferedReader
from typing import Any

from hyperspace.evaluators.importing import importing_the_objective, stand_in
from hyperspace.numerics.floating_point import take_over
from hyperspace.trials.metrics import Metrics


class Received:
    """An objective that has arrived.

    Args:
        parts: the payload's.

    Attributes:
        objective: the user's function, of this process.
        takes_handle: whether it takes the trial's handle.
        metrics: reads what it returns.

    Raises:
        BaseException: whatever a module raises that is imported for it.
    """

    def __init__(self, parts: Sequence[memoryview]) -> None:
        self.objective: Callable[..., Any]
        self.takes_handle: bool
        self.metrics: Metrics
        stand_in("__main__")  # the program that has started this process is none of the user's
        with importing_the_objective():
            self.objective, self.takes_handle, self.metrics, state, values, by_value, named, facts, sources = pickle.loads(
                parts[0], buffers=parts[1:]
            )
        # What the objective pickles itself, say for a pool of processes, is found by name, as it was in the rank.
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
    """Finds again what came with the payload."""

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


# How what pickle cannot copy by itself is made anew.


class _Deferred:
    """A function that is known later."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)

    function: Callable[..., Any]


def make_cached(maxsize: int | None, typed: bool) -> Any:
    """Return a function with functools.lru_cache, without what it calls."""
    deferred = _Deferred()
    cached = functools.lru_cache(maxsize, typed)(deferred)
    cached.__wrapped__ = deferred
    return cached


def set_cached(cached: Any, state: tuple[Callable[..., Any], dict[str, Any]]) -> None:
    """Complete what `make_cached` has made: what it calls may use it itself."""
    function, attributes = state
    cached.__wrapped__.function = function
    vars(cached).update(attributes)


def make_cached_property(function: Callable[[Any], Any], name: str | None) -> functools.cached_property[Any]:
    """Return a cached property of a class, under the name that it has there."""
    made = functools.cached_property(function)
    made.attrname = name
    return made

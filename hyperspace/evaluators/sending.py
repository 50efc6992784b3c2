"""Transfer of an objective to its worker: pickled, from a rank to the process that it has started, and never through a file.

Importable objects are sent by name, and imported there. All others are sent by value, with the objects that they use: functions
of the program itself or of a notebook, lambdas, closures, classes within functions. The program itself is not run there.
"""

from __future__ import annotations

import functools
import io
import linecache
import os
import pickle
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle

from hyperspace.evaluators.importing import facts_of, is_importable
from hyperspace.evaluators.objective import Objective
from hyperspace.evaluators.receiving import make_cached, make_cached_property, set_cached
from hyperspace.numerics.floating_point import users_state
from hyperspace.space.space import Space
from hyperspace.space.values import is_scalar
from hyperspace.trials.metrics import Metrics

_Cached = type(functools.lru_cache(len))


class Unsendable(pickle.PicklingError):
    """Value that pickle would copy, but not faithfully; the message describes it."""


class Payload:
    """Data that a worker needs from this process: the objective, and all objects that it uses.

    Args:
        objective: the objective.
        metrics: metrics that read the objective's answer there.
        space: the search space, whose categories and constants are sent too.

    Attributes:
        parts: the bytes to send, in order, without copies of arrays.
        writable: for each part but the first, whether it may be changed there.

    Raises:
        Exception: any exception of pickling; see `hyperspace.evaluators.unsendable`.
    """

    def __init__(self, objective: Objective, metrics: Metrics, space: Space) -> None:
        values = [value for _, value in values_of(space) if not is_scalar(value)]
        file = io.BytesIO()
        buffers: list[pickle.PickleBuffer] = []
        pickler = _Pickler(file, buffers.append)
        # Values that are only known at the end are last: the pickler fills them in.
        found = (pickler.by_value, pickler.named, pickler.facts, pickler.sources)
        with pickler:
            pickler.dump((objective, metrics, users_state(), values, *found))
        self._kept = [*values, *pickler.by_value]  # so that their ids stay unique
        self._numbers = {id(thing): number for number, thing in enumerate(self._kept)}
        views = [buffer.raw() for buffer in buffers]
        self.parts = [file.getbuffer(), *views]
        self.writable = [not view.readonly for view in views]

    def dumps(self, message: object) -> bytes:
        """Return a message to a worker that has this payload: objects of the payload are only referenced."""
        file = io.BytesIO()
        _MessagePickler(file, self._numbers).dump(message)
        return file.getvalue()


def check_sendable(thing: object) -> None:
    """Pickle a value as for a worker, to raise the same exceptions."""
    with _Pickler(_Nowhere(), lambda buffer: None) as pickler:
        pickler.dump(thing)


def values_of(space: Space) -> list[tuple[str, Any]]:
    """Return the values of a space that are sent with it, each with a name; constants are numbers and strings."""
    return [
        (f"hyperparameters[{name!r}]", value)
        for name, dimension in zip(space.names, space.dimensions, strict=True)
        for value in getattr(dimension, "categories", ())
    ]


class _Nowhere:
    """File that discards its content."""

    def write(self, data: Any) -> int:
        return len(data)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickler for a process that cannot import modules that this program has not imported completely.

    It is a context manager, since cloudpickle's set of importable modules is a setting of the whole process.

    Attributes:
        by_value: functions and classes that were sent by value.
        named: those of them that are attributes of their modules, by module and name.
        facts: facts of these modules, see `facts_of`.
        sources: source lines of objects sent by value that are not in a file, such as a notebook's cells, for tracebacks.
    """

    def __init__(self, file: Any, buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=buffer_callback)
        self._known: set[str] = set()  # modules that were looked up
        self._registered: list[types.ModuleType] = []
        self.by_value: list[Any] = []
        self.named: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, dict[str, str | None]] = {}
        self.sources: dict[str, list[str]] = {}

    def __enter__(self) -> _Pickler:
        return self

    def __exit__(self, *_: object) -> None:
        for module in self._registered:
            cloudpickle.unregister_pickle_by_value(module)

    def reducer_override(self, thing: Any) -> Any:
        reduced = self._reduce(thing)
        if reduced is not NotImplemented and isinstance(thing, (types.FunctionType, type, _Cached)):
            self._note(thing)
        return reduced

    def _reduce(self, thing: Any) -> Any:
        if isinstance(thing, (types.FunctionType, type)):
            self._look_for(getattr(thing, "__module__", None))
        elif isinstance(thing, types.ModuleType):
            self._look_for(thing.__name__)
        elif isinstance(thing, _Cached):
            module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
            self._look_for(module)
            if not (_is_known_as(thing, module, name) and is_importable(str(module))):
                limits = thing.cache_parameters()
                state = (thing.__wrapped__, vars(thing))
                return make_cached, (limits["maxsize"], limits["typed"]), state, None, None, set_cached
        elif isinstance(thing, functools.cached_property):  # it holds a lock, up to Python 3.11
            return make_cached_property, (thing.func, thing.attrname)
        else:
            for name in ("stdout", "stderr"):
                if thing is getattr(sys, name):
                    return getattr, (sys, name)
            if (kind := is_refused(thing)) is not None:
                raise Unsendable(kind)
        return super().reducer_override(thing)

    def _look_for(self, name: str | None) -> None:
        """Send a module's objects by value if the worker would not find the module."""
        if name is None or name in self._known:
            return
        self._known.add(name)
        module = sys.modules.get(name)
        if module is None or name == "__main__" or is_importable(name):
            return
        if name not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(module)
            self._registered.append(module)

    def _note(self, thing: Any) -> None:
        self.by_value.append(thing)
        module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
        if isinstance(module, str) and isinstance(name, str) and "." not in name and _is_known_as(thing, module, name):
            self.named.setdefault(module, {})[name] = thing
            self.facts[module] = facts_of(module)
        if isinstance(thing, types.FunctionType):
            file = thing.__code__.co_filename
            if file not in self.sources and not os.path.exists(file) and (lines := linecache.getlines(file)):
                self.sources[file] = lines


class _MessagePickler(pickle.Pickler):
    """Pickler of messages that may contain objects of the payload: these are only numbered."""

    def __init__(self, file: Any, numbers: Mapping[int, int]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._numbers = numbers

    def persistent_id(self, thing: object) -> int | None:
        return self._numbers.get(id(thing))


def _is_known_as(thing: Any, module: str | None, name: str) -> bool:
    """Return whether a module has a function or class with that name."""
    found: Any = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is thing


def is_refused(thing: object) -> str | None:
    """Return a description of a value that could be pickled but would differ in the worker; None for other values."""
    if isinstance(thing, io.IOBase) and not isinstance(thing, (io.BytesIO, io.StringIO)):
        return "an open file"
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None and isinstance(thing, ctypes.CDLL):
        return "a library that ctypes has loaded"
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and isinstance(thing, mpi.Comm) and thing != mpi.COMM_NULL and thing.Get_size() > 1:
        return "an MPI communicator of several processes"
    return None

"""Imports in other processes: which modules they find as this process does, and a guard against studies started by an import."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType

from hyperspace.errors import LaunchError
from hyperspace.evaluators import interrupts

_MAIN = ("__main__", "__mp_main__")  # the second is multiprocessing's name for it in its processes
_WORKER_VARIABLE = "HYPERSPACE_WORKER"  # number of the worker that a process belongs to
_UNGUARDED = signal.SIGUSR2
_standing_in: dict[str, ModuleType] = {}
_depth = 0  # nesting depth of imports for an objective


@contextmanager
def importing_the_objective() -> Iterator[None]:
    """Mark that modules are imported for their objective, so that they must not start a study."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


class Unguarded(LaunchError):
    """Start of a study by the import of a module."""


def refuse_while_importing() -> None:
    """Check that no module is being imported for its objective, or by multiprocessing for a function in it.

    Raises:
        Unguarded: one is; each evaluating process would start the study again.
    """
    if _depth:
        raise Unguarded(_reason(_module_under_way(), "the objective"))
    if _multiprocessing_imports():
        _tell_worker()
        raise Unguarded(_reason(_module_under_way(), "a function"))


def _reason(module: str, thing: str) -> str:
    return (
        f"{module} begins a study whenever it is imported, and it is imported for {thing} in it; put the study under "
        f'`if __name__ == "__main__":`'
    )


def _tell_worker() -> None:
    """Notify the worker whose objective has started this process; a pool would start such processes again and again."""
    worker = os.environ.get(_WORKER_VARIABLE, "")
    if worker.isdigit():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(worker), _UNGUARDED)


def hear_of_unguarded_processes() -> None:
    """Raise Unguarded in this worker's call of the objective if a child process cannot import the program."""
    os.environ[_WORKER_VARIABLE] = str(os.getpid())
    ended: object | None = None  # the call that was notified: there may be several child processes

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        call = interrupts.under_way()
        if call is not None and call is not ended:
            ended = call
            raise Unguarded(_reason(getattr(sys.modules["__main__"], "__file__", "the program"), "a function"))

    signal.signal(_UNGUARDED, handle)


def _multiprocessing_imports() -> bool:
    """Return whether multiprocessing has started this process and is now running the main module's file for its definitions."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and bool(getattr(process.current_process(), "_inheriting", False))


def _module_under_way() -> str:
    """Return the file or name of the innermost module whose import led here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    variables = {} if frame is None else frame.f_globals
    return str(variables.get("__file__") or variables.get("__name__") or "a module")


def is_importable(name: str) -> bool:
    """Return whether another process with the same search path finds this process's module of that name and may run it.

    It may not while the module is being imported here: the module's own code has led here, and would do so there too.
    """
    module = sys.modules.get(name)
    if module is None or name in _MAIN or _is_being_imported(name):
        return False
    parent = name.rpartition(".")[0]
    path = getattr(sys.modules.get(parent), "__path__", None)
    spec = getattr(module, "__spec__", None)
    if parent and (spec is None or path is None):  # part of an extension module
        return True
    if spec is None:
        return False
    for finder in sys.meta_path:
        try:
            found = finder.find_spec(name, path)
        except Exception:  # an error of another finder, which does not have it
            continue
        if found is not None:
            return bool(found.origin == spec.origin)
    return False


def _is_being_imported(name: str) -> bool:
    """Return whether the import of a module, or of a package around it, has not finished."""
    parts = name.split(".")
    modules = (sys.modules.get(".".join(parts[: count + 1])) for count in range(len(parts)))
    return any(getattr(getattr(module, "__spec__", None), "_initializing", False) for module in modules)


def facts_of(name: str) -> dict[str, str | None]:
    """Return the facts that multiprocessing in another process needs to import a module of this process."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return {"file": getattr(module, "__file__", None), "spec": None if spec is None else spec.name}


def stand_in(name: str, facts: dict[str, str | None] | None = None) -> ModuleType:
    """Return a module, empty or made here before, instead of one that must not be imported here.

    Args:
        name: its name.
        facts: result of `facts_of` in another process.
    """
    module = _standing_in.setdefault(name, ModuleType(name))
    if facts is not None:
        if facts["file"] is not None:
            module.__file__ = facts["file"]
        if facts["spec"] is not None:
            module.__spec__ = ModuleSpec(facts["spec"], None, origin=facts["file"])
    sys.modules[name] = module
    return module

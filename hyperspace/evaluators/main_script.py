"""An objective in the script that the user runs: how another process gets at it.

The worker runs that script again, under the name that multiprocessing gives it and not as "__main__", so that what stands
under `if __name__ == "__main__":` is left out. It does so only if the objective, or a value of the space, is defined there.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from hyperspace.errors import LaunchError

_NAME = "__mp_main__"
_loading: list[str] = []  # what is being imported for its objective


def main_reference() -> tuple[str, str] | None:
    """Return how to find this process's main module again: ("name", module) or ("path", file); None where that is impossible."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return "name", spec.name
    file = getattr(main, "__file__", None)
    return None if file is None or not os.path.exists(file) else ("path", os.path.abspath(file))


def load_main(reference: tuple[str, str]) -> None:
    """Run the module that `main_reference` found elsewhere, under another name, and let it be this process's main module.

    Raises:
        BaseException: whatever the module raises.
    """
    kind, place = reference
    with loading(place):
        if kind == "name":
            content = runpy.run_module(place, run_name=_NAME, alter_sys=True)
        else:
            content = runpy.run_path(place, run_name=_NAME)
    main = ModuleType(_NAME)
    main.__dict__.update(content)
    sys.modules["__main__"] = sys.modules[_NAME] = main


@contextmanager
def loading(place: str) -> Iterator[None]:
    """Mark that a module is imported for the objective in it, so that it must not begin a study."""
    _loading.append(place)
    try:
        yield
    finally:
        _loading.pop()


class Unguarded(LaunchError):
    """A module begins a study when it is imported."""


def refuse_while_loading() -> None:
    """Refuse to begin a study while a module is imported for the objective in it.

    Raises:
        Unguarded: it is; each process that evaluates would begin the study anew.
    """
    if _loading:
        raise Unguarded(
            f"{_loading[-1]} begins a study whenever it is imported, and it is imported for the objective in it; put the "
            f'study under `if __name__ == "__main__":`'
        )

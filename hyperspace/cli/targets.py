"""Loading of the function in a word such as train.py:objective."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hyperspace.errors import InputError
from hyperspace.evaluators.importing import importing_the_objective
from hyperspace.system.paths import expanded


def load_target(target: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the function, and all variables of its module.

    The module is imported by its name, with the file's folder first on the path, so that other processes find it the same way.

    Args:
        target: FILE.py:FUNCTION, or MODULE:FUNCTION.

    Raises:
        InputError: a missing file, module or function.
        Unguarded: the module starts a study when it is imported.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise InputError(f"expected FILE.py:FUNCTION or MODULE:FUNCTION, such as train.py:objective; got {target!r}")
    folder, module_name = _module_of(place)
    if folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    try:
        with importing_the_objective():
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise InputError(f"there is no module {module_name!r} in {folder} or on the path") from None
    variables = vars(module)
    found = variables.get(name)
    if not callable(found):
        functions = [key for key, value in variables.items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{place} defines no function {name!r}; it has {', '.join(functions) or 'none'}")
    return found, variables


def _module_of(place: str) -> tuple[str, str]:
    """Return the folder to search first, and the module's name."""
    if not place.endswith(".py"):
        return str(Path.cwd()), place
    file = expanded(place, "the file").resolve()
    if not file.is_file():
        raise InputError(f"there is no file {place!r}")
    known = sys.modules.get(file.stem)
    if known is not None and Path(getattr(known, "__file__", None) or "").resolve() != file:
        raise InputError(f"{place} has the name of the module {file.stem!r}, which is in use; rename the file")
    return str(file.parent), file.stem

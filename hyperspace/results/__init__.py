"""Results: the merged optimum, every trial, and analyses of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspace.results.loading import load_results
    from hyperspace.results.result import Result

__all__ = ["Result", "load_results"]

_HOMES = {"Result": "hyperspace.results.result", "load_results": "hyperspace.results.loading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

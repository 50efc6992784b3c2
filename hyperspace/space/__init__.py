"""Search space: its dimensions, its partition, and the values of its points."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspace.space.categorical import Categorical
    from hyperspace.space.dimension import Dimension
    from hyperspace.space.numeric import Integer, Real
    from hyperspace.space.space import Space, check_space

__all__ = ["Categorical", "Dimension", "Integer", "Real", "Space", "check_space"]

_HOMES = {
    "Categorical": "hyperspace.space.categorical",
    "Dimension": "hyperspace.space.dimension",
    "Integer": "hyperspace.space.numeric",
    "Real": "hyperspace.space.numeric",
    "Space": "hyperspace.space.space",
    "check_space": "hyperspace.space.space",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

"""Surrogates: models of the objective with `fit(X, Y)` and `posterior(X)`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hyperspace.errors import InputError, how_to_install, shown
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.surrogates.base import Surrogate

if TYPE_CHECKING:
    from hyperspace.space.space import Space

# name of a model: its module and class, and the extra that installs its dependencies
_HOMES = {
    "GP": ("gp.surrogate", "GP", ""),
    "DNN": ("networks.dngo", "DNN", "dnn"),
    "ENSEMBLE": ("networks.ensemble", "DeepEnsemble", "dnn"),
    "RF": ("forest", "RandomForest", ""),
    "ET": ("forest", "ExtraTrees", ""),
    "GBRT": ("forest", "GradientBoosting", ""),
}
SURROGATES = tuple(_HOMES)


@own_numerics()
def make_surrogate(model: Any, random_state: int = 0, space: Space | None = None, **options: Any) -> Surrogate:
    """Return a surrogate.

    Args:
        model: "GP", "DNN", "ENSEMBLE", "RF", "ET" or "GBRT"; a Surrogate, which is returned unchanged; or an object with
            fit(X, y) and predict(X) -> mean, std (see `hyperspace.surrogates.user.UserSurrogate`).
        random_state: seed of randomized fits.
        space: defines which coordinates are integers or categories; None if all are continuous.
        options: options of the surrogate's class.

    Raises:
        InputError: an unknown name, or a missing library.
    """
    if isinstance(model, Surrogate):
        return model
    if not isinstance(model, str):
        from hyperspace.surrogates.user import UserSurrogate

        return UserSurrogate(model)
    if model not in _HOMES:
        raise InputError(f"model must be one of {', '.join(SURROGATES)} or an object with fit and predict, got {shown(model)}")
    module, name, extra = _HOMES[model]
    try:
        cls = getattr(import_module(f"hyperspace.surrogates.{module}"), name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("hyperspace"):
            raise
        how = how_to_install(extra) if extra else f"run pip install {error.name}"
        raise InputError(f'model="{model}" needs {error.name}, which is not installed; {how}') from error
    surrogate: Surrogate = cls(random_state=random_state, space=space, **options)
    return surrogate


def is_surrogate(model: Any) -> bool:
    """Return whether `model` names a surrogate or is an object that can be used as one."""
    if isinstance(model, str):
        return model in SURROGATES
    return not isinstance(model, type) and hasattr(model, "fit") and hasattr(model, "predict")

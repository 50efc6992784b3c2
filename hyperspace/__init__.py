"""HyperSpace: distributed Bayesian optimization of expensive functions over MPI.

    from hyperspace import hyperdrive

    result = hyperdrive(objective, [(2, 10), (1e-2, 1.0, "log-uniform")], "results", n_iterations=15)
    result.x, result.fun

The names below are loaded on first use (PEP 562), so that `import hyperspace` itself is fast on the network file system of a
cluster.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hyperspace.api.hyperbelt import hyperbelt
    from hyperspace.api.hyperdrive import hyperdrive
    from hyperspace.api.search import evolutionary_search, grid_search, random_search
    from hyperspace.optimizers.optimizer import Optimizer
    from hyperspace.pruning import Pruned
    from hyperspace.results.choosing import at_least, at_most
    from hyperspace.results.loading import load_results
    from hyperspace.results.result import Result
    from hyperspace.space.space import Categorical, Integer, Real
    from hyperspace.surrogates import make_surrogate
    from hyperspace.trials.metrics import Metric
    from hyperspace.trials.trial import Trial

__version__ = "0.1.0"

__all__ = [
    "Categorical",
    "Integer",
    "Metric",
    "Optimizer",
    "Pruned",
    "Real",
    "Result",
    "Trial",
    "__version__",
    "at_least",
    "at_most",
    "evolutionary_search",
    "grid_search",
    "hyperbelt",
    "hyperdrive",
    "load_results",
    "make_surrogate",
    "random_search",
]

_HOMES = {
    "Categorical": "hyperspace.space.space",
    "Integer": "hyperspace.space.space",
    "Metric": "hyperspace.trials.metrics",
    "Optimizer": "hyperspace.optimizers.optimizer",
    "Pruned": "hyperspace.pruning",
    "Real": "hyperspace.space.space",
    "Result": "hyperspace.results.result",
    "Trial": "hyperspace.trials.trial",
    "at_least": "hyperspace.results.choosing",
    "at_most": "hyperspace.results.choosing",
    "evolutionary_search": "hyperspace.api.search",
    "grid_search": "hyperspace.api.search",
    "hyperbelt": "hyperspace.api.hyperbelt",
    "hyperdrive": "hyperspace.api.hyperdrive",
    "load_results": "hyperspace.results.loading",
    "make_surrogate": "hyperspace.surrogates",
    "random_search": "hyperspace.api.search",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # found directly after this
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

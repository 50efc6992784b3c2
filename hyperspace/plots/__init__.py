"""Plots of studies with matplotlib.

Each function takes one or several Results, draws into `ax=` or a new figure, and returns the Axes. Values are in the objective's
scale. A log-uniform parameter has a logarithmic axis, and integers and categories are labeled with their values.
"""

from hyperspace.errors import InputError, how_to_install

try:
    import matplotlib as _  # noqa: F401
except ModuleNotFoundError as error:
    raise InputError(f"plots need {error.name}, which is not installed; {how_to_install('plot')}") from error

from hyperspace.plots.animation import animate_search
from hyperspace.plots.calibration import plot_calibration, plot_predictions
from hyperspace.plots.convergence import plot_convergence, plot_regret
from hyperspace.plots.curves import plot_curves
from hyperspace.plots.fronts import plot_attainment, plot_front, plot_hypervolume
from hyperspace.plots.importance import plot_dependence, plot_importance
from hyperspace.plots.parallel import plot_parallel
from hyperspace.plots.regions import plot_partition
from hyperspace.plots.timeline import plot_gantt

__all__ = [
    "animate_search",
    "plot_attainment",
    "plot_calibration",
    "plot_convergence",
    "plot_curves",
    "plot_dependence",
    "plot_front",
    "plot_gantt",
    "plot_hypervolume",
    "plot_importance",
    "plot_parallel",
    "plot_partition",
    "plot_predictions",
    "plot_regret",
]

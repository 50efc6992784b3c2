"""What the tests of the plots share: small studies, and what was drawn under a label."""

import math

from hyperspace import Metric
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

SPACE = {"rate": (1e-4, 1.0, "log-uniform"), "units": (1, 8), "kind": ["a", "$b$", "<c>"], "fixed": 7}


def objective(p):
    if p["units"] == 8:
        raise RuntimeError("too many")
    return 2.0 + math.log10(p["rate"]) / 4 + (p["units"] - 4) ** 2 / 10 + (p["kind"] == "a")


def made_of(trials, space=((0.0, 1.0), (0.0, 1.0)), maximize=False, metrics=None):
    space = check_space(list(space))
    return Result(trials, space, Metrics(metrics, maximize=maximize), Partition(space))


def trial(drive, iteration, value=None, status="ok", started=0.0, seconds=1.0, x=(0.5, 0.5), **more):
    metrics = {} if value is None else {"objective": value}
    seconds = None if status == "running" else seconds
    return Trial(drive=drive, iteration=iteration, x=x, status=status, metrics=metrics, started=started, seconds=seconds, **more)


def in_order(*values, **options):
    """A study of one drive with these values, one after the other; None for a failed trial."""
    trials = [
        trial(0, i, value, started=float(i)) if value is not None else trial(0, i, status="failed", error="no", started=float(i))
        for i, value in enumerate(values)
    ]
    return made_of(trials, **options)


def labeled(ax, label):
    """What was drawn under a label."""
    handles, told = ax.get_legend_handles_labels()
    return handles[[text.partition(" (")[0] if "quartiles" not in text else text for text in told].index(label)]


def told(ax):
    """The labels of the legend's entries."""
    return ax.get_legend_handles_labels()[1]


def of(ax, kind):
    return [child for child in ax.get_children() if isinstance(child, kind)]


LIMITED = [Metric("cost"), Metric("weight", goal="constrain", upper=1.0)]


def limited(*pairs):
    ended = {"status": "ok", "seconds": 1.0}
    trials = [
        Trial(drive=0, iteration=i, x=(0.5, 0.5), metrics={"cost": cost, "weight": weight}, started=1.0 * i, **ended)
        for i, (cost, weight) in enumerate(pairs)
    ]
    return made_of(trials, metrics=LIMITED)

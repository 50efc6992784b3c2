"""A study whose texts are hostile, and its report."""

import matplotlib as mpl
import pytest
from pages import EVIL

from hyperspace import Metric, hyperdrive
from hyperspace.report import render_report

mpl.use("Agg")

SPACE = {"rate": (1e-3, 1.0, "log-uniform"), "units": (1, 6), "kind": ["plain", EVIL], "</style><b>": (0.0, 1.0)}


def hostile(p):
    if p["units"] == 5:
        raise RuntimeError(f"units are five at {p['rate']:.3f} {EVIL}")
    return {"score <i>": p["rate"] + p["units"] / 7, "cost": 1.0, "curve": [1.0, 2.0]}


hostile.__qualname__ = f"hostile {EVIL}"


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "study <u>"
    metrics = [Metric("score <i>", goal="maximize"), Metric("cost", goal="constrain", upper=2.0)]
    options = {"model": ["RAND", "GP"], "strategy": "static", "n_subspaces": 4, "n_iterations": 10, "metrics": metrics}
    hyperdrive(hostile, SPACE, path, **options)
    return path


@pytest.fixture(scope="session")
def page(study):
    return render_report(study)

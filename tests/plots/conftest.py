"""Studies that the tests of the plots draw."""

import matplotlib as mpl
import pytest
from drawn import SPACE, objective
from matplotlib import pyplot

from hyperspace import hyperdrive

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="session", params=[False, True], ids=["minimize", "maximize"])
def result(request):
    options = {"model": "RAND", "n_calls": 64, "n_subspaces": 4, "checkpoints": False, "random_state": 5}
    return hyperdrive(objective, SPACE, None, maximize=request.param, **options)


@pytest.fixture(scope="session")
def plane():
    function = lambda x: (x[0] - 0.3) ** 2 + (x[1] + 0.2) ** 2  # noqa: E731
    return hyperdrive(function, [(0.0, 1.0), (-1.0, 1.0)], None, strategy="static", n_iterations=3, checkpoints=False)

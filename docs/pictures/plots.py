"""Draw a picture of each kind from a study on four ranks.

    mpirun -n 4 python docs/pictures/plots.py

They are written beside this file, or into a folder that is named.
"""

import io
import sys
from pathlib import Path

import matplotlib as mpl
from mpi4py import MPI
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from hyperspace import hyperdrive

mpl.use("Agg")
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
SPACE = {"C": (1e-2, 1e3, "log-uniform"), "gamma": (1e-4, 1e1, "log-uniform"), "kernel": ["rbf", "poly"], "degree": (2, 6)}
images, digits = load_digits(return_X_y=True)


def accuracy(parameters):
    return cross_val_score(SVC(**parameters), images / 16, digits, cv=5).mean()


def draw(result, folder):
    from hyperspace import plots

    pictures = {
        "convergence": lambda: plots.plot_convergence(result),
        "slice": lambda: plots.plot_partition(result, ("C", "gamma")),
        "parallel": lambda: plots.plot_parallel(result),
        "gantt": lambda: plots.plot_gantt(result),
        "importance": lambda: plots.plot_importance(result),
        "dependence": lambda: plots.plot_dependence(result, "gamma"),
        "predictions": lambda: plots.plot_predictions(result),
    }
    for name, picture in pictures.items():
        buffer = io.BytesIO()
        picture().figure.savefig(buffer, dpi=90)
        # 128 colors are enough for a drawing, and a third of the size.
        Image.open(buffer).convert("RGB").quantize(128).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    result = hyperdrive(accuracy, SPACE, None, n_calls=96, maximize=True, checkpoints=False)
    if MPI.COMM_WORLD.rank == 0:
        draw(result, FOLDER)

"""Draw the picture of docs/several-goals.md:

    python docs/pictures/fronts.py [folder]

front.png: the trials of that page's study by area and bending, and their front
"""

import importlib.util
import re
import sys
from pathlib import Path

import matplotlib as mpl

from hyperspace import hyperdrive
from hyperspace.plots import plot_front

HERE = Path(__file__).parent


def program(folder):
    """Return the module of the page's program, written to a folder."""
    text = (HERE.parent / "several-goals.md").read_text()
    file = folder / "beams.py"
    file.write_text(re.search(r'```python title="beams.py"\n(.*?)^```$', text, re.DOTALL | re.MULTILINE)[1])
    spec = importlib.util.spec_from_file_location("beams", file)
    beams = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(beams)
    file.unlink()
    return beams


if __name__ == "__main__":
    mpl.use("Agg")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    beams = program(folder)
    result = hyperdrive(beams.objective, beams.space, None, model="RAND", n_calls=200, metrics=beams.metrics, checkpoints=False)
    axes = plot_front(result)
    axes.set_yscale("log")
    axes.figure.savefig(folder / "front.png", dpi=110)

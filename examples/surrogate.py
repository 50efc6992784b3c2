"""Draw a surrogate of f(x) = x sin(x) + x cos(2x) on [0, 10]: samples, truth, mean, plus or minus one std, and the next point.

    python examples/surrogate.py                       # DNN, 12 samples, surrogate.png
    python examples/surrogate.py GP --samples 7 --output gp.png

Needs matplotlib: pip install -e ".[plot]" in the clone.
"""

import argparse

import matplotlib as mpl
import numpy as np

from hyperspace.acquisition.functions import LogEI
from hyperspace.numerics.sampling import sobol
from hyperspace.surrogates import SURROGATES, make_surrogate

LOW, HIGH = 0.0, 10.0
INK, TRUTH, MODEL, NEXT = "#22292f", "#8795a1", "#2563a8", "#d1495b"


def function(x):
    """Return f(x); the minimum is -9.50835 at x = 4.7954."""
    return x * np.sin(x) + x * np.cos(2.0 * x)


def main():
    """Fit the surrogate that the command line names, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="DNN", choices=SURROGATES)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="surrogate.png")
    arguments = parser.parse_args()

    # Surrogates work in the unit cube: u = (x - LOW) / (HIGH - LOW).
    U = sobol(arguments.samples, 1, np.random.default_rng(arguments.seed))
    y = function(LOW + (HIGH - LOW) * U[:, 0])
    surrogate = make_surrogate(arguments.model, random_state=arguments.seed)
    surrogate.fit(U, y)

    grid = np.linspace(0.0, 1.0, 1001)[:, None]
    mean, std = surrogate.predict(grid)
    improvement = LogEI(best=y.min())(mean, std)
    following = int(np.argmax(improvement))
    x = LOW + (HIGH - LOW) * grid[:, 0]
    draw(x, mean, std, improvement, following, LOW + (HIGH - LOW) * U[:, 0], y, arguments)
    print(f"{arguments.model}: next x = {x[following]:.3f}, predicted {mean[following]:.3f} +- {std[following]:.3f}")
    print(f"picture in {arguments.output}")


def draw(x, mean, std, improvement, following, samples, y, arguments):
    """Write the picture: the surrogate above, the logarithm of the expected improvement below."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 11, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#b8c2cc"})
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(9, 6), sharex=True, height_ratios=[3.2, 1], layout="constrained", gridspec_kw={"hspace": 0.02}
    )
    upper.fill_between(x, mean - std, mean + std, color=MODEL, alpha=0.18, lw=0, label="mean ± one std")
    upper.plot(x, mean, color=MODEL, lw=2.2, label="mean")
    upper.plot(x, function(x), color=TRUTH, lw=1.5, ls=(0, (5, 3)), label="truth")
    upper.plot(samples, y, "o", ms=7, color=INK, mec="white", mew=1.2, label=f"{len(y)} samples", zorder=5)
    upper.plot(x[following], mean[following], "D", ms=9, color=NEXT, mec="white", mew=1.2, label="next point", zorder=6)
    upper.set(ylabel="f(x)", xlim=(LOW, HIGH), ylim=(-16, 20))
    upper.set_title(f"{arguments.model} surrogate of  x sin(x) + x cos(2x)", loc="left", weight="bold")
    upper.legend(loc="upper left", ncols=3, frameon=False)
    floor = max(improvement.max() - 12.0, improvement.min())
    lower.fill_between(x, floor, np.maximum(improvement, floor), color=NEXT, alpha=0.15, lw=0)
    lower.plot(x, np.maximum(improvement, floor), color=NEXT, lw=1.6)
    lower.set(xlabel="x", ylabel="log EI", ylim=(floor, improvement.max() + 1.5))
    for axes in (upper, lower):
        axes.axvline(x[following], color=NEXT, lw=1.0, ls=":")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(color="#b8c2cc")
        axes.grid(axis="y", color="#e8ecef", lw=0.8)
        axes.set_axisbelow(True)
    figure.savefig(arguments.output, dpi=150)


if __name__ == "__main__":
    main()

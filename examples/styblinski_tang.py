"""Random search, plain Bayesian optimization and HyperSpace side by side, on the Styblinski-Tang function.

    python examples/styblinski_tang.py
    mpirun -n 4 python examples/styblinski_tang.py

The function has 2^d local minima and one global one, at -2.9035 in each coordinate. All four ways make the same number of
evaluations. What one sees: random search comes near and no nearer. One Gaussian process over the whole space finds the
minimum, but makes one evaluation after the other, however many machines there are. HyperSpace as it was published works its
subspaces at the same time; most of them do not hold the minimum. With all drives learning from all, it is found in the time
of a few evaluations. The picture shows where each has looked, in the first two coordinates. It needs matplotlib: in the
clone, pip install -e ".[plot]".
"""

import argparse

import matplotlib as mpl
import numpy as np
from mpi4py import MPI

from hyperspace import hyperdrive
from hyperspace.testing.problems import problem

INK, LOW, HIGH = "#22292f", -5.0, 5.0
COLORS = ["#8795a1", "#d98f1f", "#d1495b", "#2563a8"]


def ways(dimensions):
    """Return what is compared, by name: the arguments of hyperdrive that make it."""
    return {
        "random search": {
            "model": "RAND",
            "strategy": "static",
            "n_subspaces": 1,
            "n_drives": 2**dimensions,
            "sampler": "random",
        },
        "Bayesian optimization": {"strategy": "static", "n_subspaces": 1, "n_drives": 1},
        "HyperSpace, static": {"strategy": "static", "n_drives": 2**dimensions},
        "HyperSpace, adaptive": {"strategy": "adaptive", "n_drives": 2**dimensions, "exchange": "round"},
    }


def main():
    """Run all four ways and show what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimensions", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="styblinski_tang.png")
    arguments = parser.parse_args()

    function = problem("styblinski_tang", arguments.dimensions)
    common = {"n_calls": arguments.evaluations, "random_state": arguments.seed, "checkpoints": False}
    compared = ways(arguments.dimensions)
    results = {name: hyperdrive(function, function.dimensions, None, **common, **way) for name, way in compared.items()}
    if MPI.COMM_WORLD.rank > 0:  # every rank has the same results
        return

    print(f"{'':<24}{'best found':>12}{'above the minimum':>20}{'within 0.01 after':>20}")
    for name, result in results.items():
        regret = regret_in_time(result, function)
        near = np.flatnonzero(regret < 0.01)
        when = f"{1 + near[0]:>4} of {len(regret):>4}" if len(near) else f"never in {len(regret):>4}"
        print(f"{name:<24}{result.fun:>12.4f}{regret[-1]:>20.1e}{when:>20}")
    print("The last column counts evaluations one after the other: what all drives do at the same time is one step.")
    draw(results, function, arguments.output)
    print(f"picture in {arguments.output}")


def regret_in_time(result, function):
    """Return how far the best value is above the minimum, after every step of all drives."""
    values = result.trials.groupby("iteration")["objective"].min()
    return values.cummin().to_numpy() - function.minimum


def draw(results, function, output):
    """Write the picture: where each way has looked, and its best value in time."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#b8c2cc"})
    figure, panels = plt.subplot_mosaic(
        [list(results), ["time"] * 4], figsize=(13, 6.4), layout="constrained", height_ratios=[3, 2]
    )
    grid = np.linspace(LOW, HIGH, 101)
    part = 0.5 * (grid**4 - 16 * grid**2 + 5 * grid)  # the function is a sum over the coordinates
    for (name, result), color in zip(results.items(), COLORS, strict=True):
        axes, points = panels[name], np.array(result.x_iters)
        axes.contourf(grid, grid, part[:, None] + part[None, :], levels=20, cmap="Greys_r", alpha=0.5)
        axes.plot(points[:, 0], points[:, 1], "o", ms=4.5, color=color, mec="white", mew=0.5, clip_on=False)
        axes.plot(*result.x[:2], "*", ms=17, color="#ffd43b", mec=INK, mew=1.0)
        axes.set_title(name, loc="left", weight="bold", fontsize=11)
        axes.set(xlim=(LOW, HIGH), ylim=(LOW, HIGH), xticks=[], yticks=[], aspect="equal")
        regret = np.maximum(regret_in_time(result, function), 1e-8)
        panels["time"].loglog(1 + np.arange(len(regret)), regret, color=color, lw=2.2, label=name)
    panels["time"].set(xlabel="evaluations one after the other", ylabel="above the minimum")
    panels["time"].spines[["top", "right"]].set_visible(False)
    panels["time"].legend(frameon=False)
    figure.savefig(output, dpi=110)


if __name__ == "__main__":
    main()

"""Tables of what `benchmarks.run` stored: median regret and quartiles, mean ranks, shares of wins, ties by Wilcoxon.

python -m benchmarks.tables --split report --methods adaptive turbo1 cma tpe random
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks import suites
from benchmarks.run import RESULTS, load, path_of

Cells = dict[str, dict[str, dict[int, float]]]  # problem -> method -> seed -> regret
ALPHA = 0.05


def regrets(
    results: Path, split: str, methods: Iterable[str], problems: Iterable[str] | None, share: float = 1.0, workers: int = 16,
    rounds: int | None = None,
) -> Cells:  # fmt: skip
    """Return the regrets at `share` of the budget, floored at 1e-6 of the range, by problem, method and seed."""
    cells: Cells = defaultdict(lambda: defaultdict(dict))
    wanted = None if problems is None else set(problems)
    for method in methods:
        for record in load(path_of(results, split, method)):
            if (wanted is not None and record["problem"] not in wanted) or record["workers"] != workers:
                continue
            if rounds is not None and record["rounds"] != rounds:
                continue
            at = max(1, round(share * record["rounds"])) - 1
            regret = record["best"][at] - (record["optimum"] if np.isfinite(record["optimum"]) else 0.0)
            cells[record["problem"]][method][record["seed"]] = max(regret, suites.REGRET_FLOOR * record["scale"])
    return cells


def common(cells: Cells, problem: str, methods: list[str]) -> tuple[list[int], np.ndarray]:
    """Return the seeds that all methods have on this problem, and the regrets (methods, seeds)."""
    seeds = sorted(set.intersection(*(set(cells[problem].get(m, {})) for m in methods)))
    return seeds, np.array([[cells[problem][m][s] for s in seeds] for m in methods]).reshape(len(methods), len(seeds))


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks along the first axis, 1 the least; equals share their mean rank."""
    less = (values[None, :, :] < values[:, None, :]).sum(axis=1)
    equal = (values[None, :, :] == values[:, None, :]).sum(axis=1)
    return less + (equal + 1) / 2


def tied_or_best(table: np.ndarray, methods: list[str]) -> dict[str, bool]:
    """Tell which methods are best in the median, or not worse than the best by a paired Wilcoxon test (Holm-corrected)."""
    from scipy.stats import wilcoxon

    best = int(np.argmin(np.median(table, axis=1)))
    p = {}
    for index, method in enumerate(methods):
        difference = np.log(table[index]) - np.log(table[best])
        if index != best:
            p[method] = 1.0 if not np.any(difference) else float(wilcoxon(difference, alternative="greater").pvalue)
    result, rejecting = {methods[best]: True}, True
    for step, (method, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        rejecting = rejecting and value * (len(p) - step) <= ALPHA
        result[method] = not rejecting
    return result


def report(cells: Cells, methods: list[str], title: str) -> str:
    """Return the tables as Markdown."""
    lines = [f"### {title}", "", "| problem | " + " | ".join(methods) + " |", "|---|" + "---|" * len(methods)]
    all_ranks, best, tied, n_problems = defaultdict(list), defaultdict(int), defaultdict(int), 0
    wins: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name in cells:
        here = [m for m in methods if m in cells[name]]
        if not here:
            continue
        seeds, table = common(cells, name, here)
        if not seeds:
            continue
        n_problems += 1
        cellwise = ranks(table)
        winners = tied_or_best(table, here)
        row = []
        for method in methods:
            if method not in here:
                row.append("-")
                continue
            index = here.index(method)
            low, middle, high = np.percentile(table[index], [25, 50, 75])
            mark = "**" if middle == np.median(table, axis=1).min() else ""
            row.append(f"{mark}{middle:.2g}{mark} ({low:.1g}-{high:.1g})")
            if len(here) > 1:
                all_ranks[method].extend(cellwise[index])
            best[method] += bool(mark)
            tied[method] += winners[method]
            for other in here:
                if other != method:
                    against = table[here.index(other)]
                    wins[method, other].extend((table[index] < against) + 0.5 * (table[index] == against))
        lines.append(f"| {name} ({len(seeds)}) | " + " | ".join(row) + " |")
    lines += ["", "| | " + " | ".join(methods) + " |", "|---|" + "---|" * len(methods)]
    lines.append("| mean rank | " + " | ".join(f"{np.mean(all_ranks[m]):.2f}" if all_ranks[m] else "-" for m in methods) + " |")
    lines.append("| best median | " + " | ".join(f"{best[m]}/{n_problems}" for m in methods) + " |")
    lines.append("| best or tied | " + " | ".join(f"{tied[m]}/{n_problems}" for m in methods) + " |")
    for method in methods:
        shares = [f"{100 * np.mean(wins[method, o]):.0f} %" if wins[method, o] else "-" for o in methods]
        lines.append(f"| {method} beats | " + " | ".join(shares) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables at the end of the budget and at half of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="report", choices=sorted(suites.SPLITS))
    parser.add_argument("--suite", nargs="+", default=None)
    parser.add_argument("--methods", nargs="+", required=True)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    problems = None
    if arguments.suite is not None:
        problems = [name for suite in arguments.suite for name in suites.SUITES.get(suite, [suite])]
    for share, title in ((1.0, "At the end of the budget"), (0.5, "At half of the budget")):
        cells = regrets(
            arguments.results, arguments.split, arguments.methods, problems, share, arguments.workers, arguments.rounds
        )
        print(report(cells, arguments.methods, f"{title}: median regret (quartiles)"))


if __name__ == "__main__":
    main()

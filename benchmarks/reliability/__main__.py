"""python -m benchmarks.reliability: kills, damages and schedules, as the command line asks, and their tables."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import benchmarks.reliability
from benchmarks.reliability.damage import damage
from benchmarks.reliability.kills import kills
from benchmarks.reliability.play import PATIENCE
from benchmarks.reliability.schedule import KINDS, draw, schedules
from benchmarks.reliability.schedules import BROKEN, FAULT, RESULTS, installed_here, load, play, summary, tried

_BEGIN, _END = "<!-- tables of the schedules -->", "<!-- end of the tables -->"


def table(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as a Markdown table; what did not happen is 0."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(name, 0)) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for, and print its table; return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that no process and no mount is left behind
    if options.command == "table":
        rows = load(options.results)
        text = f"{table(tried(rows))}\n\n{table(summary(rows))}"
        print(text)
        if options.page is not None:
            options.page.write_text(_with_tables(options.page.read_text(), text))
        return 0
    if options.command == "schedules":
        return _schedules(options)
    with tempfile.TemporaryDirectory() as folder:
        if options.command == "kills":
            rows = kills(options.times, options.iterations, options.seed, Path(folder))
        else:
            rows = damage(options.times, options.seed, Path(folder))
    print(table(rows))
    return 0


def _schedules(options: argparse.Namespace) -> int:
    kinds = tuple(options.kinds.split(","))
    if unknown := {*kinds} - {*KINDS}:
        sys.exit(f"--kinds must name some of {','.join(KINDS)}, got {','.join(sorted(unknown))}")
    if options.only:
        wanted = [schedule for number in options.only if (schedule := draw(options.seed, number)).setting.kind in kinds]
        kinds = tuple(schedule.setting.kind for schedule in wanted)
    else:
        wanted = list(schedules(options.seed, options.count, kinds))[options.skip :]
    if options.list:
        print("\n".join(map(str, wanted)))
        return 0
    with installed_here(options.bin, kinds) as installed:
        rows = play(wanted, installed, options.patience, options.results, options.keep)
    print(table(summary(rows)))
    return int(any(row["verdict"] in (FAULT, BROKEN) for row in rows))


def _with_tables(page: str, text: str) -> str:
    """Return a page with the tables between its two marks replaced."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        sys.exit(f"the page needs the lines {_BEGIN} and {_END}, between which the tables go")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=benchmarks.reliability.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    killing = commands.add_parser("kills", help="kill running studies")
    killing.add_argument("--times", type=int, default=100)
    killing.add_argument("--iterations", type=int, default=12, help="evaluations a drive, of 8 drives")
    damaging = commands.add_parser("damage", help="damage a study's files")
    damaging.add_argument("--times", type=int, default=10_000)
    playing = commands.add_parser("schedules", help="play random schedules of faults; exit code 1 if one does not hold")
    playing.add_argument("--count", type=int, default=500, help="numbers 0 to COUNT - 1")
    playing.add_argument("--skip", type=int, default=0, help="leave out the first ones of these")
    playing.add_argument("--only", type=int, nargs="+", metavar="K", help="only the schedules of these numbers")
    playing.add_argument("--kinds", default=",".join(KINDS), help="only these kinds, with commas (default: %(default)s)")
    playing.add_argument(
        "--bin",
        type=Path,
        nargs="+",
        default=[],
        help="folders that each hold the mpirun of an MPI library and a python whose mpi4py uses it; the one of this python is "
        "looked at in any case",
    )
    playing.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds after which a run hangs (default: %(default)s)"
    )
    playing.add_argument("--results", type=Path, help=f"append a line of JSON a schedule to this file, e.g. {RESULTS}")
    playing.add_argument("--keep", type=Path, help="keep the files of schedules that do not hold in this folder")
    playing.add_argument("--list", action="store_true", help="print the schedules and play none")
    for command in (killing, damaging, playing):
        command.add_argument("--seed", type=int, default=0)
    tabulating = commands.add_parser("table", help="print the table of stored results of schedules")
    tabulating.add_argument("--results", type=Path, default=RESULTS)
    tabulating.add_argument("--page", type=Path, help="put the table into this page, too, e.g. docs/reliability-tests.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())

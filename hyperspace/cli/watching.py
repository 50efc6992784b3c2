"""`hyperspace status PATH`: the state of a study, once or repeatedly."""

from __future__ import annotations

import math
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hyperspace.cli.path_arguments import StudyPath
from hyperspace.cli.printing import brief
from hyperspace.errors import InputError, StudyError
from hyperspace.system.terminal import duration, lose_output, printable, tell
from hyperspace.trials.incumbent import why_none

if TYPE_CHECKING:
    from hyperspace.results.monitor import Group, Overview

FINISHED, UNREADABLE, UNFINISHED = 0, 2, 3
_MANY = 64  # rows of a table that is shown once
_BAR = 24  # characters
_AROUND = 10  # lines of a terminal that are not available for rows


def status(
    path: StudyPath,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again until the study is finished.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
    by: Annotated[
        str | None, typer.Option(help="A row for each drive, rank, subspace or host.", show_default="as fine as is readable")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all rows, however many.")] = False,
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit with 0 if the study is finished (a rule may have ended it), 3 if not, 2 if it cannot be read.",
        ),
    ] = False,
) -> None:
    """Show what a study is doing, also while it runs: trials, best values, failures, who works, and the time left."""
    from hyperspace.results.monitor import GROUPS, Monitor

    if by is not None and by not in GROUPS:
        raise InputError(f"--by must be one of {', '.join(GROUPS)}, got {by!r}")
    console = Console(highlight=False)
    try:
        monitor = Monitor(path)
        overview = monitor.look(time.time())
        if watch:
            overview = _watch(monitor, overview, interval, lambda seen: view(seen, by, _room(console, every)), console, exit_code)
    except (StudyError, OSError) as caught:
        if isinstance(caught, OSError) and caught.filename is None:  # it is about standard output
            raise
        error = caught if isinstance(caught, StudyError) else StudyError(f"{path} cannot be read: {caught.strerror}")
        if not exit_code:
            raise error from caught
        tell(error)
        raise typer.Exit(UNREADABLE) from None
    if not watch:
        _show(console, view(overview, by, None if every else _MANY), exit_code)
    if exit_code:
        raise typer.Exit(FINISHED if overview.complete else UNFINISHED)


def _show(console: Console, lines: RenderableType, exit_code: bool) -> None:
    """Print the status; with `exit_code` a failure of standard output does not change the exit code."""
    try:
        console.print(lines)
        sys.stdout.flush()
    except OSError as error:
        if not exit_code:
            raise
        lose_output(error)


def _watch(monitor: Any, overview: Overview, interval: float, show: Any, console: Console, exit_code: bool) -> Overview:
    """Show the study until it is finished or the user ends the display; return the last state."""
    if not console.is_terminal:
        return _log(monitor, overview, interval, show, console, exit_code)
    try:
        with Live(show(overview), console=console, auto_refresh=False, vertical_overflow="crop") as live:
            while not overview.complete:
                time.sleep(interval)
                overview = monitor.look(time.time())
                live.update(show(overview), refresh=True)
    except KeyboardInterrupt:
        pass
    return overview


def _log(monitor: Any, overview: Overview, interval: float, show: Any, console: Console, exit_code: bool) -> Overview:
    """Print a line after every change, for a file or another program, and the whole table at the end."""
    told = ""
    try:
        while not overview.complete:
            counts, best, _, who = _head(overview)
            line = f"{counts.plain.lstrip('━').strip()}; {best.plain}; {who.plain.split(';')[0]}"
            if line != told:
                _show(console, Text(f"{moment(overview.now, overview.now)}  {line}"), exit_code)
                told = line
            time.sleep(interval)
            overview = monitor.look(time.time())
    except KeyboardInterrupt:
        pass
    _show(console, show(overview), exit_code)
    return overview


def _room(console: Console, every: bool) -> int | None:
    if every:
        return None
    return max(console.height - _AROUND, 3) if console.is_terminal else _MANY


def view(overview: Overview, by: str | None, most: int | None) -> Lines:
    """Return the display of a study on a terminal.

    Args:
        overview: its state.
        by: grouping of the rows; None for the finest readable one.
        most: largest number of rows; None for all.
    """
    by = by or overview.finest()
    groups = overview.groups(by)
    shown = groups if most is None else groups[:most]
    lines: list[Any] = [*_head(overview), Text()]
    if groups:
        lines.append(_table(overview, shown, by))
    if len(shown) < len(groups):
        lines.append(Text(f"and {len(groups) - len(shown)} more; --all shows them", style="dim"))
    return Lines(*lines)


def _head(overview: Overview) -> list[Text]:
    whole = overview.whole
    done = min(whole.finished / overview.planned, 1.0) if overview.planned else 1.0
    bar = Text("━" * round(_BAR * done), style="green") + Text("━" * (_BAR - round(_BAR * done)), style="dim")
    counts = Text(f"  {whole.finished} of {overview.planned} trial{'' if overview.planned == 1 else 's'}")
    if whole.failed:
        counts.append(f", {whole.failed} failed ({whole.failed / whole.finished:.0%})", style="red")
    if whole.pruned:
        counts.append(f", {whole.pruned} pruned ({whole.pruned / whole.finished:.0%})")
    if whole.infeasible:
        counts.append(f", {whole.infeasible} infeasible ({whole.infeasible / whole.finished:.0%})")
    best = Text(why_none(overview.trials) if overview.front is None else overview.front.why_none)
    if overview.front is not None and overview.front.size:
        front = overview.front
        best = Text(f"{front.size} trial{'' if front.size == 1 else 's'} on the front", style="bold")
        best.append(f", hypervolume {front.hypervolume:.6g}", style="not bold")
        if overview.description.metrics.constraints:
            best.append(f", {front.feasible:.0%} feasible", style="not bold")
    if whole.best is not None:
        goal = "largest" if overview.description.metrics.maximize else "least"
        best = Text(f"best {brief(whole.best)}", style="bold") + Text(f", the {goal} value so far", style="not bold")
    times = [f"worked for {duration(overview.elapsed)}"]
    if not math.isnan(whole.utilization):
        times.append(f"evaluations took {whole.utilization:.0%} of it")
    if not overview.complete and overview.left is not None:
        times.append(f"about {duration(overview.left)} left")
    return [bar + counts, best, Text(", ".join(times)), _who(overview)]


def _who(overview: Overview) -> Text:
    if overview.complete:
        early = overview.ended_by is not None and overview.whole.finished < overview.planned
        return Text(f"finished: ended by {printable(overview.ended_by)}" if early else "finished", style="green")
    if overview.workers:
        return Text(
            f"worked by {printable(', '.join(overview.workers[:3]))}" + (" and others" if len(overview.workers) > 3 else "")
        )
    since = duration(max(overview.now - overview.whole.last_seen, 0.0))
    seen = f"; the last sign of it is {since} old" if overview.whole.last_seen else ""
    if overview.working is False:
        return Text(f"not finished, and nobody works on it{seen}; start the program again to go on", style="yellow")
    return Text(f"not finished{seen}")


def _table(overview: Overview, groups: list[Group], by: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(by, justify="left" if by == "host" else "right")
    pruning, limited = overview.whole.pruned > 0, overview.whole.infeasible > 0
    counts = ["failed", *(["pruned"] if pruning else []), *(["infeasible"] if limited else [])]
    for name in ("trials", "best", *counts, "busy", "running", "last seen"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in groups:
        winner = group.best is not None and group.best == overview.whole.best
        idle = overview.working is False and group.running is not None
        table.add_row(
            Text(printable(group.label)),
            str(group.finished),
            Text("" if group.best is None else brief(group.best).plain, style="bold" if winner else ""),
            Text(str(group.failed) if group.failed else "", style="red"),
            *([str(group.pruned) if group.pruned else ""] if pruning else []),
            *([str(group.infeasible) if group.infeasible else ""] if limited else []),
            "" if math.isnan(group.utilization) else f"{group.utilization:.0%}",
            _running(overview, group) if not idle else Text("cut off", style="yellow"),
            moment(group.last_seen, overview.now),
        )
    return table


def _running(overview: Overview, group: Group) -> Text:
    trial = group.running
    return Text("") if trial is None else Text(f"no. {trial.iteration} for {duration(max(overview.now - trial.started, 0.0))}")


def moment(when: float, now: float) -> str:
    """Return a time of today as 14:03:09, another one with its date; "" for none."""
    if not when:
        return ""
    then, today = datetime.fromtimestamp(when), datetime.fromtimestamp(now)
    return then.strftime("%H:%M:%S" if then.date() == today.date() else "%Y-%m-%d %H:%M")

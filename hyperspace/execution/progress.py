"""Progress display of a running study: a bar on a terminal, occasional lines in a log file.

The display is not essential. It costs little, and a closed terminal or a full disk ends the display but never the study.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from hyperspace.system.terminal import duration, fitting

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_REDRAW_SECONDS = 0.2  # least time between redraws of a terminal
_LINE_SECONDS = 3.0  # time between two lines of a log at first ...
_LINE_FRACTION = 1 / 15  # ... and later as a fraction of the elapsed time: some 100 lines in a day


class Progress:
    """Display of the finished trials, the best value so far, the number of unusable trials, and the time left.

    Args:
        total: number of planned evaluations, including those of earlier runs.
        done: number of evaluations of earlier runs.
        stream: output stream; None for sys.stdout. A terminal shows a bar, other streams plain lines.
        clock: returns seconds.
    """

    def __init__(
        self, total: int, done: int = 0, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._done_before = self._done = done
        self._best: float | None = None
        self._counts: dict[str, int] = {}
        self._stream: TextIO | None = sys.stdout if stream is None else stream
        self._clock = clock
        self._begun = clock()
        self._shown = ""
        self._bar = _make_bar(self._stream, total, done) if _is_terminal(self._stream) else None
        self._next = self._begun + (0.0 if self._bar is not None else _LINE_SECONDS)
        if self._bar is not None:
            self._attempt(self._bar.start)

    def note(self, text: str) -> None:
        """Show a line of text; on a terminal above the bar."""
        bar, stream = self._bar, self._stream
        text = fitting(text, stream, lines=True)
        if bar is not None:
            self._attempt(lambda: bar.console.print(text, markup=False, highlight=False))
        elif stream is not None:
            self._attempt(lambda: print(text, file=stream, flush=True))

    def update(self, done: int, best: float | None, **counts: int) -> None:
        """Record the progress, and show it if it is time to.

        Args:
            done: number of evaluations, including those of earlier runs.
            best: the best value so far, as the objective returns it; None before there is one.
            counts: numbers of evaluations among `done` by status, such as "failed"; zeros are not shown.
        """
        self._done, self._best, self._counts = done, best, counts
        now = self._clock()
        if now < self._next or done == self._done_before:
            return
        wait = _REDRAW_SECONDS if self._bar is not None else max(_LINE_SECONDS, (now - self._begun) * _LINE_FRACTION)
        self._next = now + wait
        self._show()

    def close(self, last: str | None = None) -> None:
        """Show the final state and a last line, and release the terminal. Further calls have no effect."""
        if self._done > self._done_before:
            self._show()
        if self._bar is not None:
            self._attempt(self._bar.stop)
        if last is not None:
            self.note(last)
        self._stream = self._bar = None

    def _show(self) -> None:
        text, bar = self._text(), self._bar
        if text == self._shown:
            return
        self._shown = text
        if bar is not None:
            self._attempt(lambda: bar.update(bar.task_ids[0], completed=self._done, text=text, refresh=True))
        else:
            self.note(text)

    def _text(self) -> str:
        total = max(self._total, self._done)  # an earlier run may have made more than this one plans
        parts = [f"{self._done:>{len(str(total))}}/{total} trials"]
        if self._best is not None:
            parts.append(f"best {self._best:<11.6g}")
        parts += [f"{number} {what}" for what, number in self._counts.items() if number]
        elapsed = self._clock() - self._begun
        here = self._done - self._done_before
        if self._done >= self._total:
            parts.append(f"in {duration(elapsed)}")
        elif here > 0:
            parts.append(f"{duration(elapsed / here * (self._total - self._done))} left")
        return "  ".join(parts)

    def _attempt(self, show: Callable[[], object]) -> None:
        try:
            show()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._stream = self._bar = None


def _is_terminal(stream: TextIO | None) -> bool:
    # Open MPI gives its ranks a terminal even if mpirun's output is a file, so none of its ranks draws a bar.
    unsure = "OMPI_COMM_WORLD_RANK" in os.environ or os.environ.get("ENVIRONMENT") == "BATCH"
    return stream is not None and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not unsure


def _make_bar(stream: TextIO | None, total: int, done: int) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    # No thread redraws it: the objective may fork, and a rank has only one core.
    columns = BarColumn(bar_width=None), TextColumn("{task.fields[text]}")
    bar = Bar(*columns, console=Console(file=stream), auto_refresh=False, expand=True)
    bar.add_task("", total=total, completed=done, text=f"{done}/{total} trials")
    return bar

"""What a study is doing, from its files alone, on any machine that sees them; reads on where it stopped reading."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from hyperspace.errors import InputError, shown
from hyperspace.journal import Leases, StudyFolder
from hyperspace.journal.reader import DriveReader
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.results.activity import evaluation, last_event, mean_utilization, timed, utilization, worked
from hyperspace.study.description import Description, describe_study
from hyperspace.trials.incumbent import best_trial, is_infeasible
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import PRUNED, RUNNING, Trial, fix_goal, judged

GROUPS: dict[str, Callable[[Trial], Any]] = {name: attrgetter(name) for name in ("drive", "rank", "subspace", "host")}
READABLE = 64  # rows that a table is read at a glance with


@dataclass(frozen=True, slots=True)
class Group:
    """What some of a study's trials have come to.

    Attributes:
        label: what they have in common, a number of a drive, rank or subspace, or a host.
        finished: trials that ended.
        failed: those of them that failed or timed out.
        pruned: those of them that a pruning rule ended.
        infeasible: those of them that ended well and broke a constraint.
        best: the best value; None before there is one.
        running: the trial under way that began first; None if there is none.
        last_seen: when one of them last began or ended, in seconds since the epoch.
        utilization: of the runs in which one of these was evaluated, the part in which one was; nan if that is nothing yet.
    """

    label: Any
    finished: int
    failed: int
    pruned: int
    infeasible: int
    best: float | None
    running: Trial | None
    last_seen: float
    utilization: float


@dataclass(frozen=True, slots=True)
class Overview:
    """What a study is doing.

    Attributes:
        description: what it is.
        trials: all of them, those that were given left out.
        whole: all of them as one group; its utilization is the mean of the ranks', and those that were given may be its best.
        now: when this was so, in seconds since the epoch.
        workers: who holds its leases and is alive; None where that cannot be told.
        elapsed: seconds that it was worked, pauses left out.
        left: seconds that the rest is expected to take at the pace of this run; None where nothing tells.
        ended_by: the rule that has ended the study before its budget was spent; None where none has.
    """

    description: Description
    trials: Sequence[Trial]
    whole: Group
    now: float
    workers: tuple[str, ...] | None
    elapsed: float
    left: float | None
    ended_by: str | None = None

    @property
    def planned(self) -> int:
        """Evaluations in all; never fewer than there are, where an earlier run was asked for more than the last one."""
        return max(self.description.planned, self.whole.finished)

    @property
    def complete(self) -> bool:
        """Whether all that was planned has ended, or a rule has ended the study and nobody works on it any more."""
        return self.whole.finished >= self.planned or (self.ended_by is not None and not self.working)

    @property
    def working(self) -> bool | None:
        """Whether somebody works on it; None if that cannot be told."""
        return None if self.workers is None else bool(self.workers)

    def groups(self, by: str) -> list[Group]:
        """Return the trials by "drive", "rank", "subspace" or "host".

        Raises:
            InputError: another grouping.
        """
        if by not in GROUPS:
            raise InputError(f"by must be one of {', '.join(GROUPS)}, got {shown(by)}")
        until = self._running_until()
        periods = worked(self.trials, until)
        parts: dict[Any, list[Trial]] = {}
        for trial in self.trials:
            parts.setdefault(GROUPS[by](trial), []).append(trial)
        return [
            _group(label, parts[label], self.description.metrics, utilization(parts[label], periods, until))
            for label in sorted(parts)
        ]

    def finest(self) -> str:
        """Return the finest grouping that is read at a glance."""
        sizes = {by: len({GROUPS[by](trial) for trial in self.trials}) for by in GROUPS}
        return max((by for by in GROUPS if sizes[by] <= READABLE), key=sizes.__getitem__, default="host")

    def _running_until(self) -> float:
        return running_until(self.trials, self.working, self.now)


class Monitor:
    """Reads a study again and again; each time only what is new.

    Args:
        results_path: the folder that hyperdrive writes.

    Raises:
        StudyError: no study there, or a damaged file (its name and line).
    """

    def __init__(self, results_path: str | os.PathLike[str]) -> None:
        self._folder = StudyFolder(results_path)
        self._readers: dict[int, DriveReader] = {}
        describe_study(self._folder)  # tells at once what cannot be read

    @own_numerics()
    def look(self, now: float) -> Overview:
        """Return what the study is doing at `now` (seconds since the epoch).

        Raises:
            StudyError: a damaged file.
        """
        description = describe_study(self._folder)  # how far it is to go may have changed
        for drive, files in self._folder.segments().items():
            if drive not in self._readers:
                self._readers[drive] = self._folder.reader(drive, description.space, description.identity)
            self._readers[drive].read(files)
        trials = [trial for reader in self._readers.values() for trial in reader.trials.values()]
        fix_goal(description.metrics, trials)
        trials = [judged(trial, description.metrics) for trial in trials]
        ended_by = self._folder.read_ending()
        workers = _workers(self._folder)
        until = running_until(trials, None if workers is None else bool(workers), now)
        periods = worked(trials, until)
        ranks: dict[int, list[Trial]] = {}
        for trial in trials:
            ranks.setdefault(trial.rank, []).append(trial)
        whole = _group("all", trials, description.metrics, mean_utilization(ranks.values(), periods, until))
        whole = replace(whole, best=best_value([*description.given, *(t for t in trials if t.finished)], description.metrics))
        left = _time_left(trials, description.planned - whole.finished, until, working=workers != ())
        return Overview(description, trials, whole, now, workers, sum(period.seconds for period in periods), left, ended_by)


def running_until(trials: Iterable[Trial], working: bool | None, now: float) -> float:
    """Return until when running trials have lasted: now, or the last event where nobody works on the study any more."""
    return last_event(trials) if working is False else now


def _workers(folder: StudyFolder) -> tuple[str, ...] | None:
    """Return who holds the study's leases and is alive."""
    if not folder.leases.is_dir():
        return None
    try:
        holders = Leases(folder.leases).holders()
    except OSError:  # a folder that may only be read
        return None
    return tuple(sorted({str(held.owner or "an unknown process") for held in holders.values() if not held.expired}))


def _group(label: Any, trials: Sequence[Trial], metrics: Metrics, share: float) -> Group:
    ended = [trial for trial in trials if trial.finished]
    running = [trial for trial in trials if trial.status == RUNNING]
    return Group(
        label=label,
        finished=len(ended),
        failed=sum(trial.failed for trial in ended),
        pruned=sum(trial.status == PRUNED for trial in ended),
        infeasible=sum(is_infeasible(trial, metrics) for trial in ended),
        best=best_value(ended, metrics),
        running=min(running, key=lambda trial: trial.started, default=None),
        last_seen=last_event(trials),
        utilization=share,
    )


def best_value(trials: Iterable[Trial], metrics: Metrics) -> float | None:
    """Return the value of the best trial (see `incumbent`), as the objective returned it; None without one."""
    best = best_trial(trials, metrics)
    return None if best is None else metrics.value(best.metrics)


def _time_left(trials: Sequence[Trial], missing: int, now: float, working: bool) -> float | None:
    """Return how long `missing` evaluations take at the pace of the run that is under way, or was the last one."""
    if missing <= 0:
        return 0.0
    periods = worked(trials, now)
    if not periods or not working:
        return None
    begun = periods[-1].start
    ended = sum(trial.finished and evaluation(trial, now).end > begun for trial in timed(trials))
    return None if ended == 0 else (now - begun) / ended * missing

"""Monitor of a study: its state from its files, on any machine with access to them; repeated reads are incremental."""

from __future__ import annotations

import math
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
READABLE = 64  # largest number of rows of a readable table


@dataclass(frozen=True, slots=True)
class Group:
    """State of a group of a study's trials.

    Attributes:
        label: common value of the group: the number of a drive, rank or subspace, or a host.
        finished: number of finished trials.
        failed: number of failed or timed-out ones.
        pruned: number of pruned ones.
        infeasible: number of those that ended well and violated a constraint.
        best: the best value; None before there is one.
        running: the running trial that started first; None if there is none.
        last_seen: time of the last start or end of one of them, in seconds since the epoch.
        utilization: share of the time of their runs in which one of them was evaluated; nan without any time.
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
class FrontState:
    """Front of a study with several goals.

    Attributes:
        size: number of trials on it.
        hypervolume: see `Result.hypervolume`.
        feasible: share of the complete trials that satisfy the constraints; nan without any.
        why_none: why it is empty.
    """

    size: int
    hypervolume: float
    feasible: float
    why_none: str


@dataclass(frozen=True, slots=True)
class Overview:
    """State of a study.

    Attributes:
        description: description of the study.
        trials: all trials without given ones.
        whole: all trials as one group; its utilization is the mean of the ranks', and its best trial may be
            a given one.
        now: time of this state, in seconds since the epoch.
        workers: living holders of its leases; None if unknown.
        elapsed: active seconds of the study, without pauses.
        left: expected seconds for the rest at the pace of this run; None if unknown.
        ended_by: the rule that ended the study before its budget was spent; None if none did.
        front: the front of a study with several goals; None with one goal.
    """

    description: Description
    trials: Sequence[Trial]
    whole: Group
    now: float
    workers: tuple[str, ...] | None
    elapsed: float
    left: float | None
    ended_by: str | None = None
    front: FrontState | None = None

    @property
    def planned(self) -> int:
        """Planned number of evaluations; never less than the number of trials, if an earlier run had planned more."""
        return max(self.description.planned, self.whole.finished)

    @property
    def complete(self) -> bool:
        """Whether all planned evaluations have ended, or a rule has ended the study and no process works on it."""
        return self.whole.finished >= self.planned or (self.ended_by is not None and not self.working)

    @property
    def working(self) -> bool | None:
        """Whether a process works on it; None if unknown."""
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
        """Return the finest grouping with a readable table."""
        sizes = {by: len({GROUPS[by](trial) for trial in self.trials}) for by in GROUPS}
        return max((by for by in GROUPS if sizes[by] <= READABLE), key=sizes.__getitem__, default="host")

    def _running_until(self) -> float:
        return running_until(self.trials, self.working, self.now)


class Monitor:
    """Repeated, incremental reader of a study.

    Args:
        results_path: the folder that hyperdrive writes.

    Raises:
        StudyError: no study there, or a damaged file (its name and line).
    """

    def __init__(self, results_path: str | os.PathLike[str]) -> None:
        self._folder = StudyFolder(results_path)
        self._readers: dict[int, DriveReader] = {}
        describe_study(self._folder)  # raises early for an unreadable study

    @own_numerics()
    def look(self, now: float) -> Overview:
        """Return the state of the study at `now` (seconds since the epoch).

        Raises:
            StudyError: a damaged file.
        """
        description = describe_study(self._folder)  # the planned length may have changed
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
        elapsed = sum(period.seconds for period in periods)
        front = _front([*description.given, *trials], description) if description.metrics.several else None
        return Overview(description, trials, whole, now, workers, elapsed, left, ended_by, front)


def _front(trials: Iterable[Trial], description: Description) -> FrontState:
    """Return the state of the front, from trials in any order."""
    from hyperspace.results.result import Result

    result = Result(trials, description.space, description.metrics, description.partition)
    complete = result.goals_reached.complete
    feasible = float(result.goals_reached.usable.sum() / complete.sum()) if complete.any() else math.nan
    return FrontState(len(result.goals_reached.front), result.hypervolume, feasible, result.why_no_optimum())


def running_until(trials: Iterable[Trial], working: bool | None, now: float) -> float:
    """Return the end time of running trials: now, or the last event if no process works on the study."""
    return last_event(trials) if working is False else now


def _workers(folder: StudyFolder) -> tuple[str, ...] | None:
    """Return the living holders of the study's leases."""
    if not folder.leases.is_dir():
        return None
    try:
        holders = Leases(folder.leases).holders()
    except OSError:  # a read-only folder
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
    """Return the expected seconds for `missing` evaluations, at the pace of the current or the last run."""
    if missing <= 0:
        return 0.0
    periods = worked(trials, now)
    if not periods or not working:
        return None
    begun = periods[-1].start
    ended = sum(trial.finished and evaluation(trial, now).end > begun for trial in timed(trials))
    return None if ended == 0 else (now - begun) / ended * missing

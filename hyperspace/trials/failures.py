"""Detection of failures with a cause other than the points, so that a broken machine or program does not use up the budget.

Failures are part of a study: a surrogate learns to avoid their points. Two signs point to another cause: far more consecutive
failures than the other evaluations make probable, and failures that end faster than successful evaluations. One rule covers a
worker that is broken while others succeed, and a program that breaks after it has worked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from hyperspace.errors import shown
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import WRONG_FORM
from hyperspace.trials.trial import OK, Trial, TrialKey

HOPELESS = 10  # a study ends if this many trials per drive have no usable value
SUSPECT = 10  # consecutive failures below which no worker is suspected
FAST = 1.0  # seconds below which an evaluation always counts as fast: many fit into a budget before a user looks
IMPROBABLE = 4e-4  # probability below which consecutive failures are not due to chance
SAME_MISTAKE = 3  # a run ends if this many first evaluations fail with the same mistake in the program
RETRY = "retry_failed=True (hyperspace run --retry-failed) evaluates failed points again"

_OTHER_METRICS = (
    ". If it is a name in metrics= (--goal, --limit) that is wrong, correct that; this makes another study, which restart=True "
    "(--restart) begins in the same place"
)

# Exceptions that a program with a mistake raises at any point; subclasses by their own names.
_MISTAKES = (
    "NameError",
    "UnboundLocalError",
    "ImportError",
    "ModuleNotFoundError",
    "AttributeError",
    "TypeError",
    "KeyError",
    "SyntaxError",
    "IndentationError",
    "TabError",
)
_MISTAKE = re.compile(rf"^(?:{'|'.join(_MISTAKES)})(?::.*)?$", re.MULTILINE)


def all_failed(archive: Archive, n_drives: int, recorded: Container[TrialKey] = ()) -> str | None:
    """Return a sentence if this run has brought only failures, or no trial has a value of one of several goals; else None.

    Args:
        archive: all trials known.
        n_drives: number of drives.
        recorded: trials of earlier runs, which do not count, so that the same program can go on with other points.
    """
    trials = archive.trials
    has_success = any(trial.status == OK for trial in trials)
    if has_success and not archive.metrics.several:  # first: this is asked for every trial, and the count below is slow
        return None
    if sum(trial.key not in recorded for trial in trials) < HOPELESS * n_drives:
        return None
    if has_success:
        return _goal_without_values(archive)
    return (
        f"the first {len(trials)} trials all failed. The same program, started again, goes on with other points; {RETRY}. "
        f"The last one said:\n{(trials[-1].error or '').rstrip()}"
    )


def _goal_without_values(archive: Archive) -> str | None:
    """Return a sentence if no trial has a finite value of one of the study's goals; else None."""
    ended_well = [trial for trial in archive.trials if trial.status == OK]
    for j, goal in enumerate(archive.metrics.goals):
        if not any(math.isfinite(archive.metrics.losses(trial.metrics)[j]) for trial in ended_well):
            return (
                f"none of the first {len(ended_well)} trials that ended well has a finite value of {shown(goal.name)}, which is "
                f'a goal; return it, or give it another goal, such as goal="observe", in another study'
            )
    return None


def mistake_of(error: str | None) -> str | None:
    """Return the mistake in the program that caused an evaluation's error, in one line; None for any other error.

    It is an exception at the end of the error, or an answer of the wrong form, such as one without the goal.
    """
    lines = _MISTAKE.findall(error or "")
    if lines and (error or "").rstrip().endswith(lines[-1]):
        return str(lines[-1])
    answer = WRONG_FORM.search(error or "")
    return None if answer is None else answer.group(1)


class Mistakes:
    """Check whether the first evaluations of a run all fail with the same mistake in the program."""

    def __init__(self) -> None:
        self._mistake: str | None = None
        self._drives: list[int] = []
        self._over = False  # whether an evaluation has ended in another way

    def count(self, trial: Trial) -> None:
        """Record the end of an evaluation of this run; infrastructure failures are ignored."""
        if self._over or (trial.failed and trial.fault == "infrastructure"):
            return
        mistake = mistake_of(trial.error) if trial.failed else None
        self._over = mistake is None or (self._mistake is not None and mistake != self._mistake)
        self._mistake = mistake
        self._drives.append(trial.drive)

    def found(self, ranks: int = 1) -> str | None:
        """Return a sentence about the mistake; None if it has not occurred on each of `ranks` ranks that evaluate."""
        if self._over or len(self._drives) < SAME_MISTAKE or len({drive % ranks for drive in self._drives}) < ranks:
            return None
        named = "" if WRONG_FORM.search(self._mistake or "") is None else _OTHER_METRICS
        return (
            f"the first {len(self._drives)} evaluations of this run all failed with the same error, which other points would not "
            f"mend: {self._mistake}\nCorrect the objective and start the same program again; {RETRY}{named}"
        )


@dataclass(frozen=True, slots=True)
class Streak:
    """A worker's last evaluations, all failed, and statistics of the others.

    Attributes:
        trials: the failed ones, in order.
        others: number of other evaluations that have ended.
        others_failed: number of failed ones among them.
        pace: mean seconds of a successful one.
    """

    trials: Sequence[Trial]
    others: int
    others_failed: int
    pace: float

    @property
    def is_no_chance(self) -> bool:
        """Whether the points cannot explain this many consecutive failures.

        The rate of failures has a uniform prior and is learned from the other evaluations, f of n of which failed. The
        probability of k more failures is then B(f + k + 1, n - f + 1) / B(f + 1, n - f + 1) (beta-binomial distribution).
        Failures that took longer than successful evaluations are ignored: the objective was working.
        """
        if len(self.trials) < SUSPECT or self.others_failed >= self.others:
            return False
        failed, succeeded = self.others_failed + 1, self.others - self.others_failed + 1
        log_probability = _log_beta(failed + len(self.trials), succeeded) - _log_beta(failed, succeeded)
        seconds = sum(trial.seconds or 0.0 for trial in self.trials) / len(self.trials)
        return log_probability < math.log(IMPROBABLE) and seconds <= max(self.pace, FAST)

    def describe(self, in_full: bool = False) -> str:
        """Return the observation as the end of a sentence, with the last line of the last error, or with all of it."""
        error = (self.trials[-1].error or "").strip()
        told = f"\n{error}" if in_full else f" {error.splitlines()[-1] if error else 'nothing'}"
        return (
            f"its last {len(self.trials)} evaluations all failed, where {self.others_failed} of {self.others} others did; "
            f"the last one said:{told}"
        )


def _log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def streak_of(failed: Sequence[Trial], known: Iterable[Trial]) -> Streak:
    """Return a worker's consecutive failures, compared with all other finished trials.

    Args:
        failed: its last evaluations, all failed.
        known: all known trials, with or without these.
    """
    own = {trial.key for trial in failed}
    # Points that the user wanted first are left out: they are known to work, and tell nothing of the others.
    others = [trial for trial in known if trial.finished and trial.drive >= 0 and trial.arm != "x0" and trial.key not in own]
    well = [trial.seconds or 0.0 for trial in others if trial.status == OK]
    pace = sum(well) / len(well) if well else 0.0
    return Streak(failed, len(others), sum(trial.failed for trial in others), pace)


class OwnFailures:
    """Record of the evaluations that one worker makes in this run.

    Attributes:
        made: number of finished ones.
    """

    def __init__(self) -> None:
        self.made = 0
        self._failed: list[Trial] = []

    def count(self, trial: Trial) -> None:
        """Record the end of an evaluation."""
        self.made += 1
        if trial.failed:
            self._failed.append(trial)
        else:
            self._failed.clear()

    def streak(self, known: Iterable[Trial]) -> Streak | None:
        """Return consecutive failures that are not due to chance, given the known trials; None if there are none."""
        if len(self._failed) < SUSPECT:
            return None
        streak = streak_of(self._failed, known)
        return streak if streak.is_no_chance else None

    def must_wait(self, n_known: int) -> bool:
        """Return whether to start nothing while others evaluate, because it is not yet known whether this worker is broken.

        A broken worker could fail a whole budget before the first evaluation of an intact one has ended.

        Args:
            n_known: number of known finished trials.
        """
        return len(self._failed) >= SUSPECT + n_known - self.made


def failing_workers(trials: Iterable[Trial]) -> list[str]:
    """Return a sentence for each worker (rank and host) whose failures are not due to chance."""
    ended = [trial for trial in trials if trial.finished and trial.drive >= 0]
    by_worker: dict[tuple[int, str], list[Trial]] = {}
    for trial in ended:
        by_worker.setdefault((trial.rank, trial.host), []).append(trial)
    sentences = []
    for (rank, host), own in sorted(by_worker.items()):
        own.sort(key=lambda trial: (trial.started, trial.key))
        start = max((number for number, trial in enumerate(own, start=1) if not trial.failed), default=0)
        if len(own) - start >= SUSPECT and (streak := streak_of(own[start:], ended)).is_no_chance:
            sentences.append(f"worker {rank} on {host} seems to be broken: {streak.describe()}")
    return sentences

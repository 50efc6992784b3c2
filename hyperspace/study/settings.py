"""Settings of a study, and the part of them that is fixed at its creation.

The fixed part is the fingerprint. It is written to study.json. A later run with a different one is an error that shows the
difference. The length (n_iterations, n_calls, deadline) is not part of it, so that a study can be extended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.strategies.spec import SearchSettings, StrategySpec
from hyperspace.study.differences import describe_difference
from hyperspace.trials.metrics import Metric
from hyperspace.trials.records import trial_record
from hyperspace.trials.trial import Trial, TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings(SearchSettings):
    """All settings of a study: those of its search, and the following.

    Attributes:
        objective_name, model_name: their names in the fingerprint.
        strategy: strategy of the search.
        n_calls: total number of evaluations without given ones; None if n_iterations is set.
        n_iterations: number of evaluations of each drive; None if n_calls is set.
        given: given evaluations.
    """

    objective_name: str
    model_name: str
    strategy: StrategySpec
    n_iterations: int | None
    n_calls: int | None
    given: tuple[Trial, ...]

    @property
    def shared(self) -> bool:
        """Whether a drive knows the trials of the others."""
        return self.exchange.is_shared

    @property
    def planned(self) -> int:
        """Total number of evaluations."""
        if self.n_calls is not None:
            return self.n_calls
        assert self.n_iterations is not None  # one of the two is set
        return self.n_iterations * self.n_drives

    def budget(self, drive: int) -> int:
        """Return the number of evaluations of `drive`; with n_calls the first n_calls mod n_drives drives make one more."""
        return self.planned // self.n_drives + (drive < self.planned % self.n_drives)

    def first_point(self, key: TrialKey) -> tuple[Any, ...] | None:
        """Return the user's point for a trial; None if the strategy chooses it.

        The points are assigned to the drives at the creation of the study, so that they stay when other drives join.
        """
        number = key.iteration * self.founders + key.drive
        return self.first[number] if key.drive < self.founders and number < len(self.first) else None

    @property
    def rounds(self) -> int:
        """Largest number of evaluations of a drive."""
        return self.budget(0)

    def fingerprint(self) -> dict[str, Any]:
        """Return the settings that are fixed at the study's creation, as plain JSON."""
        first = {"x0": [self.space.dump(x) for x in self.first]} if self.first else {}  # earlier versions do not have it
        return {
            "space": self.space.describe(),
            "named": self.space.named,
            "objective": self.objective_name,
            "model": self.model_name,
            "acquisition": self.acquisition,
            "strategy": self.strategy.name,
            "n_subspaces": self.partition.n_subspaces,
            "n_drives": self.founders,
            "overlap": self.partition.overlap,
            "sampler": self.sampler,
            "n_samples": self.n_samples,
            "metrics": [_metric_record(metric) for metric in self.metrics.declared],
            "maximize": self.metrics.maximize,
            "given": [trial_record(trial, self.space) for trial in self.given],
            "random_state": self.seed,
            **first,
        }

    @property
    def identity(self) -> str:
        """A hash of the fingerprint, which every journal carries."""
        return identity(self.fingerprint())


def _metric_record(metric: Metric) -> dict[str, Any]:
    record = asdict(metric)
    if record["threshold"] is None:  # earlier versions do not have it
        del record["threshold"]
    return record


def identity(fingerprint: Mapping[str, Any]) -> str:
    """Return the hash of a fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:16]


def check_same(recorded: Mapping[str, Any], wanted: Mapping[str, Any], folder: str) -> None:
    """Check that a folder holds the same study.

    Raises:
        StudyError: the fingerprints differ; the message shows the differences.
    """
    difference = describe_difference(recorded, wanted, "there", "now")
    if difference:
        raise StudyError(
            f"results_path {folder!r} holds another study, which differs in{difference}\n"
            f"Take another results_path, or restart=True (--restart), which sets the old folder aside. To begin from what is "
            f"known there, take another results_path and warm_start={folder!r} (--warm-start): it takes over the evaluations "
            f"that fit"
        )

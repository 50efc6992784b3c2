"""What a study is: its settings, and what of them is fixed when it is created.

The fixed part is the fingerprint. It stands in study.json, and a later run with another one is refused with the difference
shown. How far to go (n_iterations, n_calls, deadline) is no part of it, so that a study can be extended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hyperspace.errors import InputError, StudyError
from hyperspace.space.partition import Partition
from hyperspace.space.space import Space
from hyperspace.study.differences import describe_difference
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.records import trial_record
from hyperspace.trials.trial import Trial, TrialKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study's settings, all of them checked.

    Attributes:
        space, metrics, partition: see there.
        objective_name, model_name: what stands for them in the fingerprint.
        model: a model's name, an algorithm with options, or the user's own surrogate or optimizer; a tuple of them by drive.
        n_drives: number of drives, a multiple of the partition's subspaces.
        founders: how many of these the study was created with; the others have joined it later.
        n_calls: evaluations in all, those that were given not counted; None where n_iterations holds.
        n_iterations: evaluations a drive; None where n_calls holds.
        given: evaluations that the user brought along.
        first: points that the user wants to be evaluated before a model chooses any, dealt out to the founders in turn.
        seed: entropy of all random streams.
    """

    space: Space
    metrics: Metrics
    partition: Partition
    objective_name: str
    model: Any
    model_name: str
    acquisition: str
    strategy: str
    exchange: str
    sampler: str
    n_samples: int
    n_drives: int
    founders: int
    n_iterations: int | None
    n_calls: int | None
    given: tuple[Trial, ...]
    first: tuple[tuple[Any, ...], ...]
    seed: int

    @property
    def shared(self) -> bool:
        """Whether a drive knows the trials of the others."""
        return self.exchange != "none"

    @property
    def planned(self) -> int:
        """Evaluations in all."""
        if self.n_calls is not None:
            return self.n_calls
        assert self.n_iterations is not None  # one of the two is set
        return self.n_iterations * self.n_drives

    def budget(self, drive: int) -> int:
        """Return how many evaluations `drive` makes; with n_calls the first n_calls mod n_drives drives do one more."""
        return self.planned // self.n_drives + (drive < self.planned % self.n_drives)

    def first_point(self, key: TrialKey) -> tuple[Any, ...] | None:
        """Return the point of a trial that the user wants to be evaluated first; None where the strategy chooses it.

        They are dealt out to the drives that the study was created with, so that each stays where it was when others join.
        """
        number = key.iteration * self.founders + key.drive
        return self.first[number] if key.drive < self.founders and number < len(self.first) else None

    @property
    def rounds(self) -> int:
        """The most evaluations that a drive makes."""
        return self.budget(0)

    def fingerprint(self) -> dict[str, Any]:
        """Return what is fixed at the study's creation, as plain JSON."""
        first = {"x0": [self.space.dump(x) for x in self.first]} if self.first else {}  # unknown to studies of earlier versions
        return {
            "space": self.space.describe(),
            "named": self.space.named,
            "objective": self.objective_name,
            "model": self.model_name,
            "acquisition": self.acquisition,
            "strategy": self.strategy,
            "n_subspaces": self.partition.n_subspaces,
            "n_drives": self.founders,
            "overlap": self.partition.overlap,
            "sampler": self.sampler,
            "n_samples": self.n_samples,
            "metrics": [asdict(metric) for metric in self.metrics.declared],
            "maximize": self.metrics.maximize,
            "given": [trial_record(trial, self.space) for trial in self.given],
            "random_state": self.seed,
            **first,
        }

    @property
    def identity(self) -> str:
        """A hash of the fingerprint, which every journal carries."""
        return identity(self.fingerprint())


def identity(fingerprint: Mapping[str, Any]) -> str:
    """Return the hash of a fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:16]


def check_same(recorded: Mapping[str, Any], wanted: Mapping[str, Any], folder: str) -> None:
    """Refuse to go on with another study in a folder.

    Raises:
        StudyError: the fingerprints differ; the message shows where.
    """
    difference = describe_difference(recorded, wanted, "there", "now")
    if difference:
        raise StudyError(
            f"results_path {folder!r} holds another study, which differs in{difference}\n"
            f"Take another results_path, or restart=True (--restart), which sets the old folder aside. To begin from what is "
            f"known there, take another results_path and warm_start={folder!r} (--warm-start): it takes over the evaluations "
            f"that fit"
        )


def check_alike(first: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse ranks that were called with different arguments.

    Raises:
        InputError: the fingerprints of rank 0 and of this rank differ; the message shows where.
    """
    difference = describe_difference(first, own, "on rank 0", "here")
    if difference:
        raise InputError(f"every rank must call hyperdrive with the same arguments, and they differ in{difference}")

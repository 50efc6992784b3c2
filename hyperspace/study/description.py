"""Description of a study, read from its study.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder
from hyperspace.space.partition import Partition
from hyperspace.space.space import Space, space_from
from hyperspace.study.settings import identity
from hyperspace.trials.metrics import Metric, Metrics
from hyperspace.trials.records import load_trial
from hyperspace.trials.trial import Trial, fix_goal


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """Description of a study.

    Attributes:
        space, metrics, partition: objects of these classes.
        given: given evaluations.
        planned: total number of evaluations of the last run's arguments, without given ones.
        exchange: how drives share trials.
        fingerprint: the settings that were fixed at its creation.
        versions: library -> version of the last run, or of the creation.
    """

    space: Space
    metrics: Metrics
    partition: Partition
    given: tuple[Trial, ...]
    planned: int
    exchange: str
    fingerprint: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def identity(self) -> str:
        """Identity of the study, which every journal carries."""
        return identity(self.fingerprint)

    @property
    def models(self) -> tuple[str, ...]:
        """Models of the drives in turn; a single one if all drives have the same."""
        return split_label(str(self.fingerprint["model"]))


def describe_study(folder: StudyFolder) -> Description:
    """Return the description of the study in a folder.

    Raises:
        StudyError: the folder does not hold a study, or study.json is damaged.
    """
    record = folder.read_study()
    if record is None:
        if pickles := sorted(file.name for file in folder.path.glob("hyperspace[0-9][0-9]*")):
            raise StudyError(
                f"{folder.path} holds results of the original HyperSpace ({pickles[0]}, ...), which are not read because they "
                f"are pickles, and reading a pickle runs code; if you trust them, open each with skopt.load and pass its x_iters "
                f"and func_vals on as x0= and y0="
            )
        raise StudyError(f"{folder.path} holds no study (there is no {folder.study_file.name} in it)")
    try:
        fingerprint = record["fingerprint"]
        space = space_from(fingerprint["space"], fingerprint["named"])
        declared = [Metric(**fields) for fields in fingerprint["metrics"]]
        metrics = Metrics(declared or None, maximize=fingerprint["maximize"] and not declared)
        given = tuple(load_trial(given, space) for given in fingerprint["given"])
        metrics.fix(folder.read_goal())
        fix_goal(metrics, given)
        return Description(
            space=space,
            metrics=metrics,
            partition=Partition(space, fingerprint["n_subspaces"], fingerprint["overlap"]),
            given=given,
            planned=int(record["planned"]),
            exchange=str(record["exchange"]),
            fingerprint=fingerprint,
            versions=dict(record["versions"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{folder.study_file} is damaged: {type(error).__name__}: {error}") from error


def split_label(label: str) -> tuple[str, ...]:
    """Return the models in a label of `hyperspace.study.checks.label_of`; commas in brackets do not separate models."""
    parts, depth = [""], 0
    for character in label:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(part.strip() for part in parts)

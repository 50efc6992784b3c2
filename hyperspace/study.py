"""What a study is: its settings, checked once, and what of them is fixed when it is created.

The fixed part is the fingerprint. It stands in study.json, and a later run with another one is refused with the difference
shown. How far to go (n_iterations, n_calls, deadline) is no part of it, so that a study can be extended.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hyperspace.errors import InputError, NotBuiltError, StudyError
from hyperspace.metrics import Metric, Metrics
from hyperspace.optimizers import ALGORITHMS, is_algorithm
from hyperspace.optimizers.hyperband import Hyperband, check_halving, plan_loops
from hyperspace.partition import Partition
from hyperspace.records import trial_record
from hyperspace.space import Space
from hyperspace.trial import GIVEN_DRIVE, OK, Trial

LARGEST_STATIC_PARTITION = 4096
ACQUISITIONS = ("EI", "PI", "LCB", "TS", "gp_hedge")
STRATEGIES = ("static", "adaptive", "generations", "halving")
EXCHANGES = ("none", "round", "async", "files")
SAMPLERS = ("sobol", "lhs", "random")
MODELS = ("GP", "DNN", "ENSEMBLE", "RF", "ET", "GBRT", "RAND", *ALGORITHMS)
LEAST_GENERATION = 16  # evaluations of a generation whose size was left open


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study's settings, all of them checked.

    Attributes:
        space, metrics, partition: see there.
        objective_name, model_name: what stands for them in the fingerprint.
        model: a model's name, an algorithm with options, or the user's own surrogate or optimizer; a tuple of them by drive.
        n_drives: number of drives, a multiple of the partition's subspaces.
        n_calls: evaluations in all, those that were given not counted; None where n_iterations holds.
        n_iterations: evaluations a drive; None where n_calls holds.
        given: evaluations that the user brought along.
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
    n_iterations: int | None
    n_calls: int | None
    given: tuple[Trial, ...]
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

    @property
    def rounds(self) -> int:
        """The most evaluations that a drive makes."""
        return self.budget(0)

    def fingerprint(self) -> dict[str, Any]:
        """Return what is fixed at the study's creation, as plain JSON."""
        return {
            "space": self.space.describe(),
            "named": self.space.named,
            "objective": self.objective_name,
            "model": self.model_name,
            "acquisition": self.acquisition,
            "strategy": self.strategy,
            "n_subspaces": self.partition.n_subspaces,
            "n_drives": self.n_drives,
            "overlap": self.partition.overlap,
            "sampler": self.sampler,
            "n_samples": self.n_samples,
            "metrics": [asdict(metric) for metric in self.metrics.declared],
            "maximize": self.metrics.maximize,
            "given": [trial_record(trial, self.space) for trial in self.given],
            "random_state": self.seed,
        }

    @property
    def identity(self) -> str:
        """A hash of the fingerprint, which every journal carries."""
        return identity(self.fingerprint())


def identity(fingerprint: Mapping[str, Any]) -> str:
    """Return the hash of a fingerprint."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:16]


def check_same(recorded: Mapping[str, Any], wanted: Mapping[str, Any], path: str) -> None:
    """Refuse to go on with another study.

    Raises:
        StudyError: the fingerprints differ; the message shows where.
    """
    difference = _difference(recorded, wanted, "there", "now")
    if difference:
        raise StudyError(
            f"{path} holds another study, which differs in{difference}\n"
            f"Take another results_path, or restart=True, which sets the old folder aside."
        )


def check_alike(first: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse ranks that were called with different arguments.

    Raises:
        InputError: the fingerprints of rank 0 and of this rank differ; the message shows where.
    """
    difference = _difference(first, own, "on rank 0", "here")
    if difference:
        raise InputError(f"every rank must call hyperdrive with the same arguments, and they differ in{difference}")


def _difference(first: Mapping[str, Any], second: Mapping[str, Any], place: str, other: str) -> str:
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return "".join(f"\n  {name}: {_short(first.get(name))} {place}, {_short(second.get(name))} {other}" for name in names)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else text[:300] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What hyperdrive was asked for; what was left open is decided by `plan_study`."""

    objective_name: str
    space: Space
    metrics: Metrics
    model: Any
    acquisition: str
    strategy: str
    exchange: str | None
    sampler: str
    n_samples: int | None
    n_subspaces: int | None
    n_drives: int | None
    overlap: float
    n_iterations: int
    n_calls: int | None
    x0: Any
    y0: Any
    random_state: int | None


def plan_study(wanted: Wanted, recorded: Mapping[str, Any] | None, ranks: int, fresh_seed: int) -> Study:
    """Check what was asked for, and decide what was left open: as the recorded study did, or anew.

    Args:
        wanted: the arguments.
        recorded: the fingerprint in the study's folder; None for a new study.
        ranks: number of ranks.
        fresh_seed: seed of a new study that was asked to draw one.

    Raises:
        InputError: an argument is not what it has to be.
    """
    past = recorded or {}
    strategy = check_choice("strategy", wanted.strategy, STRATEGIES)
    exchange = check_choice("exchange", wanted.exchange, EXCHANGES) if wanted.exchange is not None else None
    if exchange is None:  # the published method shares nothing
        exchange = "none" if strategy == "static" else "async" if strategy != "generations" and ranks > 1 else "round"
    n_subspaces = wanted.n_subspaces if wanted.n_subspaces is not None else past.get("n_subspaces")
    partition = plan_subspaces(n_subspaces, strategy, wanted.space, wanted.overlap, ranks)
    n_drives = wanted.n_drives if wanted.n_drives is not None else past.get("n_drives")
    n_drives = plan_drives(n_drives, partition.n_subspaces, max(ranks, LEAST_GENERATION) if strategy == "generations" else ranks)
    n_samples = wanted.n_samples if wanted.n_samples is not None else past.get("n_samples")
    n_calls = None if wanted.n_calls is None else check_count("n_calls", wanted.n_calls)
    seed = wanted.random_state if wanted.random_state is not None else past.get("random_state", fresh_seed)
    model = check_model(wanted.model)
    if strategy == "generations":
        check_generations(model, exchange)
    n_iterations = check_count("n_iterations", wanted.n_iterations) if n_calls is None else None
    if strategy == "halving" or isinstance(model, Hyperband):
        check_halving(model, strategy, exchange)
        if n_iterations is not None:
            n_iterations, n_calls = plan_loops(model, n_iterations, partition.n_subspaces, n_drives, exchange)
    return Study(
        space=wanted.space,
        metrics=wanted.metrics,
        partition=partition,
        objective_name=wanted.objective_name,
        model=model,
        model_name=label_of(model),
        acquisition=check_choice("acquisition", wanted.acquisition, ACQUISITIONS),
        strategy=strategy,
        exchange=exchange,
        sampler=check_choice("sampler", wanted.sampler, SAMPLERS),
        n_samples=plan_samples(n_samples, strategy, exchange != "none", wanted.space.d, n_drives),
        n_drives=n_drives,
        n_iterations=n_iterations if n_calls is None else None,
        n_calls=n_calls,
        given=check_given(wanted.x0, wanted.y0, wanted.space, wanted.metrics),
        seed=check_count("random_state", seed, least=0),
    )


def plan_subspaces(n_subspaces: int | None, strategy: str, space: Space, overlap: float, ranks: int) -> Partition:
    """Return the partition of a new study.

    Raises:
        InputError: overlap outside [0, 1], n_subspaces no power of two or too many, or a static partition that is too large.
    """
    if n_subspaces is None and strategy == "adaptive":
        splittable = Partition(space, None, overlap).split
        n_subspaces = 2 ** min(len(splittable), max(4, math.ceil(math.log2(ranks))))
    elif n_subspaces is None and strategy == "generations":
        n_subspaces = 1
    partition = Partition(space, n_subspaces, overlap)
    if strategy in ("static", "halving") and partition.n_subspaces > LARGEST_STATIC_PARTITION:
        raise InputError(
            f'strategy="{strategy}" works all 2^{len(partition.split)} subspaces of {len(partition.split)} dimensions, each with '
            f"evaluations of its own; it takes at most {LARGEST_STATIC_PARTITION}. Set n_subspaces to split fewer dimensions, "
            f'or take strategy="adaptive"'
        )
    return partition


def plan_drives(n_drives: int | None, n_subspaces: int, ranks: int) -> int:
    """Return the number of drives of a new study: given, or the least multiple of n_subspaces with one for each rank.

    Raises:
        InputError: not a multiple of n_subspaces.
    """
    if n_drives is None:
        return n_subspaces * math.ceil(ranks / n_subspaces)
    if check_count("n_drives", n_drives) % n_subspaces:
        raise InputError(f"n_drives must be a multiple of the {n_subspaces} subspaces, got {n_drives}")
    return n_drives


def plan_samples(n_samples: int | None, strategy: str, shared: bool, d: int, n_drives: int) -> int:
    """Return how many points of the initial design a drive evaluates.

    A drive on its own needs enough to fit a model, d + 1 but no more than 10; drives that share need 2 d in all, and two
    each, since the first round knows nothing.
    """
    if n_samples is not None:
        return check_count("n_samples", n_samples)
    if strategy == "static" and not shared:
        return min(max(d + 1, 3), 10)
    return max(2, math.ceil(2 * d / n_drives))


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(value)


def check_model(model: Any) -> Any:
    """Return `model` if it is a name or an object that can serve as one; of a list of them, a tuple.

    Raises:
        InputError: an unknown name, an object with neither fit and predict nor ask and tell that is no function to make one
            either, or an empty list.
    """
    if isinstance(model, (list, tuple)):
        if not model:
            raise InputError("model must name at least one model, got an empty list")
        return tuple(check_model(each) for each in model)
    if isinstance(model, str):
        return check_choice("model", model, MODELS)
    serves = any(all(hasattr(model, method) for method in pair) for pair in (("fit", "predict"), ("ask", "tell")))
    if not serves and not is_algorithm(model) and not callable(model):
        raise InputError(
            f"model must be one of {', '.join(map(repr, MODELS))}, or an object with fit and predict, or with ask and tell; "
            f"got {model!r}"
        )
    return model


def check_generations(model: Any, exchange: str) -> None:
    """Refuse what a study in generations cannot be.

    Raises:
        InputError: several models, or an exchange that does not wait for a generation.
    """
    if isinstance(model, tuple):
        raise InputError(f'a list of models gives each drive one of its own, for strategy="static"; got {label_of(model)}')
    if exchange != "round":
        raise InputError(f'strategy="generations" waits for each generation, which is exchange="round"; got {exchange!r}')


def label_of(model: Any) -> str:
    """Return the name under which a model, or a tuple of them, stands in the fingerprint."""
    if isinstance(model, tuple):
        return ", ".join(label_of(each) for each in model)
    if isinstance(model, str):
        return model
    return str(model.label) if is_algorithm(model) else name_of(model)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        InputError: it is none of them.
    """
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_goals(metrics: Sequence[Metric] | None, maximize: bool) -> Metrics:
    """Return the study's metrics.

    Raises:
        InputError: see Metrics.
        NotBuiltError: goals that this version cannot optimise yet.
    """
    checked = Metrics(metrics, maximize)
    if len(checked.goals) > 1:
        names = ", ".join(repr(metric.name) for metric in checked.goals)
        raise NotBuiltError(
            f"optimising several metrics together ({names}) is not built yet; give one of them a goal and let the others be "
            f'goal="observe", which keeps them with every trial'
        )
    return checked


def check_given(x0: Any, y0: Any, space: Space, metrics: Metrics) -> tuple[Trial, ...]:
    """Return the evaluations that the user brought along as trials.

    Args:
        x0: one point, or a list of points.
        y0: the objective's answer at each: a float, or a dict of metrics.
        space: the search space.
        metrics: reads the answers.

    Raises:
        InputError: one without the other, different lengths, or a point outside the space.
    """
    if x0 is None and y0 is None:
        return ()
    if x0 is None or y0 is None:
        raise InputError("x0 and y0 go together: the points known already, and what the objective returned there")
    single = isinstance(y0, Mapping) or not hasattr(y0, "__len__")
    points, answers = ([x0], [y0]) if single else (list(x0), list(y0))
    if len(points) != len(answers):
        raise InputError(f"x0 has {len(points)} points and y0 {len(answers)} values; one value a point was expected")
    return tuple(
        Trial(
            drive=GIVEN_DRIVE,
            iteration=number,
            x=space.check_point(point),
            status=OK,
            metrics=metrics.read(answer),
            arm="given",
            seconds=0.0,
            origin="given",
        )
        for number, (point, answer) in enumerate(zip(points, answers, strict=True))
    )


def name_of(thing: Any) -> str:
    """Return the name under which a function or an object stands in the fingerprint."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else type(thing).__qualname__

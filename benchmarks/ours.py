"""HyperSpace's own strategies, asked in synchronous rounds: drive i is worker i."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

import hyperspace
from hyperspace.exchange.spec import EXCHANGES, NONE, ROUND, ExchangeSpec
from hyperspace.optimizers.base import Suggestion
from hyperspace.optimizers.bayesian.settings import Settings
from hyperspace.space import check_space
from hyperspace.strategies import ADAPTIVE, STRATEGIES
from hyperspace.strategies.adaptive import AdaptiveStrategy
from hyperspace.strategies.base import Strategy
from hyperspace.strategies.spec import SearchSettings
from hyperspace.study.planning import plan_samples, plan_subspaces
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import FLOAT_NAME, Metrics
from hyperspace.trials.trial import OK, RUNNING, Trial


class Ours:
    """A strategy and its archives: one of all trials, or, for the published method, one a drive."""

    version = f"hyperspace {hyperspace.__version__}"

    def __init__(self, strategy: Strategy, space: Any, workers: int, shared: bool) -> None:
        self.strategy, self.space, self.workers, self.iteration = strategy, space, workers, 0
        self.archives = [Archive(space.to_unit, Metrics(), space.d) for _ in range(1 if shared else workers)]
        self.suggestions: list[Suggestion] = []

    def ask(self) -> np.ndarray:
        archives = self.archives * (self.workers // len(self.archives))
        self.suggestions = [self.strategy.ask(drive, self.iteration, archives[drive]) for drive in range(self.workers)]
        return np.array([suggestion.u for suggestion in self.suggestions])

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        points = self.space.from_unit(U)
        for drive, (suggestion, x, value) in enumerate(zip(self.suggestions, points, y, strict=True)):
            trial = Trial(
                drive=drive,
                iteration=self.iteration,
                x=x,
                status=OK,
                metrics={FLOAT_NAME: float(value)},
                **suggestion.kept,
            )
            self.archives[drive % len(self.archives)].extend([trial])
        self.iteration += 1


class Apart:
    """The adaptive strategy where each drive has a rank of its own, with a strategy and an archive of its own; in one process.

    All drives ask before the first value is told. With exchange="async" a drive knows of the points of those before it that they
    are under way; real ranks that evaluate equally long know little more.

    Args:
        dimensions: of the search space.
        workers: number of drives.
        seed: of the study.
        exchange: "async" or "round".
        thinks_ahead: whether drives think ahead, as beside evaluations in processes of their own, before values are told.

    Attributes:
        asked, ahead: processor seconds of each question, and of each thinking ahead.
        finished: the trials of the last round.
    """

    version = Ours.version

    def __init__(self, dimensions: list, workers: int, seed: int, exchange: str = "async", thinks_ahead: bool = False) -> None:
        self.space = space = check_space(dimensions)
        self.exchange, self.thinks_ahead, self.iteration = exchange, thinks_ahead, 0
        partition = plan_subspaces(None, ADAPTIVE, space, 0.25, workers)
        n_samples = plan_samples(None, ADAPTIVE, EXCHANGES[exchange], True, space.d, workers)
        self.archives = [Archive(space.to_unit, Metrics(), space.d) for _ in range(workers)]
        search = _search(space, partition, workers, seed, EXCHANGES[exchange], n_samples)
        self.strategies = [AdaptiveStrategy(search) for _ in range(workers)]
        self.asked: list[float] = []
        self.ahead: list[float] = []
        self.finished: list[Trial] = []
        self._running: list[Trial] = []

    def ask(self) -> np.ndarray:
        drives = list(enumerate(zip(self.strategies, self.archives, strict=True)))
        suggested = []
        self._running = []
        for drive, (strategy, archive) in drives:
            archive.replace_running(self._running if self.exchange == "async" else [])
            begin = time.process_time()
            suggestion = strategy.ask(drive, self.iteration, archive)
            self.asked.append(time.process_time() - begin)
            x = self.space.from_unit(suggestion.u[None])[0]
            self._running.append(Trial(drive=drive, iteration=self.iteration, x=x, status=RUNNING, **suggestion.kept))
            suggested.append(suggestion.u)
        for drive, (strategy, archive) in drives if self.thinks_ahead else []:
            begin = time.process_time()
            strategy.fit_ahead(drive, self.iteration + 1, archive)
            self.ahead.append(time.process_time() - begin)
        return np.array(suggested)

    def tell(self, U: np.ndarray, y: np.ndarray) -> None:
        values = [{FLOAT_NAME: float(value)} for value in y]
        self.finished = [
            trial.finish(OK, metrics=metrics, seconds=1.0) for trial, metrics in zip(self._running, values, strict=True)
        ]
        for archive in self.archives:
            archive.extend(self.finished)
        self.iteration += 1


def make(name: str, dimensions: list, workers: int, seed: int, **settings: Any) -> Ours | Apart:
    if name == "adaptive-async":
        return Apart(dimensions, workers, seed, **settings)
    space = check_space(dimensions)
    shared = name == "adaptive"
    spec, exchange = STRATEGIES[name], ROUND if shared else NONE
    partition = plan_subspaces(None if shared else _boxes(len(dimensions), workers), spec, space, 0.25, workers)
    n_samples = plan_samples(None, spec, exchange, shared, space.d, workers)
    model, acquisition = settings.pop("model", "GP"), settings.pop("acquisition", "EI")
    search = _search(space, partition, workers, seed, exchange, n_samples, model, acquisition)
    strategy = AdaptiveStrategy(search, replace(Settings(), **settings)) if shared else spec.make(search)
    return Ours(strategy, space, workers, shared)


def _search(
    space: Any,
    partition: Any,
    workers: int,
    seed: int,
    exchange: ExchangeSpec,
    n_samples: int,
    model: Any = "GP",
    acquisition: str = "EI",
) -> SearchSettings:
    return SearchSettings(
        space=space,
        metrics=Metrics(),
        partition=partition,
        n_drives=workers,
        founders=workers,
        seed=seed,
        model=model,
        acquisition=acquisition,
        sampler="sobol",
        n_samples=n_samples,
        exchange=exchange,
        first=(),
    )


def _boxes(d: int, workers: int) -> int:
    """Return how many boxes the workers can take: 2^d, or the largest power of two within their number."""
    return min(2**d, 1 << (workers.bit_length() - 1))

"""Arguments of a call that define a study. `hyperspace.study.planning` makes the study from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hyperspace.acquisition import ACQUISITIONS
from hyperspace.exchange.spec import ExchangeSpec
from hyperspace.numerics.sampling import SAMPLERS
from hyperspace.space.space import Space, check_space
from hyperspace.strategies.spec import StrategySpec
from hyperspace.study.checks import check_choice, check_exchange, check_folders, check_goals, check_model, check_strategy
from hyperspace.trials.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyArguments:
    """Arguments of hyperdrive that define a study, under their names there; None leaves a setting open.

    Each choice among names is checked. Numbers, and x0 and y0, are checked when the study is planned.
    """

    objective_name: str
    space: Space
    metrics: Metrics
    model: Any
    acquisition: str
    strategy: StrategySpec
    exchange: ExchangeSpec | None
    sampler: str
    n_samples: int | None
    n_subspaces: int | None
    n_drives: int | None
    overlap: float
    n_iterations: int
    n_calls: int | None
    x0: Any
    y0: Any
    warm_start: tuple[str, ...]
    random_state: int | None

    @classmethod
    def check(cls, call: Mapping[str, Any], objective_name: str) -> StudyArguments:
        """Return these arguments of a call of hyperdrive, after checks.

        Args:
            call: all arguments of the call, by name.
            objective_name: name of the objective.

        Raises:
            InputError: an invalid argument.
        """
        checked: dict[str, Any] = {
            "objective_name": objective_name,
            "space": check_space(call["hyperparameters"]),
            "metrics": check_goals(call["metrics"], call["maximize"]),
            "model": check_model(call["model"]),
            "acquisition": check_choice("acquisition", call["acquisition"], ACQUISITIONS),
            "strategy": check_strategy(call["strategy"]),
            "exchange": check_exchange(call["exchange"]),
            "sampler": check_choice("sampler", call["sampler"], SAMPLERS),
            "warm_start": check_folders("warm_start", call["warm_start"]),
        }
        return cls(**{field.name: (checked if field.name in checked else call)[field.name] for field in fields(cls)})

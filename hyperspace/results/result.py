"""Result: the merged optimum and every trial of a study, from its journals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from html import escape
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import OptimizeResult

from hyperspace.errors import InputError, shown
from hyperspace.journal import StudyFolder
from hyperspace.numerics.floating_point import own_numerics
from hyperspace.results.contributions import contributions
from hyperspace.results.front import OF_ONE_GOAL, FrontOfResult
from hyperspace.results.trial_table import COLUMNS, JOB_COLUMNS, MORE_COLUMNS, cell, free_label, trials_frame
from hyperspace.space.partition import Partition
from hyperspace.space.space import Space
from hyperspace.space.values import is_whole
from hyperspace.system.arguments import check_names
from hyperspace.system.terminal import well_formed
from hyperspace.trials.archive import Archive
from hyperspace.trials.failures import failing_workers
from hyperspace.trials.incumbent import is_infeasible, rank
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import OK, Trial, fix_goal, judged

if TYPE_CHECKING:
    import pandas

    from hyperspace.results.merged_model import Merged
    from hyperspace.results.recommendation import Recommendation

_GROUPINGS = ("model", "arm", "drive", "subspace", "region", "rank", "host")
_ID = re.compile(r"(-?\d+)-(\d+)")  # of a trial
_SYNONYMS = {  # attributes of other libraries' results -> those of a Result
    "best": "best_trial",
    "best_parameters": "parameters",
    "best_params": "parameters",
    "best_point": "x",
    "best_score": "fun",
    "best_value": "fun",
    "best_values": "metrics",
    "params": "parameters",
    "trials_dataframe": "trials",
    "value": "fun",
}
_IN_NOTEBOOK = 10  # number of trials in a notebook's table


class Result(FrontOfResult, OptimizeResult):  # type: ignore[misc]  # scipy ships no types
    """Merged optimum of a study and every trial; a scipy.optimize.OptimizeResult.

    With several goals, the optimum is a front: see `front` and `choose`. Then x, fun, parameters and metrics raise an error.

    Attributes:
        x: the best point, a list with a value for each dimension; None if there is no feasible trial.
        fun: the objective's value at x, as it was returned; nan if there is no best point.
        parameters: the best point in the objective's form: a dict if names were given.
        metrics: all metrics of the best trial.
        x_iters: the points of all trials that ended well, by iteration and drive.
        func_vals: the objective's values there, as they were returned, (n,); with several goals (n, m).
        nfev: number of evaluations that ended, well or not.
        maximize: whether the largest value is the best; with several goals, of the first one.
        names: names of the dimensions.
        silent_ranks: names of the MPI ranks that did not answer when the study was asked to end; normally empty. Their trials
            are included as far as the journals and the other ranks have them.
        ended_by: reason of the end of the run: "the budget", "the deadline", "SIGTERM", "SIGUSR1", "hyperspace stop", "the
            callback", or another short phrase; None if unknown, as for a study that was killed or still runs.
    """

    silent_ranks: Sequence[str] = ()

    @own_numerics()
    def __init__(
        self,
        trials: Iterable[Trial],
        space: Space,
        metrics: Metrics,
        partition: Partition,
        models: Sequence[str] = ("",),
        ended_by: str | None = None,
        files: StudyFolder | None = None,
    ) -> None:
        trials = sorted(trials, key=lambda trial: trial.key)
        fix_goal(metrics, trials)
        trials = [judged(trial, metrics) for trial in trials]
        archive = Archive(space.to_unit, metrics, space.d)
        archive.extend(trials)
        ended_well = [trial for trial in archive.trials if trial.status == OK]
        best = archive.best
        optimum: dict[str, Any] = {
            "x": None if best is None else list(space.copied(best.x)),
            "fun": float("nan") if best is None else metrics.value(best.metrics),
            "parameters": None if best is None else space.parameters(best.x),
            "metrics": {} if best is None else dict(best.metrics),
        }
        signs = np.array([goal.sign for goal in metrics.goals])
        values = [signs * metrics.losses(t.metrics) if metrics.several else metrics.value(t.metrics) for t in ended_well]
        super().__init__(
            **({} if metrics.several else optimum),
            x_iters=[list(space.copied(trial.x)) for trial in ended_well],
            func_vals=np.array(values).reshape(-1, len(signs)) if metrics.several else np.array(values),
            nfev=len(archive),
            maximize=metrics.maximize,
            names=space.names,
            success=best is not None,
            ended_by=ended_by,
        )
        # Kept outside of scipy's dict, whose entries are printed, compared and copied by other code.
        object.__setattr__(self, "_trials", trials)
        object.__setattr__(self, "_study_space", space)
        object.__setattr__(self, "_metrics", metrics)
        object.__setattr__(self, "_partition", partition)
        object.__setattr__(self, "_archive", archive)
        object.__setattr__(self, "_model_names", tuple(models))  # the drives use them in turn
        object.__setattr__(self, "_files", files)  # None without files
        if metrics.several:
            self.success = len(self.goals_reached.front) > 0

    def __repr__(self) -> str:
        """Return the optimum, or the size of the front, the number of trials and that of failures in a line."""
        failed = sum(trial.failed for trial in self._trials)
        told = f", failed={failed}" if failed else ""
        if self._metrics.several:
            return f"Result(front of {len(self.goals_reached.front)} trials, nfev={self.nfev}{told})"
        return f"Result(fun={self.fun!r}, x={shown(self.x, 2000)}, nfev={self.nfev}{told})"

    def __getattr__(self, name: str) -> Any:
        """Return an entry of scipy's dict; the error for a name of another library's result names the one of this class.

        Raises:
            AttributeError: no such name.
        """
        if name in self or name in OF_ONE_GOAL:
            return self[name]
        hint = f"; did you mean {_SYNONYMS[name]}?" if name in _SYNONYMS else ""
        raise AttributeError(f"Result has no attribute {name!r}{hint}", name=name, obj=self)

    def __dir__(self) -> list[str]:
        """Return the names of a Result: those of scipy's dict, and the properties and methods of this class."""
        return sorted({*object.__dir__(self), *self.keys()})

    def _repr_html_(self) -> str:
        """Return the display in a notebook: the optimum, and a table of the best trials."""
        ended = f"{self.nfev} evaluation{'' if self.nfev == 1 else 's'}"
        if failed := sum(trial.failed for trial in self._trials):
            ended += f", {failed} of them failed"
        if broken := sum(is_infeasible(trial, self._metrics) for trial in self._trials):
            ended += f", {broken} of them infeasible"
        if not self.success:
            return f"<p>Result: {escape(self.why_no_optimum())}; {ended}</p>"
        if self._metrics.several:
            front = self.front
            shown_front = front.to_html(index=False, escape=True, border=0)
            return f"<p>Result: {len(front)} trial{'s' * (len(front) != 1)} on the front, of {ended}:</p>\n{shown_front}"
        goal = self._metrics.goal_name(self.metrics)
        told = f"<b>{self.fun:.6g}</b>, the {'largest' if self.maximize else 'least'} {escape(well_formed(goal))} of {ended}"
        table = self.top(_IN_NOTEBOOK)
        return f"<p>Result: {told}. The best trials:</p>\n{table.to_html(index=False, escape=True, border=0)}"

    @property
    def all_trials(self) -> Sequence[Trial]:
        """Every trial as an object, in the order of iteration and drive."""
        space: Space = self._study_space
        return [trial.copied(space) for trial in self._trials]

    @property
    def best_trial(self) -> Trial | None:
        """The trial at `x`; None if there is none, as with several goals."""
        archive: Archive = self._archive
        space: Space = self._study_space
        return None if archive.best is None else archive.best.copied(space)

    @check_names()
    def folder(self, trial: Trial | str | None = None) -> Path | None:
        """Return the folder with the files of a trial: `trial.folder` of the objective, and `{trial.folder}` of a command.

        Args:
            trial: a trial of `all_trials`, or its id such as "3-12", drive 3 and iteration 12; None for the best trial.

        Returns:
            Its absolute path; None if the trial has no files, or there is no best trial.

        Raises:
            InputError: neither a trial nor an id.
        """
        identity = self._archive.best.id if trial is None and self._archive.best is not None else getattr(trial, "id", trial)
        if identity is None or self.files is None:
            return None
        found = _ID.fullmatch(identity) if isinstance(identity, str) else None
        if found is None:
            raise InputError(f'folder(trial) takes a trial of all_trials or its id, such as "0-12"; got {shown(trial)}')
        path = self.files.scratch(int(found[1]), int(found[2]))
        return path if int(found[1]) >= 0 and path.is_dir() else None

    @property
    def files(self) -> StudyFolder | None:
        """The files of the study; None if it keeps none."""
        files: StudyFolder | None = self._files
        return files

    @property
    def model_names(self) -> tuple[str, ...]:
        """Names of the models, which the drives use in turn."""
        names: tuple[str, ...] = self._model_names
        return names

    @property
    def search_space(self) -> Space:
        """The search space as an object of this package."""
        space: Space = self._study_space
        return space

    @property
    def goals(self) -> Metrics:
        """The metrics and their goals."""
        metrics: Metrics = self._metrics
        return metrics

    @property
    def partition(self) -> Partition:
        """The subspaces."""
        partition: Partition = self._partition
        return partition

    @property
    def failing_workers(self) -> list[str]:
        """A sentence for each worker (rank and host) that seems broken: its last evaluations all failed, others did not."""
        return failing_workers(self._trials)

    @cached_property
    @own_numerics()
    def surrogate(self) -> Merged:
        """Merged surrogate: a Gaussian process fitted to the trials of all drives."""
        from hyperspace.results.merged_model import Merged

        return Merged(self._trials, self._study_space, self._metrics)

    @cached_property
    @own_numerics()
    def recommended(self) -> Recommendation | None:
        """Trial with the best expected value, by the merged surrogate; None if there is no best trial.

        With noisy evaluations `fun` is the luckiest value, which overstates the point `x`. Without noise it is the best trial.
        """
        from hyperspace.results.recommendation import recommend

        return recommend(self)

    @cached_property
    @own_numerics()
    def trials(self) -> pandas.DataFrame:
        """Every trial, one per row, in the order of iteration and drive.

        Columns: drive, iteration, subspace, region, arm, status. Then one for each dimension and one for each metric. The budget
        if there are budgets, feasible if there are constraints (None for a trial that did not end well). Then seconds,
        suggest_seconds, started, rank, host, attempt, origin, fault and error. If the name of a dimension or metric is already
        used, it has the prefix "parameter." or "metric.".
        """
        return trials_frame(self.all_trials, self.names, self._metrics)

    @own_numerics()
    def table(self) -> pandas.DataFrame:
        """All evaluations of the study, best first; infeasible and then failed ones come last.

        Evaluations with a larger budget come before those with a smaller one. With several goals they are ordered by
        non-dominated rank, and then by their contribution to the hypervolume.

        Columns: generation (the trial's iteration) if some drive has begun a second trial, and job (its drive) if there are
        several. Then one for each dimension, constant and metric. The budget if there are budgets, feasible if there are
        constraints, seconds and status.
        """
        trials: Sequence[Trial] = self._trials
        asked = [row for row, trial in enumerate(trials) if trial.drive >= 0]
        ended = [row for row in asked if trials[row].finished]
        sources = zip(JOB_COLUMNS, ("iteration", "drive"), strict=True)
        head = {name: source for name, source in sources if len({getattr(trials[row], source) for row in asked}) > 1}
        return self._best_first(ended, head, ["seconds", "status"])

    @check_names()
    @own_numerics()
    def top(self, n: int = 10) -> pandas.DataFrame:
        """The n best trials, best first; only feasible trials that can be the best.

        Columns: drive (-1 for given evaluations), iteration. Then one for each dimension, constant and metric. The budget if
        there are budgets, feasible if there are constraints, and seconds.

        Raises:
            InputError: n is not an integer of at least 1.
        """
        if not is_whole(n) or n < 1:
            raise InputError(f"top(n) takes a whole number of at least 1, got {shown(n)}")
        usable = [row for row, trial in enumerate(self._trials) if rank(trial, self._metrics).is_usable]
        return self._best_first(usable, {"drive": "drive", "iteration": "iteration"}, ["seconds"]).head(int(n))

    def _best_first(
        self, rows: Sequence[int], head: Mapping[str, str], tail: Sequence[str], ordered: bool = False
    ) -> pandas.DataFrame:
        """Return these rows of `trials`, best first, or as they are `ordered`.

        `head` and `tail` name the columns around parameters, metrics and budget.
        """
        frame = self.trials
        space: Space = self._study_space
        order = list(rows) if ordered else self._sorted(rows)
        columns = {name: frame[source] for name, source in head.items()}
        outcome = list(frame.columns[len(COLUMNS) : -len(MORE_COLUMNS)])
        columns |= {name: frame[name] for name in outcome[: space.d]}
        constants: dict[str, Any] = {}
        for name, value in space.constants.items():
            constants[free_label(well_formed(name), "parameter", {*frame, *JOB_COLUMNS, *columns, *constants})] = cell(value)
        table = frame.assign(**columns).iloc[order].assign(**constants)
        return table[[*columns, *constants, *outcome[space.d :], *tail]].reset_index(drop=True)

    @check_names()
    @own_numerics()
    def summary_by(self, by: str = "model") -> pandas.DataFrame:
        """Contributions of the parts of the study, one per row, the one with the optimum first (see `Contribution`).

        Args:
            by: "model", the models of a portfolio; "arm", the rule that proposed the point; "drive", "subspace", "region", "rank"
                or "host".

        Columns: the grouping, trials (number of finished ones), failed (or timed out), pruned, best (the best value),
        improvements, gain and seconds (of evaluation). An improvement was better than all trials that had ended before. The gain
        is the group's share of the total improvement, from 0 to 1. Given evaluations are excluded.

        Raises:
            InputError: another grouping.
        """
        import pandas

        if by not in _GROUPINGS:
            raise InputError(f"by must be one of {', '.join(_GROUPINGS)}, got {shown(by)}")
        models = self.model_names
        rows = contributions(
            self._trials,
            self._metrics,
            (lambda trial: models[trial.drive % len(models)]) if by == "model" else attrgetter(by),
        )
        columns = ["label", "trials", "failed", "pruned", "infeasible", "best", "improvements", "gain", "seconds"]
        return pandas.DataFrame([asdict(row) for row in rows], columns=columns).rename(columns={"label": by})

    @cached_property
    def subspaces(self) -> list[Result]:
        """One Result for each subspace: the trials of the drives that have their home there."""
        partition: Partition = self._partition
        homes: list[list[Trial]] = [[] for _ in range(partition.n_subspaces)]
        for trial in self._trials:
            if trial.drive >= 0:
                homes[trial.subspace].append(trial)
        return [
            Result(trials, self._study_space, self._metrics, partition, self.model_names, self.ended_by, self._files)
            for trials in homes
        ]

    @cached_property
    @own_numerics()
    def space(self) -> Any:
        """The search space as scikit-optimize's Space, for its plots."""
        return self._study_space.to_skopt()

    @cached_property
    def models(self) -> list[Any]:
        """A Gaussian process fitted to all trials, for scikit-optimize's plots: in a list, over its transformed space."""
        from hyperspace.results.skopt_model import SkoptModel

        return [SkoptModel(self)] if len(self.x_iters) else []

    @own_numerics()
    def to_skopt(self) -> OptimizeResult:
        """Return a result in scikit-optimize's form, whose values are minimized for any goal of the study."""
        sign = self._metrics.sign
        return OptimizeResult(
            x=self.x,
            fun=sign * self.fun,
            x_iters=self.x_iters,
            func_vals=sign * self.func_vals,
            space=self.space,
            models=self.models,
        )

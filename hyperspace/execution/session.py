"""Run of a study: it opens or creates the files, runs the drives, and merges the result."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from hyperspace.errors import StudyError
from hyperspace.evaluators.selection import MakeEvaluator
from hyperspace.exchange.files import SharedFolder, is_silent_worker
from hyperspace.exchange.ranks import Ranks
from hyperspace.exchange.tally import tally
from hyperspace.exchange.waiting import Patience, RanksSilentError
from hyperspace.execution.context import RunContext
from hyperspace.execution.loop import Loop, carried_drives
from hyperspace.execution.loops import LOOPS
from hyperspace.execution.merging import Merger
from hyperspace.execution.opening import open_study
from hyperspace.execution.options import RunOptions
from hyperspace.execution.partial_merge import merge_without_silent
from hyperspace.execution.progress import Progress
from hyperspace.execution.retrying import RetryLoop
from hyperspace.execution.signals import INTERRUPT, SIGNALS, received
from hyperspace.journal import DriveReader, Journal, Leases, StudyFolder, open_journal
from hyperspace.journal.stop_request import BUDGET, DEADLINE, FOLDER_GONE, StopRequest, forget_request
from hyperspace.optimizers.hyperband import Hyperband
from hyperspace.results.result import Result
from hyperspace.stopping import AllPoints, TimeLimit
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.settings import StudySettings
from hyperspace.system.terminal import duration, tell
from hyperspace.trials.failures import RETRY
from hyperspace.trials.records import load_trial, trial_record
from hyperspace.trials.trial import Trial, TrialKey, fix_goal


class Session:
    """Run of a study on this rank.

    Args:
        arguments: arguments of hyperdrive.
        ranks: the ranks of this run.
        folder: the study's files; None if it keeps none.
        options: options of this run.

    Raises:
        InputError: an invalid argument.
        StudyError: the folder holds another study, is damaged, or cannot be written.
    """

    def __init__(self, arguments: StudyArguments, ranks: Ranks, folder: StudyFolder | None, options: RunOptions) -> None:
        self._ranks = ranks
        self._folder = folder
        self._options = options
        self._leases = None if folder is None else Leases(folder.leases)
        try:
            ranks.bound(Patience(lambda: received() is not None, deadline=options.deadline))
            self._opened = open_study(arguments, ranks, folder, self._leases, options.restart)
            self.study = self._opened.study
            self._goal: str | None = ranks.first(lambda: None if folder is None else folder.read_goal())
            self._stop = self._listen()
        except RanksSilentError as error:
            ranks.abort(error)
        except BaseException:
            self._release()
            raise
        self._carried = carried_drives(self.study, ranks)
        self._merger = Merger(self.study, ranks, folder, self._carried, self._goal, self._claim_goal)
        model = self.study.model
        self._repeats = options.noisy or self.study.strategy.gives_budgets
        all_points = AllPoints(self.study.space, self.study.given, model.max_budget if isinstance(model, Hyperband) else None)
        self._rules = [*options.rules, *([all_points] if self.study.shared and not options.noisy else [])]

    @property
    def _lasting(self) -> set[str]:
        """Reasons that end the study finally: the same call again would end at once, with the same trials."""
        rules = {rule.reason for rule in self._rules if not isinstance(rule, TimeLimit)}
        return rules if self._repeats else rules | {AllPoints(self.study.space).reason}

    def _release(self) -> None:
        # A silent rank may still write. The leases of this process then expire with it.
        if self._leases is not None and not self._ranks.has_given_up:
            self._leases.close()

    def _listen(self) -> StopRequest:
        folder = self._folder
        if folder is None:
            return StopRequest(None, received=received)
        self._ranks.first(folder.forget_ending)
        before = self._ranks.first(lambda: forget_request(folder, alone=not self.study.exchange.has_workers))
        mark = None if before is None else (before[0], before[1])
        return StopRequest(folder.stop_file, mark, needed=folder.study_file, received=received)

    def run(self, make_evaluator: MakeEvaluator) -> Result:
        """Run the carried drives until the budget or the time is spent; return the merged result. Call this once."""
        try:
            return self._run(make_evaluator)
        finally:
            self._release()

    def _run(self, make_evaluator: MakeEvaluator) -> Result:
        study, folder = self.study, self._folder
        shared = self._open_shared()
        recorded, journals = self._open_records() if shared is None else (shared.recorded, shared.journals)
        self._fix_goal(recorded.values())
        progress = self._announce(recorded.values())
        context = RunContext(
            ranks=self._ranks,
            make_strategy=partial(self.study.strategy.make, self.study),
            make_evaluator=make_evaluator,
            journals=journals,
            shared=shared,
            recorded=recorded,
            scratch=None if folder is None else folder.scratch,
            options=self._options,
            stop=self._stop,
            progress=progress,
            claim_goal=self._claim_goal,
            rules=self._rules,
            repeats=self._repeats,
        )
        try:
            loop = self._make_loop(context)
            self._ranks.bound(Patience(lambda: self._stop.reason is not None, lambda: loop.longest, self._options.deadline))
            try:
                loop.run()
                endings = self._ranks.gather([[loop.ended_by, loop.begun, loop.stopped_for_failures]])
                reasons = [reason for reason, _, _ in endings if reason is not None]
                result = self._merger.merge(loop.finished.values(), gone=FOLDER_GONE in reasons)
            except RanksSilentError:
                result, reasons = self._merge_without_silent(loop)
                endings = [[loop.ended_by, loop.begun, loop.stopped_for_failures]]
            except StudyError as error:
                self._merger.keep(loop.known(), error)
                raise
            result.ended_by = self._ended_by(result, reasons)
            if self._folder is not None and self._ranks.rank == 0 and result.ended_by in self._lasting:
                self._folder.write_ending(result.ended_by)
            self._judge(result, endings)
            self._show_notes_of_others(loop.notes, alone=bool(result.silent_ranks))
            told = (INTERRUPT, AllPoints(study.space).reason)
            if progress is None and self._ranks.rank == 0 and result.ended_by in told and any(begun for _, begun, _ in endings):
                tell(self._explain(result))
            if progress is not None:
                whole = tally((trial for trial in result.all_trials if trial.drive >= 0), study.metrics)
                best = result.fun if result.best_trial is not None else None
                progress.update(whole.finished, best, **whole.useless)
                progress.close(self._explain(result))
        finally:
            # A current exception is more informative than a failure to close a journal.
            failing = sys.exc_info()[0] is not None
            for journal in journals.values():
                with suppress(StudyError) if failing else nullcontext():
                    journal.close()
            if progress is not None:
                progress.close()
        return result

    def _make_loop(self, context: RunContext) -> Loop:
        """Return the study's loop, after the repetition of recorded failures if that was requested."""
        make_loop = LOOPS[self.study.exchange]
        if not self._options.retry_failed or context.shared is not None:  # workers retry under the leases of the drives
            return make_loop(self.study, context)
        retries = RetryLoop(self.study, context)
        retries.run()
        loop = make_loop(self.study, replace(context, recorded=retries.recorded))
        loop.continue_after(retries.ended_by, retries.begun)
        return loop

    def _open_shared(self) -> SharedFolder | None:
        """Return the journals that this worker shares with others; None if this run has the whole study."""
        study = self.study
        if not study.exchange.has_workers:
            return None
        assert self._folder is not None  # by `open_study`
        assert self._leases is not None
        assert self._opened.worker is not None
        shared = SharedFolder(self._folder, self._leases, self._opened.worker, study.identity, study.space, study.n_drives)
        shared.look(insist=True)
        return shared

    def _open_records(self) -> tuple[Mapping[TrialKey, Trial], Mapping[int, Journal]]:
        """Return the trials of earlier runs, and the open journals."""
        study, folder = self.study, self._folder
        readers = {} if folder is None else folder.read_journals(study.space, self._carried, study.identity)
        recorded = {trial.key: trial for trial in self._recorded(readers.values())}
        return recorded, self._open_journals(readers)

    def _fix_goal(self, recorded: Iterable[Trial]) -> None:
        """Use the goal that an earlier run has fixed, or that of the first recorded answer."""
        metrics = self.study.metrics
        if not self.study.shared:  # each drive uses its own first answer
            return
        metrics.fix(self._goal)
        if LOOPS[self.study.exchange].takes_goal_from_records and metrics.goal is None:
            goal = fix_goal(metrics, recorded)
            if goal is not None and self._ranks.rank == 0:
                self._claim_goal(goal)

    def _claim_goal(self, goal: str) -> str:
        return goal if self._folder is None else self._folder.claim_goal(goal)

    def _show_notes_of_others(self, notes: Iterable[str], alone: bool) -> None:
        """Show the messages of other ranks on rank 0. Collective unless `alone`."""
        told = list(notes)
        if alone:
            return
        rest = dict.fromkeys(note for note in self._ranks.gather(told) if note not in told)
        for note in rest if self._ranks.rank == 0 else ():
            tell(note)

    def _recorded(self, readers: Iterable[DriveReader]) -> list[Trial]:
        """Return the trials of earlier runs: of all drives if trials are shared, else of the carried drives."""
        trials = [trial for reader in readers for trial in reader.trials.values()]
        if not self.study.shared:
            return trials
        records = self._ranks.gather([trial_record(trial, self.study.space) for trial in trials])
        return [load_trial(record, self.study.space) for record in records]

    def _open_journals(self, contents: Mapping[int, DriveReader]) -> dict[int, Journal]:
        folder, study, claim = self._folder, self.study, self._opened.claim
        if folder is None or claim is None:
            return {}
        identity = study.identity  # a hash of all settings
        return {
            drive: open_journal(folder, identity, drive, study.space, contents.get(drive), claim.attempt, claim.check)
            for drive in self._carried
        }

    def _announce(self, recorded: Iterable[Trial]) -> Progress | None:
        """Show the plan on rank 0, if there is a display. Collective."""
        study, size = self.study, self._ranks.size
        recorded = list(recorded)
        done, failed = sum(trial.finished for trial in recorded), sum(trial.failed for trial in recorded)
        if not study.shared:  # each rank only knows its own trials
            counts = self._ranks.gather([[done, failed]])
            done, failed = sum(one for one, _ in counts), sum(another for _, another in counts)
        speaks = self._ranks.rank == 0 and not is_silent_worker()
        if failed and speaks:
            what = "are evaluated again" if self._options.retry_failed else f"stay failed; {RETRY}"
            tell(f"{failed} of the {done} evaluations on record failed in earlier runs, and {what}")
        plan = _describe_plan(study, size)
        if not self._options.verbose or self._ranks.rank != 0:
            if speaks and done < study.planned:
                tell(plan)
            return None
        progress = Progress(study.planned, done)
        progress.note(plan)
        if size > study.n_drives:
            progress.note(
                f"{size - study.n_drives} ranks have no drive and wait; set n_drives when a study is created, or go on with "
                f'exchange="async", which gives every rank a drive'
            )
        if done and self._folder is not None:
            rest = "is complete" if done >= study.planned else f"goes on after {done} evaluation{'s' * (done != 1)}"
            progress.note(f"the study in {self._folder.name} {rest}")
        if self._options.deadline is not None and self._options.deadline < math.inf and done < study.planned:
            left = max(self._options.deadline - time.monotonic(), 0.0)
            progress.note(f"{duration(left)} left: no evaluation begins that would take longer")
        return progress

    def _judge(self, result: Result, endings: list[Any]) -> None:
        """Show messages on the end of the run on rank 0.

        Args:
            result: the result.
            endings: for each rank the reason of its end, the number of started evaluations, and whether failures stopped it.

        Raises:
            StudyError: failures stopped all ranks that evaluated.
        """
        at_work = [stopped_for_failures for _, begun, stopped_for_failures in endings if begun]
        broken = result.failing_workers
        if at_work and all(at_work) and result.ended_by != BUDGET:
            named = "; ".join(broken) or result.ended_by
            error = StudyError(f"the study ends here, since all ranks only fail: {named}. Start the same program again to go on")
            error.result = result
            raise error
        if self._ranks.rank == 0:
            # The completion was already shown by the progress display, or by the first worker that was started with this one.
            said = result.ended_by == BUDGET and (self._options.verbose or is_silent_worker())
            if not at_work and not said:
                tell(f"no evaluation was begun: {self._why_none(result)}")
            for sentence in broken if at_work else ():
                tell(sentence)
            if not result.success and result.all_trials:
                tell(f"there is no optimum: {result.why_no_optimum()}")

    def _ended_by(self, result: Result, reasons: list[str]) -> str:
        """Return the reason of the end: that of the first rank with one, unless the budget is spent."""
        spent = result.nfev - len(self.study.given) >= self.study.planned
        return BUDGET if spent or not reasons else reasons[0]

    def _explain(self, result: Result) -> str | None:
        """Return a message on the reason of an early end and on resuming; None without an early end."""
        study, done = self.study, result.nfev - len(self.study.given)
        if result.ended_by == BUDGET:
            return None
        if result.ended_by == AllPoints(study.space).reason:
            return f"stopped by {result.ended_by}, after {done} of {study.planned} evaluations; with noisy=True it goes on"
        goes_on = "; start the same program again to go on" if self._folder is not None else ""
        return f"stopped by {result.ended_by} after {done} of {study.planned} evaluations{goes_on}"

    def _why_none(self, result: Result) -> str:
        """Return a message on why a run has evaluated nothing."""
        if result.ended_by == BUDGET:
            where = "" if self._folder is None else f" in {self._folder.name!r}"
            return f"the study{where} is complete with {self.study.planned} evaluations; a larger number goes on with it"
        if result.ended_by == DEADLINE:
            job = os.environ.get("SLURM_JOB_ID")
            whose = "deadline=" if job is None else f"deadline=, or the end of the Slurm job {job},"
            return f"{whose} leaves no time for one"
        if result.ended_by in SIGNALS:
            return (
                f"a process that was told to end by {result.ended_by} begins no evaluation of a later study either; start the "
                f"program again to go on"
            )
        return f"the study was stopped by {result.ended_by}"

    def _merge_without_silent(self, loop: Loop) -> tuple[Result, list[str]]:
        """Merge without the silent ranks; also return the reasons of the other ranks' ends."""
        if loop.ended_by is None:  # it was waiting and started no further evaluation
            late = self._options.deadline is not None and time.monotonic() > self._options.deadline
            loop.ended_by = self._stop.reason or (DEADLINE if late else None)
        trials, reasons, silent = merge_without_silent(self._ranks, self.study, self._folder, self._carried, loop)
        result = self._merger.result(trials)
        object.__setattr__(result, "silent_ranks", tuple(silent))
        return result, [reason for reason in reasons if reason is not None] or [f"the silence of {', '.join(silent)}"]


def _describe_plan(study: StudySettings, ranks: int) -> str:
    """Return a description of the planned evaluations and of the ranks or workers that make them."""
    planned = f"{study.planned} evaluation{'s' * (study.planned != 1)} planned"
    drives = f"{study.n_drives} drive{'s' * (study.n_drives != 1)}"
    by = f"by {drives}" if study.n_calls is not None or study.n_drives == 1 else f"{study.n_iterations} by each of {drives}"
    over = f" over {study.partition.n_subspaces} subspaces" if study.partition.n_subspaces > 1 else ""
    if study.exchange.has_workers:
        where = "shared by any number of workers"
    else:
        where = "in one process" if ranks == 1 else f"on {ranks} ranks"
    return f"{planned}, {by}{over}, {where}"

"""Run with groups of ranks for one trial: the leaders run the study, and every rank gets its result."""

from __future__ import annotations

from collections.abc import Callable

from hyperspace.errors import HyperSpaceError
from hyperspace.evaluators.mpi import TrialGroups
from hyperspace.evaluators.objective import Objective
from hyperspace.exchange.ranks import Ranks
from hyperspace.journal import StudyFolder
from hyperspace.results.result import Result
from hyperspace.space.partition import Partition
from hyperspace.study.arguments import StudyArguments
from hyperspace.trials.records import Record, load_trial, trial_record


def work_in_groups(
    world: Ranks, size: int, objective: Objective, work: Callable[[Ranks, Objective], Result], check: Callable[[], StudyArguments]
) -> Result:
    """Run a study with `size` ranks for each trial; return its result on every rank. Collective.

    Args:
        world: all ranks of the run.
        size: number of ranks for a trial.
        objective: an objective that takes the handle.
        work: runs the study with the given ranks and objective.
        check: checks the arguments and returns them; it accepts all that work() accepts.

    Raises:
        InputError: see TrialGroups.
        HyperSpaceError: the exception of `work` on the leaders, on every rank.
    """
    groups = TrialGroups(world, size, objective)
    result: Result | None = None
    failure: HyperSpaceError | None = None
    if groups.leaders is None:
        groups.follow()
    else:
        try:
            result = work(groups.leaders, Objective(groups.lead))
        except HyperSpaceError as error:
            if error.raised_by_all is not groups.leaders:
                raise  # on this leader only
            failure = error
        if groups.leaders.has_given_up:  # followers wait until the job is aborted
            if failure is not None:
                raise failure
            assert result is not None
            return result
        groups.dismiss()

    def outcome() -> Record:
        if failure is not None:
            raise failure
        assert result is not None  # rank 0 is a leader
        return {
            "trials": [trial_record(trial, result.search_space) for trial in result.all_trials],
            "n_subspaces": result.partition.n_subspaces,
            "goal": result.goals.goal,
            "models": list(result.model_names),
            "ended_by": result.ended_by,
            "folder": None if result.files is None else str(result.files.path),
        }

    told = world.first(outcome)
    groups.close()
    if result is not None:
        return result
    arguments = check()
    arguments.metrics.fix(told["goal"])
    partition = Partition(arguments.space, told["n_subspaces"], arguments.overlap)
    trials = [load_trial(record, arguments.space) for record in told["trials"]]
    files = None if told["folder"] is None else StudyFolder(told["folder"])
    return Result(trials, arguments.space, arguments.metrics, partition, told["models"], told["ended_by"], files)

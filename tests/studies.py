"""Studies and runs by their parts, for the tests of what loops, merges and opens them."""

import inspect
from functools import partial

from hyperspace import hyperdrive
from hyperspace.evaluators.inline import InlineEvaluator
from hyperspace.evaluators.objective import Objective
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.context import RunContext
from hyperspace.execution.options import RunOptions
from hyperspace.journal.stop_request import StopRequest
from hyperspace.study.arguments import StudyArguments
from hyperspace.study.planning import plan_study
from hyperspace.trials.trial import OK, Trial

CALL = {name: parameter.default for name, parameter in inspect.signature(hyperdrive).parameters.items()}
LINE = [(0.0, 1.0)]


def arguments(space=LINE, **options):
    """The arguments of a study: random search, unless the options differ."""
    return StudyArguments.check(CALL | {"hyperparameters": space, "model": "RAND"} | options, "f")


def planned(space=LINE, ranks=1, **options):
    """The settings of a new study."""
    return plan_study(arguments(space, **options), None, ranks=ranks, fresh_seed=1)


def context(study, objective=lambda x: x[0], ranks=None, recorded=(), claim_goal=lambda goal: goal, stop=None, **changes):
    """The context of a run without files, by its recorded trials; the changes are options of the run, or parts of the context."""
    parts = {name: changes.pop(name) for name in ("rules", "repeats", "journals", "scratch") if name in changes}
    return RunContext(
        ranks=ranks or SerialRanks(),
        make_strategy=partial(study.strategy.make, study),
        make_evaluator=partial(InlineEvaluator, Objective(objective), study.metrics),
        shared=None,
        recorded={trial.key: trial for trial in recorded},
        options=RunOptions(**changes),
        stop=StopRequest(None, received=lambda: stop),
        progress=None,
        claim_goal=claim_goal,
        **{"rules": (), "repeats": True, "journals": {}, "scratch": None} | parts,
    )


def ended(drive, iteration, value=1.0, status=OK, x=None, **more):
    """A trial that has ended."""
    metrics = {"objective": value} if status == OK else {}
    x = ((1 + drive) / 10 + iteration / 100,) if x is None else x
    return Trial(
        drive=drive, iteration=iteration, x=x, status=status, **{"metrics": metrics, "seconds": 0.5, "started": 1.0} | more
    )


def asked(trials):
    """What trials are compared by."""
    return [(trial.key, trial.x, trial.status, dict(trial.metrics)) for trial in trials]

"""Works out again, from a study's journals, what every drive asked for."""

from functools import partial

from hyperspace.exchange.spec import EXCHANGES
from hyperspace.execution.known_trials import KnownTrials
from hyperspace.journal import StudyFolder
from hyperspace.results.loading import read_trials
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.strategies import STRATEGIES
from hyperspace.strategies.spec import SearchSettings
from hyperspace.trials.archive import Archive
from hyperspace.trials.metrics import Metrics


def replayed(path, dimensions, exchange, strategy="adaptive"):
    """Yield every trial that was asked for, and the point that its drive would be given today for what it knew then."""
    space, metrics = check_space(dimensions), Metrics()
    partition = Partition(space)
    trials = {trial.key: trial for trial in read_trials(StudyFolder(path), space)}
    for drive in range(partition.n_subspaces):
        search = SearchSettings(
            space=space,
            metrics=metrics,
            partition=partition,
            n_drives=partition.n_subspaces,
            founders=partition.n_subspaces,
            seed=0,
            model="GP",
            acquisition="EI",
            sampler="sobol",
            n_samples=2,
            exchange=EXCHANGES[exchange],
            first=(),
        )
        asked = STRATEGIES[strategy].make(search)
        known = KnownTrials(Archive(space.to_unit, metrics, space.d), partition.n_subspaces)
        for key in sorted(key for key in trials if key.drive == drive):
            known.recall(trials[key], trials, partial(asked.fit_ahead, drive, key.iteration, known.archive))
            suggestion = asked.ask(drive, key.iteration, known.archive)
            yield trials[key], space.from_unit(suggestion.u[None])[0]

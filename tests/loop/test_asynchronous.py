"""exchange="async": real ranks of different speed, and the replay of what they did from their journals."""

import re

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.journal import StudyFolder
from hyperspace.loop.views import View
from hyperspace.metrics import Metrics
from hyperspace.partition import Partition
from hyperspace.results import read_trials
from hyperspace.space import check_space
from hyperspace.strategies import make_strategy
from hyperspace.trial import Archive

SPACE = [(2, 10), (0.0, 1.0), ["a", "b"]]

PROGRAM = """
import json, sys, time
from hyperspace import hyperdrive
from mpi4py import MPI
rank = MPI.COMM_WORLD.Get_rank()
def objective(x):
    time.sleep(0.03 * (1 + 3 * rank))
    return (x[0] - 5) ** 2 + abs(x[1] - 0.3) + (x[2] == "a")
space = [(2, 10), (0.0, 1.0), ["a", "b"]]
result = hyperdrive(objective, space, sys.argv[1], n_samples=2, exchange="async", **json.loads(sys.argv[2]))
sys.stdout.write(f"RESULT {len(result.trials)} {result.fun!r}\\n")
"""


def replayed(path, n_drives, **settings):
    """Yield every trial that was asked for, and the point that its drive would be given today for what it knew then."""
    space, metrics = check_space(SPACE), Metrics()
    trials = {trial.key: trial for trial in read_trials(StudyFolder(path), space)}
    for drive in range(n_drives):
        strategy = make_strategy(
            space=space,
            partition=Partition(space, 8),
            n_drives=n_drives,
            seed=0,
            model="GP",
            acquisition="EI",
            sampler="sobol",
            n_samples=2,
            exchange="async",
            **settings,
        )
        view = View(Archive(space.to_unit, metrics, space.d), n_drives)
        for key in sorted(key for key in trials if key.drive == drive):
            view.recall(trials[key], trials)
            suggestion = strategy.ask(drive, key.iteration, view.archive)
            yield trials[key], space.from_unit(suggestion.u[None])[0]


@pytest.mark.parametrize("strategy", ["adaptive", "static"])
def test_every_drive_makes_its_iterations_and_every_answer_can_be_replayed(mpirun, tmp_path, strategy):
    run = mpirun(3, PROGRAM, tmp_path / "study", f'{{"n_iterations": 6, "strategy": "{strategy}"}}')
    results = re.findall("RESULT (.*)", run.stdout)
    assert len(set(results)) == 1
    assert results[0].startswith("48 ")
    asked = list(replayed(tmp_path / "study", 8, strategy=strategy))
    assert len(asked) == 48
    for trial, x in asked:
        assert x == trial.x, trial
    assert any(trial.known and len(trial.known) > 1 for trial, _ in asked)
    assert any(trial.pending for trial, _ in asked)


def test_the_budget_of_calls_is_the_studys_and_fast_ranks_do_more(mpirun, tmp_path):
    run = mpirun(4, PROGRAM, tmp_path / "study", '{"n_calls": 80, "model": "RAND"}')
    assert int(re.findall(r"RESULT (\d+)", run.stdout)[0]) == 80
    by_rank = load_results(tmp_path / "study").trials["rank"].value_counts()
    assert by_rank[0] > by_rank[3]


def test_a_study_goes_on_on_other_ranks_and_stays_replayable(mpirun, tmp_path):
    mpirun(4, PROGRAM, tmp_path / "study", '{"n_iterations": 3}')
    mpirun(3, PROGRAM, tmp_path / "study", '{"n_iterations": 5}')
    asked = list(replayed(tmp_path / "study", 8, strategy="adaptive"))
    assert len(asked) == 40
    assert all(x == trial.x for trial, x in asked)


def test_a_callback_that_stops_ends_all_ranks(mpirun, tmp_path):
    program = PROGRAM.replace("exchange=", "callback=lambda trial: trial.iteration == 2 and trial.drive == 0, exchange=")
    run = mpirun(3, program, tmp_path / "study", '{"n_iterations": 500, "model": "RAND"}')
    assert int(re.findall(r"RESULT (\d+)", run.stdout)[0]) < 1000


def test_one_process_works_too(tmp_path):
    result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, exchange="async")
    assert len(result.trials) == 10


def test_a_journal_that_lost_lines_is_found_by_what_others_knew(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, exchange="async")
    journal = tmp_path / "journals" / "00000.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-4]))
    with pytest.raises(StudyError, match="drive 1 knew of drive 0's iteration 3, which that drive's journal has lost"):
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, n_iterations=5, exchange="async")

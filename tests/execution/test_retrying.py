"""Recorded failures are evaluated again where that is asked for."""

import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.journal import Journal

SPACE = [(0.0, 1.0), (0.0, 1.0)]
EXCHANGES = ["round", "none", "async", "files"]
FEW = {"n_drives": 2, "n_subspaces": 2, "model": "GP"}


class Objective:
    """Fails right of a limit."""

    def __init__(self, limit):
        self.limit = limit
        self.points = []

    def __call__(self, x):
        self.points.append(tuple(x))
        if x[0] > self.limit:
            raise OSError("no license")
        return (x[0] - 0.3) ** 2 + x[1]


def points(result):
    return {(trial.drive, trial.iteration): trial.x for trial in result.all_trials}


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_failures_are_evaluated_again_at_their_points_and_nothing_else_is(tmp_path, capfd, exchange):
    options = {**FEW, "exchange": exchange}
    before = hyperdrive(Objective(0.5), SPACE, tmp_path, n_calls=12, **options)
    failed = {trial.x for trial in before.all_trials if trial.failed}
    assert failed
    capfd.readouterr()
    mended = Objective(1.0)
    after = hyperdrive(mended, SPACE, tmp_path, n_calls=12, retry_failed=True, **options)
    assert set(mended.points) == failed
    assert len(mended.points) == len(failed)
    assert points(after) == points(before)
    assert all(trial.ended_well for trial in after.all_trials)
    assert (
        f"{len(failed)} of the 12 evaluations on record failed in earlier runs, and are evaluated again" in capfd.readouterr().err
    )
    kept = load_results(tmp_path)
    assert [trial.metrics for trial in kept.all_trials] == [trial.metrics for trial in after.all_trials]
    more = hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=16, retry_failed=True, **options)
    assert more.nfev == 16
    assert points(more).items() >= points(before).items()


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_fails_again_stays_failed_and_may_be_tried_once_more(tmp_path, exchange):
    options = {**FEW, "exchange": exchange}
    before = hyperdrive(Objective(0.5), SPACE, tmp_path, n_calls=12, **options)
    again = Objective(0.5)
    after = hyperdrive(again, SPACE, tmp_path, n_calls=12, retry_failed=True, **options)
    failed = [trial for trial in after.all_trials if trial.failed]
    assert len(again.points) == len(failed) == sum(trial.failed for trial in before.all_trials)
    assert {trial.retry for trial in failed} == {1}
    assert not any(
        trial.failed for trial in hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=12, retry_failed=True, **options).all_trials
    )


def test_a_retry_that_was_cut_off_leaves_the_failure(tmp_path, monkeypatch):
    hyperdrive(Objective(0.5), SPACE, tmp_path, n_calls=12, exchange="async", **FEW)

    def killed(journal, trial):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "finished", killed)
        with pytest.raises(RuntimeError, match="killed"):
            hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=12, exchange="async", retry_failed=True, **FEW)
    assert any('"retry":1' in file.read_text().replace(" ", "") for file in tmp_path.rglob("*.jsonl"))
    assert sum(trial.finished for trial in load_results(tmp_path).all_trials) == 12
    assert hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=14, exchange="async", **FEW).nfev == 14


@pytest.mark.parametrize(
    "options",
    [
        {"model": "CMA", "strategy": "generations", "n_drives": 4},
        {"model": "DE", "strategy": "generations", "n_drives": 6},
        {"model": "RF"},
        {"strategy": "static", "exchange": "round"},
    ],
)
def test_a_study_goes_on_after_retries_whatever_asks(tmp_path, options):
    hyperdrive(Objective(0.5), SPACE, tmp_path, n_iterations=4, **options)
    after = hyperdrive(Objective(1.0), SPACE, tmp_path, n_iterations=6, retry_failed=True, **options)
    assert all(trial.ended_well for trial in after.all_trials)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_study_that_failed_as_a_whole_is_mended(tmp_path, exchange):
    with pytest.raises(StudyError, match="retry_failed=True"):
        hyperdrive(Objective(-1.0), SPACE, tmp_path, n_calls=8, exchange=exchange, **FEW)
    with pytest.raises(StudyError, match="retry_failed=True"):
        hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=8, exchange=exchange, **FEW)
    assert hyperdrive(Objective(1.0), SPACE, tmp_path, n_calls=8, exchange=exchange, retry_failed=True, **FEW).success


RANKS = """
import sys
from hyperspace import hyperdrive
limit, retry, path, exchange = float(sys.argv[1]), sys.argv[2] == "retry", sys.argv[3], sys.argv[4]
def objective(x):
    if x[0] > limit:
        raise OSError("no license")
    return x[0]
result = hyperdrive(objective, [(0.0, 1.0)], path, n_calls=12, n_drives=4, n_subspaces=2, exchange=exchange, retry_failed=retry)
sys.stdout.write(f"FAILED {sum(trial.failed for trial in result.all_trials)}\\n")
"""


@pytest.mark.parametrize("exchange", ["round", "async", "none"])
def test_every_rank_tries_its_own(mpirun, tmp_path, exchange):
    before = mpirun(3, RANKS, "0.6", "first", tmp_path / "study", exchange)
    assert "FAILED 0" not in before.stdout
    after = mpirun(2, RANKS, "1.0", "retry", tmp_path / "study", exchange)
    assert after.stdout.count("FAILED 0") == 2

"""exchange="files": real processes that share a folder, come and go."""

import signal
import subprocess
import sys
import time

import pytest
from replay import replayed

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError, StudyError
from hyperspace.journal import StudyFolder

WORKER = """
import sys, time
from hyperspace import hyperdrive
def objective(x):
    time.sleep(float(sys.argv[2]))
    return (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2
space = [(0.0, 1.0), (0.0, 1.0)]
result = hyperdrive(objective, space, sys.argv[1], exchange="files", n_iterations=int(sys.argv[3]), n_samples=2)
print(len(result.trials), result.nfev, result.fun)
"""


@pytest.fixture
def worker(tmp_path):
    processes = []

    def start(seconds=0.02, n_iterations=5):
        command = [sys.executable, "-c", WORKER, tmp_path / "study", str(seconds), str(n_iterations)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def answer(process):
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    trials, ended, fun = out.split()
    return int(trials), int(ended), float(fun)


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def keys(result):
    return sorted(zip(result.trials["drive"], result.trials["iteration"], strict=True))


def test_workers_share_one_study(worker, tmp_path):
    answers = [answer(process) for process in [worker() for _ in range(3)]]
    result = load_results(tmp_path / "study")
    assert answers == [(20, 20, result.fun)] * 3  # 4 drives of 5
    assert keys(result) == [(drive, iteration) for drive in range(4) for iteration in range(5)]
    assert result.trials["rank"].nunique() > 1
    assert list((tmp_path / "study" / "leases").iterdir()) == []


def test_a_killed_worker_loses_nothing_that_had_returned(worker, tmp_path):
    first = worker(0.5, 3)
    folder = StudyFolder(tmp_path / "study")
    wait_until(lambda: folder.drives() and len(load_results(folder.path).func_vals) >= 2)
    wait_until(lambda: not all(trial.finished for trial in load_results(folder.path).all_trials))
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = load_results(folder.path)
    second = worker(0.02, 3)
    assert answer(second)[:2] == (12, 12)
    after = load_results(folder.path)
    assert keys(after) == [(drive, iteration) for drive in range(4) for iteration in range(3)]
    kept = {trial.key: trial for trial in after.all_trials}
    for trial in before.all_trials:
        if trial.finished:
            assert kept[trial.key] == trial
        else:
            assert (kept[trial.key].x, kept[trial.key].attempt) == (trial.x, trial.attempt + 1)
    interrupted = sum(not trial.finished for trial in before.all_trials)
    segments = list((tmp_path / "study" / "journals").glob("*.1.jsonl"))
    assert len(segments) >= interrupted  # the dead worker's journal is nobody else's


def test_workers_are_killed_and_join_all_the_time(worker, tmp_path):
    workers = [worker(0.05, 8) for _ in range(3)]
    folder = StudyFolder(tmp_path / "study")
    for number in range(4):
        least = 5 * (number + 1)
        wait_until(lambda least=least: folder.drives() and load_results(folder.path).nfev >= least)
        workers[number].kill()
        workers.append(worker(0.05, 8))
    for process in workers[4:]:
        assert answer(process)[:2] == (32, 32)
    result = load_results(folder.path)
    assert keys(result) == [(drive, iteration) for drive in range(4) for iteration in range(8)]


def test_a_study_of_workers_is_extended_and_joined_by_a_run_of_one_process(worker, tmp_path):
    assert answer(worker(0.0, 2))[1] == 8
    assert answer(worker(0.0, 3))[1] == 12

    def objective(x):
        return (x[0] - 0.3) ** 2 + (x[1] - 0.6) ** 2

    objective.__qualname__ = "objective"
    result = hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], tmp_path / "study", n_iterations=4, n_samples=2)
    assert keys(result) == [(drive, iteration) for drive in range(4) for iteration in range(4)]


def test_a_callback_ends_the_study_for_all_workers(worker, tmp_path):
    other = worker(0.1, 500)
    wait_until(lambda: StudyFolder(tmp_path / "study").drives())

    def objective(x):
        return x[0]

    objective.__qualname__ = "objective"
    space = [(0.0, 1.0), (0.0, 1.0)]
    hyperdrive(objective, space, tmp_path / "study", n_iterations=500, n_samples=2, exchange="files", callback=lambda trial: True)
    assert answer(other)[1] < 2000


def test_a_run_of_all_drives_and_workers_keep_apart(worker, tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.journal.lease._MOMENT", 0.5)

    def objective(x):
        with pytest.raises(StudyError, match="is being worked by process"):
            hyperdrive(inner, [(0.0, 1.0)], tmp_path / "study", exchange="files", n_iterations=1)
        return x[0]

    inner = objective
    hyperdrive(objective, [(0.0, 1.0)], tmp_path / "study", n_iterations=1, exchange="round")
    process = worker(5.0)
    wait_until(lambda: (tmp_path / "study" / "leases").exists())
    process.kill()


def test_every_question_can_be_worked_out_again_from_the_journals(worker, tmp_path):
    for process in [worker(0.02, 6) for _ in range(3)]:
        answer(process)
    answers = list(replayed(tmp_path / "study", [(0.0, 1.0), (0.0, 1.0)], "files"))
    assert len(answers) == 24
    assert sum(any(trial.known or ()) for trial, _ in answers) > 10
    for trial, x in answers:
        assert x == trial.x


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"restart": True}, "rename .* before you start the workers"),
        ({"checkpoints": False}, "needs a results_path and checkpoints=True"),
        ({"strategy": "generations"}, "waits for each generation"),
    ],
)
def test_what_workers_cannot_do_is_one_sentence(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "study", exchange="files", **options)
    assert not (tmp_path / "study").exists()


def test_workers_make_no_more_than_what_is_left_of_a_budget_that_was_shared(tmp_path):
    """Without shares (exchange="async") a drive may have made more than its own; what it made is not made again by others."""

    def objective(x):
        return x[0]

    options = {"model": "RAND", "n_subspaces": 2, "n_drives": 4}
    hyperdrive(objective, [(0.0, 1.0)], tmp_path / "study", exchange="none", n_calls=20, **options)
    for drive in (1, 2, 3):  # as if drive 0 had been the fast one, and made five where the others have made one
        journal = tmp_path / "study" / "journals" / f"{drive:05d}.jsonl"
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    assert load_results(tmp_path / "study").nfev == 8
    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path / "study", exchange="files", n_calls=12, **options)
    assert result.nfev == 12
    assert sorted(keys(result)) == [(0, i) for i in range(5)] + [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (3, 0), (3, 1)]

"""Jobs of a real Slurm, from the scripts that `hyperspace slurm` prints: they run, end, are requeued, and lose nothing."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from launch import ROOT

from hyperspace import hyperdrive, load_results
from hyperspace.cluster.slurm import SlurmJob, sbatch_script
from hyperspace.results.state import study_state

N_CALLS = 96
# In the first run of a job an evaluation takes long enough for somebody to interrupt it.
PROGRAM = """
import os, sys, time
from hyperspace import hyperdrive
pause = float(sys.argv[1]) if "SLURM_RESTART_COUNT" not in os.environ else 0.0
def objective(x):
    time.sleep(pause)
    return (x[0] - 0.3) ** 2 + x[1]
if task := os.environ.get("SLURM_ARRAY_TASK_ID"):
    open(f"pid-{task}", "w").write(str(os.getpid()))
if __name__ == "__main__":  # not where a process of its own evaluates
    isolate = len(sys.argv) > 4
    settings = {"n_calls": int(sys.argv[2]), "n_drives": 8, "exchange": sys.argv[3], "isolate": isolate, "verbose": True}
    result = hyperdrive(objective, [(0.0, 1.0), (1, 9)], "study", **settings)
    sys.stdout.write(f"RANK ON {os.environ['SLURMD_NODENAME']} HAS {result.nfev}\\n")
"""


def objective(x):
    return (x[0] - 0.3) ** 2 + x[1]


def rows(path):
    return load_results(path).trials[["drive", "iteration", "x0", "x1", "objective"]].to_numpy().tolist()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The trials of a study that nobody interrupts, in one process."""
    path = tmp_path_factory.mktemp("whole") / "study"
    call_again(path)
    return rows(path)


def call_again(path):
    hyperdrive(objective, [(0.0, 1.0), (1, 9)], path, n_calls=N_CALLS, n_drives=8, exchange="round")


@pytest.fixture(scope="module")
def submit(cluster, tmp_path_factory):
    """Submit a job of PROGRAM: submit(kind, pause, ranks=4, ...); return its number and its folder."""

    def run(pause, exchange="round", more=(), options=(), **settings):
        folder = tmp_path_factory.mktemp("job")
        (folder / "train.py").write_text(PROGRAM)
        (folder / "bin").mkdir()
        # The command, as an installation puts it beside this python.
        command = folder / "bin" / "hyperspace"
        command.write_text(f"#!{sys.executable}\nfrom hyperspace.cli import main\nmain()\n")
        command.chmod(0o755)
        path = f'export PATH={folder}/bin:{Path(sys.executable).parent}:"$PATH" PYTHONPATH={ROOT}'
        command = (sys.executable, "train.py", str(pause), str(N_CALLS), exchange, *more)
        job = SlurmJob(command=command, study="study", setup=[path], options=options, **{"ranks": 4, "time": "10"} | settings)
        return cluster.submit(sbatch_script(job), folder), folder

    return run


@pytest.fixture(scope="module", autouse=True)
def limited(submit):
    """A job whose minute is over before its study is finished; it runs while the other tests do."""
    return submit(1.0, kind="requeue", ranks=2, time="1", warning=20)


def wait_for_progress(folder, least, timeout=120):
    until = time.monotonic() + timeout
    while not (folder / "study" / "study.json").exists() or study_state(folder / "study").finished < least:
        assert time.monotonic() < until, output(folder)
        time.sleep(0.2)


def output(folder):
    return "".join(file.read_text() for file in sorted(folder.glob("hyperspace-*.out")))


@pytest.mark.parametrize("launcher", ["mpirun", "pmi2"])
def test_an_mpi_job_makes_the_trials_of_a_plain_run(cluster, submit, whole, launcher):
    job, folder = submit(0.0, launcher=launcher)
    ended = cluster.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT")
    out = output(folder)
    assert ended["JobState"] == "COMPLETED", out
    nodes = [line.split()[2] for line in out.splitlines() if line.startswith("RANK ON") and line.endswith(f"HAS {N_CALLS}")]
    assert len(nodes) == 4, out
    assert len(set(nodes)) == 2
    assert "by 8 drives over 4 subspaces, on 4 ranks" in out
    assert re.search(r"0:09:\d\d left: no evaluation begins", out)  # the limit of the job is 10 minutes
    assert rows(folder / "study") == whole


def test_a_job_that_is_warned_is_requeued_and_finishes_the_study(cluster, submit, whole):
    job, folder = submit(0.5, kind="requeue")
    wait_for_progress(folder, 8)
    cluster.run("scancel", "--signal=USR1", "--batch", job)
    ended = cluster.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT")
    out = output(folder)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), out
    assert "stopped by hyperspace stop after" in out
    assert "goes on after" in out
    assert rows(folder / "study") == whole


@pytest.mark.parametrize("more", [(), ("isolated",)], ids=["in the rank", "in a process of its own"])
def test_a_job_that_is_cancelled_leaves_a_study_that_goes_on(cluster, submit, whole, more):
    job, folder = submit(0.5, kind="mpi", more=more)
    wait_for_progress(folder, 8)
    cluster.run("scancel", job)
    cluster.wait_for(job, "CANCELLED")
    assert 8 <= study_state(folder / "study").finished < N_CALLS, output(folder)
    call_again(folder / "study")
    assert rows(folder / "study") == whole


def test_a_job_whose_node_fails_is_requeued_by_slurm_and_goes_on(cluster, submit, whole):
    job, folder = submit(0.5, kind="mpi", ranks=2, options=["--nodelist=n4", "--requeue"])
    wait_for_progress(folder, 8)
    cluster.run("scontrol", "update", "NodeName=n4", "State=DOWN", "Reason=test")
    cluster.run("scontrol", "update", "NodeName=n4", "State=RESUME", check=False)  # it may have come back by itself
    ended = cluster.wait_for(job, "COMPLETED", "FAILED", "CANCELLED")
    out = output(folder)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), out
    assert rows(folder / "study") == whole


def test_a_job_that_reaches_its_time_limit_is_requeued_and_finishes_the_study(cluster, limited, whole):
    job, folder = limited
    ended = cluster.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT")
    out = output(folder)
    assert (ended["JobState"], ended["Restarts"]) == ("COMPLETED", "1"), out
    assert "stopped by" in out
    assert rows(folder / "study") == whole


def test_an_array_finishes_the_study_though_one_of_its_tasks_was_killed(cluster, submit):
    array, folder = submit(0.3, exchange="files", kind="array", ranks=3)
    wait_for_progress(folder, 12)
    os.kill(int((folder / "pid-1").read_text()), signal.SIGKILL)
    cluster.wait_for(f"{array}_1", "FAILED")
    for task in (0, 2):
        assert cluster.wait_for(f"{array}_{task}", "COMPLETED", "FAILED")["JobState"] == "COMPLETED", output(folder)
    state = study_state(folder / "study")
    assert (state.finished, state.running) == (N_CALLS, 0)
    trials = load_results(folder / "study").trials
    assert not trials.duplicated(["drive", "iteration"]).any()
    assert all(objective((row.x0, row.x1)) == row.objective for row in trials.itertuples())

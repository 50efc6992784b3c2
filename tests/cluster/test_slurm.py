"""Scripts for Slurm as text, and run by bash with stand-ins for its commands; a real Slurm runs them in tests/slurm."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest
from launch import ROOT, clean_environment

from hyperspace.cli import main
from hyperspace.cluster.slurm import SlurmJob, sbatch_script
from hyperspace.errors import InputError

TRAIN = ("python", "train.py")
EXAMPLES = {
    "mpi": ["--ranks", "64", "--venv", ".venv", "python", "train.py"],
    "array": ["--kind", "array", "--ranks", "32", "--venv", ".venv", "python", "train.py"],
    "requeue": ["--kind", "requeue", "--study", "results", "--ranks", "64", "--venv", ".venv", "python", "train.py"],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_what_the_command_prints(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hyperspace", "slurm", *EXAMPLES[name]])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert capsys.readouterr().out == (ROOT / "slurm" / f"{name}.sbatch").read_text()
    assert shlex.join(["hyperspace", "slurm", *EXAMPLES[name]]) in (ROOT / "docs" / "slurm.md").read_text()


@pytest.mark.parametrize("kind", ["mpi", "array", "requeue"])
@pytest.mark.parametrize("launcher", ["mpirun", "pmi2", "pmix"])
def test_bash_reads_every_script_and_strange_words_stay_words(tmp_path, kind, launcher):
    words = ("python", "my train.py", "$(touch pwned)", "a'b", '"; touch pwned; "')
    strange = "st'udy $(touch pwned) `touch pwned`"
    script = sbatch_script(SlurmJob(command=words, kind=kind, launcher=launcher, study=strange, venv="v $(touch pwned)"))
    (tmp_path / "v $(touch pwned)" / "bin").mkdir(parents=True)
    (tmp_path / "v $(touch pwned)" / "bin" / "activate").write_text("")
    for name in ("python", "mpirun", "srun", "hyperspace"):
        fake(tmp_path, name, f'printf "%s\\n" {name} "$@" >> seen')
    done = run(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[: seen.index("hyperspace")][-5:] == list(words) if kind == "requeue" else seen[-5:] == ["python", *words][-5:]
    assert kind != "requeue" or strange in seen
    assert not (tmp_path / "pwned").exists()


def test_the_settings_reach_slurm():
    job = SlurmJob(
        command=TRAIN,
        ranks=8,
        time="1-12",
        nodes=2,
        cpus_per_rank=4,
        memory_per_cpu="2G",
        gpus_per_rank=1,
        partition="long",
        account="p-17",
        launcher="pmi2",
        setup=["module load mpich", 'echo "$HOME"'],
        venv="/home/me/my env/",
        options=["--qos=high", "--exclusive", "--constraint=a&b"],
    )
    lines = sbatch_script(job).splitlines()
    directives = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")}
    assert directives == {
        *("--job-name=hyperspace", "--output=%x-%j.out", "--time=1-12", "--ntasks=8", "--nodes=2", "--cpus-per-task=4"),
        *("--mem-per-cpu=2G", "--gpus-per-task=1", "--partition=long", "--account=p-17"),
        *("--qos=high", "--exclusive", "--constraint=a&b"),
    }
    assert lines[len(directives) + 3 :][:3] == ["module load mpich", 'echo "$HOME"', "source '/home/me/my env/bin/activate'"]
    assert 'export OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"' in lines
    assert lines[-1] == "srun --mpi=pmi2 --kill-on-bad-exit=1 python train.py"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "farm"}, "kind must be one of 'mpi'"),
        ({"launcher": "ssh"}, "launcher must be one of"),
        ({"command": ()}, "a command was expected"),
        ({"kind": "requeue"}, "name the study"),
        ({"ranks": 0}, "ranks must be a whole number of at least 1, got 0"),
        ({"nodes": 0}, "nodes must be"),
        ({"gpus_per_rank": -1}, "gpus_per_rank must be"),
        ({"cpus_per_rank": 1.5}, "cpus_per_rank must be"),
        ({"name": "a b"}, "name must be one word"),
        ({"name": "a\n#SBATCH --uid=0"}, "name must be one word"),
        ({"partition": "a#b"}, "partition must be one word"),
        ({"account": "$(id)"}, "account must be one word"),
        ({"memory_per_cpu": "2 G"}, "memory_per_cpu must be one word"),
        ({"options": ["qos=long"]}, "an option of sbatch was expected"),
        ({"options": ["--wrap=a b"]}, "an option of sbatch was expected"),
        ({"setup": ["module load a\nrm b"]}, "one line was expected"),
        ({"command": ("python", "a\nb")}, "one line was expected"),
        ({"time": "soon"}, "time must be a limit as Slurm writes it"),
        ({"time": "2", "kind": "requeue", "study": "s"}, "warning must be less than the time limit, 120 s, got 120"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError) as refused:
        sbatch_script(SlurmJob(**{"command": TRAIN} | settings))
    assert message in str(refused.value)


# --- what the requeueing script decides ---

FINISH = """echo '{"event":"finished"}' >> study/journals/00000.jsonl"""
RUN = "echo run >> said"


def fake(folder, name, text):
    """Put a command of this name into the folder that PATH begins with."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / "bin" / name).chmod(0o755)


def run(folder, script, **environment):
    process = start(folder, script, **environment)
    out, err = process.communicate(timeout=30)
    return subprocess.CompletedProcess(script, process.returncode, out, err)


def start(folder, script, **environment):
    variables = {
        "SLURM_JOB_ID": "17",
        "SLURM_NTASKS": "4",
        "SLURM_CPUS_PER_TASK": "1",
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
    }
    return subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=clean_environment(**variables | environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def job(tmp_path):
    """Return a folder with a study of two evaluations and stand-ins for the commands, which note what they were asked."""
    (tmp_path / "study" / "journals").mkdir(parents=True)
    (tmp_path / "study" / "journals" / "00000.jsonl").write_text('{"event":"finished"}\n' * 2)
    fake(tmp_path, "mpirun", f"{RUN}\n{FINISH}")
    fake(tmp_path, "scontrol", 'echo "scontrol $@" >> said')
    status(tmp_path, 3)
    return tmp_path


def status(folder, code):
    fake(folder, "hyperspace", f'echo "hyperspace $@" >> said; [ "$1" != status ] || exit {code}')


def said(folder):
    return (folder / "said").read_text().splitlines()


SCRIPT = sbatch_script(SlurmJob(command=TRAIN, kind="requeue", study="study", requeues=3))
ASKED = ["run", "hyperspace status study --exit-code"]


def test_a_study_that_is_not_finished_is_requeued(job):
    assert run(job, SCRIPT, SLURM_RESTART_COUNT="2").returncode == 0
    assert said(job) == [*ASKED, "scontrol requeue 17"]


def test_a_finished_study_ends_the_job(job):
    status(job, 0)
    assert run(job, SCRIPT).returncode == 0
    assert said(job) == ASKED


def test_a_run_without_progress_is_not_requeued(job):
    fake(job, "mpirun", RUN)
    done = run(job, SCRIPT)
    assert done.returncode == 3
    assert "no evaluation has ended in this run" in done.stderr
    assert said(job) == ASKED


def test_a_run_that_failed_hands_its_exit_code_on(job):
    fake(job, "mpirun", f"{RUN}; exit 7")
    assert run(job, SCRIPT).returncode == 7
    fake(job, "mpirun", f"{FINISH}; exit 7")  # a node died after some evaluations
    assert run(job, SCRIPT).returncode == 0
    assert said(job)[-1] == "scontrol requeue 17"


def test_a_job_is_requeued_only_so_often(job):
    done = run(job, SCRIPT, SLURM_RESTART_COUNT="3")
    assert done.returncode == 3
    assert "it was 3 times" in done.stderr
    assert said(job) == ASKED


def test_a_study_that_somebody_has_stopped_is_not_requeued(job):
    fake(job, "mpirun", f"{RUN}\n{FINISH}\necho 'hyperspace stop: process 3 on a' > study/stop")
    done = run(job, SCRIPT)
    assert done.returncode == 3
    assert "somebody has stopped the study" in done.stderr
    assert said(job) == ASKED


def test_the_warning_stops_the_study_and_the_job_is_requeued(job):
    fake(job, "mpirun", f"{RUN}\nuntil grep -q stop said; do sleep 0.05; done\nsleep 0.2\n{FINISH}\necho ended >> said")
    process = start(job, SCRIPT)
    until = time.monotonic() + 20
    while not (job / "said").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGUSR1)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert said(job) == ["run", "hyperspace stop study", "ended", ASKED[1], "scontrol requeue 17"]


def test_what_stands_before_the_program_must_succeed(tmp_path):
    fake(tmp_path, "mpirun", "touch started")
    done = run(tmp_path, sbatch_script(SlurmJob(command=TRAIN, setup=["module load no-such-module"])))
    assert done.returncode != 0
    assert not (tmp_path / "started").exists()


def test_an_array_can_be_throttled_and_nothing_else():
    assert "#SBATCH --array=0-31%8\n" in sbatch_script(SlurmJob(command=TRAIN, kind="array", ranks=32, throttle=8))
    with pytest.raises(InputError, match="job array"):
        sbatch_script(SlurmJob(command=TRAIN, throttle=8))
    with pytest.raises(InputError, match="at least 1"):
        sbatch_script(SlurmJob(command=TRAIN, kind="array", throttle=0))

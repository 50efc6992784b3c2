"""`hyperspace run --workers`: processes that share a study through its folder, and end with the one that started them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial

import pytest
from command_lines import COMMAND, HYPERSPACE, QUICK, TRAIN
from launch import await_end, clean_environment

from hyperspace import hyperdrive, load_results
from hyperspace.cli.workers import _exit_code, _passing_signals_on, _set_aside
from hyperspace.errors import StudyError
from hyperspace.journal import Leases, StudyFolder, take_study
from hyperspace.results.state import study_state


def test_workers_share_a_study_which_may_begin_anew(start, folder):
    code, out, err = start("--command", COMMAND, "--space", "space.toml", *QUICK, "--workers", "2")
    assert (code, err) == (0, "")
    assert out.count("6 evaluations planned") == 1
    code, out, err = start("train.py:objective", "--model", "RAND", "--n-calls", "4", "--workers", "2", "--restart")
    assert (code, err) == (0, "")
    assert len(load_results(folder / "results").trials) == 4
    assert len(load_results(folder / "results.old-1").trials) == 6


def test_workers_end_cleanly_when_they_are_told_to(folder):
    (folder / "train.py").write_text(TRAIN.replace("    return (p", "    import time; time.sleep(0.05)\n    return (p", 1))
    words = [*HYPERSPACE, "run", "train.py:objective", "--model", "RAND", "--n-calls", "100000", "--workers", "2"]
    process = subprocess.Popen(words, cwd=folder, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    while len(list(folder.glob("results/journals/*.jsonl"))) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "stopped by" in out


@pytest.mark.parametrize("after", [0.0, 0.03])
def test_a_signal_reaches_workers_that_are_just_being_started(folder, after):
    words = [*HYPERSPACE, "run", "--command", "sh -c 'sleep 1; echo {x}'", "--space", "x.toml", "--n-calls", "300"]
    (folder / "x.toml").write_text("x = [0.0, 1.0]\n")
    process = subprocess.Popen([*words, "--workers", "3"], cwd=folder, env=clean_environment())
    while not (folder / "results" / "study.json").exists():
        assert process.poll() is None
        time.sleep(0.001)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) in (0, 128 + signal.SIGTERM)
    assert study_state(folder / "results").finished < 30


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("name", ["SIGKILL", "SIGHUP", "SIGQUIT", "SIGTERM", "SIGINT"])
def test_workers_and_commands_end_with_the_process_that_has_started_them(folder, name, alone):
    _end_workers(folder, "command", getattr(signal, name), alone)


@pytest.mark.parametrize("way", ["inline", "isolate"])
def test_workers_end_with_the_process_that_has_started_them(folder, way):
    _end_workers(folder, way, signal.SIGKILL, alone=True)


def _end_workers(folder, way, number, alone):
    (folder / "train.py").write_text(
        "import os, time\n"
        "space = {'x': (0.0, 1.0)}\n"
        "def objective(parameters):\n"
        "    open(f'working-{os.getpid()}', 'w').close()\n"
        "    time.sleep(1000)\n"
    )
    (folder / "x.toml").write_text("x = [0.0, 1.0]\n")
    target = {
        "inline": ["train.py:objective"],
        "isolate": ["train.py:objective", "--isolate"],
        "command": ["--command", "sh -c 'touch working-$$; sleep 1000; echo {x}'", "--space", "x.toml"],
    }[way]
    words = [*HYPERSPACE, "run", *target, "--model", "RAND", "--n-calls", "100", "--workers", "2"]
    process = subprocess.Popen(words, cwd=folder, env=clean_environment(), start_new_session=True)
    try:
        while len(found := list(folder.glob("working-*"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        end = process.send_signal if alone else partial(os.killpg, process.pid)
        end(number)
        if number in (signal.SIGTERM, signal.SIGINT):  # the first one waits for the evaluations under way
            time.sleep(4.0)  # on a busy machine it arrives late, and what comes within a second of it is the same one
            assert process.poll() is None
            end(number)
        process.wait(timeout=60)
        await_end([file.name.partition("-")[2] for file in found])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_what_is_wrong_is_said_by_one_worker(start):
    code, out, err = start("train.py:objective", "--model", "GPU", "--workers", "2")
    assert (code, out) == (1, "")
    assert err.startswith("hyperspace: model must be one of")
    assert len(err.splitlines()) == 1


def test_workers_take_over_from_another_study_and_say_so_once(start, folder):
    start("train.py:objective", *QUICK, "--results", "old")
    code, _, err = start(
        "train.py:objective", *QUICK, "--warm-start", "old", "--results", "new", "--workers", "2", "--x0", "x=0.5,kind=good"
    )
    assert code == 0, err
    assert err.count("are taken over") == 1
    trials = load_results(folder / "new").all_trials
    assert sum(trial.origin == "given" for trial in trials) == 6
    assert sum(trial.arm == "x0" for trial in trials) == 1


@pytest.mark.parametrize(("code", "shells"), [(0, 0), (3, 3), (-signal.SIGTERM, 143), (-signal.SIGKILL, 137)])
def test_an_exit_code_after_a_signal_is_that_of_a_shell(code, shells):
    assert _exit_code(code) == shells


WAITING = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
signal.signal(signal.SIGUSR1, lambda number, frame: sys.exit(8))
print("ready", flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 7), (signal.SIGUSR1, 8)])
def test_a_signal_reaches_all_workers_and_the_handlers_return(number, code):
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    with _passing_signals_on() as (processes, passed_on):
        for _ in range(2):
            processes.append(subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE))
            assert processes[-1].stdout.readline() == b"ready\n"
        signal.raise_signal(number)
        assert [process.wait(timeout=30) for process in processes] == [code, code]
        signal.raise_signal(number)  # all workers have ended
        assert passed_on == [number, number]
        for process in processes:
            process.stdout.close()
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)] == before


def test_a_study_that_is_worked_on_is_not_set_aside(tmp_path):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "study", model="RAND", n_calls=2)
    folder = StudyFolder(tmp_path / "study")
    leases = Leases(folder.leases)
    take_study(leases, folder.path)
    try:
        with pytest.raises(StudyError):
            _set_aside(folder)
        assert folder.study_file.exists()
    finally:
        leases.close()
    _set_aside(folder)
    assert len(load_results(tmp_path / "study.old-1").trials) == 2
    assert not folder.study_file.exists()


def test_a_worker_whose_parent_is_gone_ends_at_once(python):
    program = """
        import os, sys
        from hyperspace.cli.workers import PARENT_VARIABLE, end_with_parent
        assert PARENT_VARIABLE == "HYPERSPACE_PARENT"
        for parent in ("", "no number", str(os.getppid())):
            os.environ[PARENT_VARIABLE] = parent
            end_with_parent()
            assert PARENT_VARIABLE not in os.environ  # what the objective starts has another parent
        print("alive", flush=True)
        os.environ[PARENT_VARIABLE] = str(os.getpid())
        end_with_parent()
        print("still alive")
    """
    done = python(program, check=False)
    assert (done.returncode, done.stdout) == (1, "alive\n")

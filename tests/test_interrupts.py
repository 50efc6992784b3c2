"""Ctrl-C ends a study in good order the first time, and at once the second time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from launch import clean_environment

from hyperspace import load_results
from hyperspace.journal import StudyFolder
from hyperspace.results.state import study_state

_LATER = 4.0  # seconds to a second signal: on a busy machine the first one is handled late, and within a second both are one

PROGRAM = """
import sys, time
from hyperspace import hyperdrive
study, exchange, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
def objective(x):
    begun = time.monotonic()
    while time.monotonic() - begun < pause:
        time.sleep(0.01)
    return (x[0] - 0.3) ** 2 + x[1]
hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], study, n_calls=500, n_drives=4, model="RAND", exchange=exchange)
print("RETURNED")
"""
MPIRUN = [str(Path(sys.executable).with_name("mpirun")), "-n", "4"]


@pytest.fixture
def start(tmp_path):
    """Start a program in a process group of its own; return the process when `least` evaluations were begun."""
    started = []

    def run(words, study, least=1):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(
            [str(word) for word in words], cwd=tmp_path, env=clean_environment(), start_new_session=True, **pipes
        )
        started.append(process)
        until = time.monotonic() + 60
        while process.poll() is None and not begun(study, least):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert process.poll() is None, process.communicate()[0]
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def begun(study, least):
    if not StudyFolder(study).study_file.exists():
        return False
    state = study_state(study)
    return state.finished + state.running >= least


@pytest.mark.parametrize("exchange", ["round", "async", "none", "files"])
def test_the_first_one_ends_the_study_in_good_order(start, tmp_path, exchange):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start([sys.executable, "program.py", tmp_path / "study", exchange, 0.3], tmp_path / "study", 3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    done = study_state(tmp_path / "study").finished
    assert "hyperspace: SIGINT: stopping after the evaluation under way; Ctrl-C again ends the program at once\n" in out
    assert f"stopped by SIGINT after {done} of 500 evaluations; start the same program again to go on" in out
    assert "Traceback" not in out
    assert "RETURNED" not in out
    assert study_state(tmp_path / "study").running == 0
    assert load_results(tmp_path / "study").nfev == done


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_ranks_that_all_get_it_end_in_good_order(start, tmp_path, exchange):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start([*MPIRUN, sys.executable, "program.py", tmp_path / "study", exchange, 0.3], tmp_path / "study", 8)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert out.count("stopping after the evaluation under way") == 1
    assert out.count("stopped by SIGINT") == 1
    assert "Traceback" not in out
    assert study_state(tmp_path / "study").running == 0


def test_the_second_one_ends_all_ranks_at_once_and_without_tracebacks(start, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start([*MPIRUN, sys.executable, "program.py", tmp_path / "study", "round", 50], tmp_path / "study", 4)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(_LATER)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=40)
    # MPICH's mpiexec, which gets both signals, too, cleans up by itself; its own exit code is 0 once in about ten times.
    assert "RETURNED" not in out
    assert "Traceback" not in out
    assert study_state(tmp_path / "study").finished == 0


def test_the_second_one_ends_a_process_at_once(start, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start([sys.executable, "program.py", tmp_path / "study", "round", 50], tmp_path / "study")
    process.send_signal(signal.SIGINT)
    time.sleep(_LATER)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode in (130, -signal.SIGINT)


def test_a_program_that_goes_on_after_the_second_one_begins_its_next_study(python):
    program = """
        import os, signal, time
        from hyperspace import hyperdrive
        def objective(x):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.1)  # what comes within a second is the first one again
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        try:
            hyperdrive(objective, [(0.0, 1.0)], "first", model="RAND", n_calls=3)
        except KeyboardInterrupt:
            print("INTERRUPTED")
        print(hyperdrive(lambda x: x[0], [(0.0, 1.0)], "second", model="RAND", n_calls=3).nfev)
    """
    assert python(program).stdout.splitlines() == ["INTERRUPTED", "3"]


def test_a_term_says_at_once_that_it_has_come(start, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = start([sys.executable, "program.py", tmp_path / "study", "round", 0.3], tmp_path / "study")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "hyperspace: SIGTERM: stopping after the evaluation under way; SIGTERM again ends the program at once\n" in out
    assert "RETURNED" in out


TRAIN = """
import time
space = {"x": (0.0, 1.0)}
def objective(parameters):
    time.sleep(0.2)
    return parameters["x"]
"""


def test_workers_get_it_from_the_process_that_started_them(start, tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    words = [sys.executable, "-m", "hyperspace", "run", "train.py:objective", "--n-calls", "500", "--workers", "2"]
    process = start([*words, "--model", "RAND", "--results", tmp_path / "study"], tmp_path / "study", 8)
    process.send_signal(signal.SIGINT)  # to this process alone
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert out.count("stopping after the evaluation under way") == 1
    assert study_state(tmp_path / "study").running == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("exchange", ["round", "files"])
def test_an_evaluation_whose_child_the_signal_has_ended_too_is_begun_again_and_no_failure(python, tmp_path, name, exchange):
    program = """
        import os, signal, subprocess, sys
        from hyperspace import hyperdrive
        from hyperspace.execution.signals import StudyInterrupted
        signal.signal(signal.SIGINT, signal.default_int_handler)
        name, exchange, signals = sys.argv[1], sys.argv[2], sys.argv[3] == "signal"
        calls = []
        def objective(x):
            calls.append(x)
            if signals and len(calls) == 3:
                child = subprocess.Popen(["sleep", "60"])
                os.killpg(0, getattr(signal, name))
                if child.wait() != 0:
                    raise RuntimeError("the simulation was ended")
            return x[0]
        try:
            result = hyperdrive(objective, [(0.0, 1.0)], "study", model="RAND", n_calls=6, exchange=exchange)
        except StudyInterrupted as interrupted:
            result = interrupted.result
        print(list(result.trials.status).count("ok"), list(result.trials.status).count("failed"), result.ended_by)
    """
    assert python(program, name, exchange, "signal").stdout == f"2 0 {name}\n"
    assert python(program, name, exchange, "none").stdout.startswith("6 0 ")

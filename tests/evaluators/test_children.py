"""Processes that an objective has started itself, when a signal ends the study."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest
from launch import await_end, clean_environment

from hyperspace.results.state import study_state

_LATER = 4.0  # seconds to a second signal: on a busy machine the first one is handled late, and within a second both are one

PROGRAM = """
    import multiprocessing, os, sys, time
    from pathlib import Path
    from hyperspace import hyperdrive

    way, seconds = sys.argv[1], float(sys.argv[2])

    def work(number):
        Path(f"begun-{os.getpid()}").touch()
        time.sleep(seconds)
        return number

    def objective(x):
        if way == "joblib":
            import joblib
            return sum(joblib.Parallel(2)(joblib.delayed(work)(number) for number in (1, 2)))
        if way == "stubborn":
            try:
                while True:
                    with multiprocessing.Pool(2) as pool:
                        pool.map(work, (1, 2))
            except:
                pass
        if way == "idle":  # it has lost them, and does without
            pool = multiprocessing.Pool(2)
            pool.map_async(work, (1, 2))
            until = time.monotonic() + 9
            while time.monotonic() < until:
                pass
            return x[0]
        with multiprocessing.get_context(way if way == "spawn" else "fork").Pool(2) as pool:
            return sum(pool.map(work, (1, 2)))

    if __name__ == "__main__":
        result = hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=3, n_drives=1, model="RAND")
        print("RETURNED", result.nfev, result.ended_by)
"""


@pytest.fixture
def start(tmp_path):
    """Start PROGRAM in a process group of its own; return it, and its two children, when they have begun."""
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    started = []

    def run(way, seconds=300):
        words = [sys.executable, "program.py", way, str(seconds)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(words, cwd=tmp_path, env=clean_environment(), start_new_session=True, **pipes)
        started.append(process)
        until = time.monotonic() + 60
        while len(children := [int(file.name.partition("-")[2]) for file in tmp_path.glob("begun-*")]) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        return process, children

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def group_is_gone(process):
    """Return whether no process of a group is left but those that have ended already."""
    return not any(
        fields[2] == str(process.pid) and fields[0] not in "ZX"
        for stat in Path("/proc").glob("[0-9]*/stat")
        for fields in [read(stat).rpartition(")")[2].split()]
        if fields
    )


def read(file):
    try:
        return file.read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("way", ["fork", "spawn", "joblib", "stubborn"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_all_ends_a_study_whose_pool_has_lost_its_processes(start, tmp_path, way, name):
    process, _ = start(way)
    os.killpg(process.pid, getattr(signal, name))
    out, err = process.communicate(timeout=90)
    assert f"{name}: stopping after the evaluation under way; {'SIGTERM' if name == 'SIGTERM' else 'Ctrl-C'} again ends" in err
    if way == "fork":
        assert "the evaluation under way is given up: a process that it waits for was ended by the signal, too; the" in err
    assert (process.returncode, out) == ((0, "RETURNED 0 SIGTERM\n") if name == "SIGTERM" else (130, ""))
    state = study_state(tmp_path / "study")
    assert (state.finished, state.failed) == (0, 0)
    await_empty(process)


def test_an_evaluation_that_works_on_without_them_comes_to_its_end(start, tmp_path):
    process, _ = start("idle")
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (0, "RETURNED 1 SIGTERM\n")
    assert "given up" not in err


def test_a_signal_to_the_program_alone_lets_the_evaluation_end(start):
    process, _ = start("fork", 8)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (0, "RETURNED 1 SIGTERM\n")
    assert "given up" not in err


@pytest.mark.parametrize("way", ["fork", "spawn", "joblib"])
def test_a_second_one_leaves_no_processes(start, way):
    process, children = start(way)
    process.send_signal(signal.SIGTERM)
    time.sleep(_LATER)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    await_end(children)
    await_empty(process)


def await_empty(process):
    until = time.monotonic() + 30
    while not group_is_gone(process):
        assert time.monotonic() < until
        time.sleep(0.05)

"""Everything that a program has started ends with it, in whatever session, process group or environment it is."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress

import pytest
from launch import await_end, clean_environment

from hyperspace.evaluators import supervisor
from hyperspace.evaluators.processes import ProcessGroup

# Each writes the number of a process that would stay for long.
WAYS = {
    "a child": "sleep 1000 & echo $! > left",
    "a session of its own": "setsid sh -c 'echo $$ > left; exec sleep 1000' &",
    "a group of its own": "timeout 1000 sh -c 'echo $$ > left; exec sleep 1000' &",
    "job control": "set -m; sleep 1000 & echo $! > left",
    "a daemon": "(setsid nohup env -i PATH=$PATH sh -c 'echo $$ > left; exec sleep 1000' > /dev/null 2>&1 &) &",
    "deaf to signals": "trap '' TERM HUP INT; setsid sh -c 'echo $$ > left; while :; do sleep 1000; done' &",
}
HOLD = "while [ ! -s left ]; do sleep 0.01; done; "


def wait_until(test):
    while not test():
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    groups = []

    def run(script):
        groups.append(ProcessGroup([shutil.which("bash") or "sh", "-c", script]))
        return groups[-1]

    yield run
    for group in groups:
        group.kill()


def left(tmp_path):
    wait_until(lambda: (tmp_path / "left").exists() and (tmp_path / "left").read_text().endswith("\n"))
    return (tmp_path / "left").read_text().split()


@pytest.mark.parametrize("way", WAYS)
def test_what_a_program_leaves_ends_with_it(start, tmp_path, way):
    group = start(f"{WAYS[way]}\n{HOLD}exit 3")
    wait_until(lambda: group.exit_code() is not None)
    assert group.exit_code() == 3
    await_end(left(tmp_path))


@pytest.mark.parametrize("way", WAYS)
def test_what_a_program_has_started_is_killed_with_it(start, tmp_path, way):
    group = start(f"{WAYS[way]}\n{HOLD}sleep 1000")
    started = left(tmp_path)
    group.kill()
    assert group.exit_code() == -signal.SIGKILL
    await_end([group.id, *started])


@pytest.mark.parametrize("way", WAYS)
def test_what_a_program_has_started_does_not_outlive_the_rank(tmp_path, way):
    program = f"""
        import time
        from hyperspace.evaluators.processes import ProcessGroup
        group = ProcessGroup(["bash", "-c", {f"{WAYS[way]}{chr(10)}sleep 1000"!r}])
        print(group.id, flush=True)
        time.sleep(1000)
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    rank = subprocess.Popen(words, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    number = rank.stdout.readline().strip()
    started = left(tmp_path)
    rank.kill()
    rank.communicate()
    await_end([number, *started])


def test_a_child_of_the_rank_that_holds_its_end_of_the_pipe_changes_nothing(tmp_path):
    program = """
        import os, time
        from hyperspace.evaluators.processes import ProcessGroup
        group = ProcessGroup(["sleep", "1000"])
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)
        print(group.id, flush=True)
        time.sleep(1000)
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    rank = subprocess.Popen(words, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    number = rank.stdout.readline().strip()
    children = supervisor.children_by_parent()[rank.pid]
    rank.kill()
    rank.wait()
    rank.stdout.close()
    await_end([number])
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_a_supervisor_that_is_killed_leaves_nothing_either(start, tmp_path):
    group = start(f"{WAYS['a session of its own']}\n{HOLD}sleep 1000")
    started = left(tmp_path)
    os.kill(group._process.pid, signal.SIGKILL)
    wait_until(lambda: group.exit_code() is not None)
    assert group.exit_code() == -signal.SIGKILL
    await_end([group.id, *started])


def test_of_what_a_killed_supervisor_leaves_only_a_process_with_a_cleared_environment_is_missed(start, tmp_path):
    group = start(f"{WAYS['a daemon']}\n{WAYS['a child'].replace('> left', '> child')}\n{HOLD}sleep 1000")
    [daemon] = left(tmp_path)
    os.kill(group._process.pid, signal.SIGKILL)
    wait_until(lambda: group.exit_code() is not None)
    await_end([group.id, int((tmp_path / "child").read_text())])
    os.kill(int(daemon), signal.SIGKILL)  # it is there, as docs/isolation.md says


def test_the_signals_that_end_a_job_do_not_end_the_supervisor(start, tmp_path):
    group = start(f"trap 'exit 4' TERM; {WAYS['a session of its own']}\n{HOLD}while :; do sleep 0.05; done")
    started = left(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        os.kill(group._process.pid, number)
    os.kill(group.id, signal.SIGTERM)
    wait_until(lambda: group.exit_code() is not None)
    assert group.exit_code() == 4
    await_end(started)


def test_orphans_end_alone(start, tmp_path):
    group = start(f"{WAYS['a daemon']}\n{HOLD}sleep 1000 & echo $! > child; sleep 1000")
    orphan = int(left(tmp_path)[0])
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    assert group.orphans() == {orphan}
    group.end_orphans({orphan})
    assert group.orphans() == {orphan}
    group.end_orphans(set())
    await_end([orphan])
    assert group.exit_code() is None
    os.kill(int((tmp_path / "child").read_text()), 0)  # it is still there


def test_a_program_gets_the_signals_as_they_were(start, tmp_path):
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as below nohup
    try:
        # The state of the program itself: that of a shell changes while it waits for one.
        words = "exec grep -E '^Sig(Ign|Blk|Cgt)' /proc/self/status > "
        group = start(f"{words} signals")
        wait_until(lambda: group.exit_code() is not None)
        subprocess.run(["bash", "-c", f"{words} expected"], check=True)
    finally:
        signal.signal(signal.SIGHUP, former)
    assert (tmp_path / "signals").read_text() == (tmp_path / "expected").read_text()


def test_a_program_that_there_is_not_is_an_error_and_leaks_nothing(tmp_path):
    (tmp_path / "script").write_text("no program")
    before = os.listdir("/proc/self/fd")
    for words, error in [
        (["/no/such/program"], FileNotFoundError),
        ([str(tmp_path / "script")], PermissionError),
        (["true", "a\0b"], ValueError),
    ]:
        with pytest.raises(error):
            ProcessGroup(words)
    assert os.listdir("/proc/self/fd") == before


def test_a_program_inherits_no_descriptor_but_those_that_it_is_given(start, tmp_path):
    reading, writing = os.pipe()
    group = ProcessGroup(["bash", "-c", f"ls /proc/self/fd > {tmp_path}/descriptors; echo word >&{writing}"], pass_fds=[writing])
    os.close(writing)
    assert os.read(reading, 100) == b"word\n"
    assert os.read(reading, 100) == b""
    wait_until(lambda: group.exit_code() is not None)
    os.close(reading)
    assert {int(name) for name in (tmp_path / "descriptors").read_text().split()} <= {0, 1, 2, 3, writing}

"""The supervisor by itself: what it is told and tells, and how it finds processes."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from launch import await_end

from hyperspace.evaluators import supervisor
from hyperspace.evaluators.supervisor import children_by_parent, control_process, descendants, end_found, numbers, pack


class Supervised:
    """A supervisor of a program, with the ends of its pipes."""

    def __init__(self, *words, data=None):
        control, self.control = os.pipe()
        self.status, status = os.pipe()
        command = [sys.executable, "-S", "-I", supervisor.__file__, control, status, os.getpid()]
        self.process = subprocess.Popen([str(word) for word in command], pass_fds=(control, status), stdin=subprocess.DEVNULL)
        os.close(control)
        os.close(status)
        data = pack(words) if data is None else data
        while data:
            data = data[os.write(self.control, data) :]

    def line(self):
        """Return the next line that it tells; empty at its end."""
        line = b""
        while not line.endswith(b"\n") and (byte := os.read(self.status, 1)):
            line += byte
        return line.decode()

    def hang_up(self):
        """Close the control pipe, as the end of the rank's process would."""
        if self.control is not None:
            os.close(self.control)
        self.control = None

    def close(self):
        self.hang_up()
        os.close(self.status)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def supervised():
    made = []

    def start(*words, **options):
        made.append(Supervised(*words, **options))
        return made[-1]

    yield start
    for each in made:
        each.close()


def started(line):
    word, number = line.split()
    assert word == "started"
    return int(number)


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3 << 8), ("kill -9 $$", signal.SIGKILL), ("kill -15 $$", signal.SIGTERM)]
)
def test_it_tells_of_the_start_and_the_end(supervised, script, status):
    program = supervised("sh", "-c", script)
    assert started(program.line()) > 0
    assert program.line() == f"ended {status}\n"
    assert program.line() == ""
    assert program.process.wait() == 0


@pytest.mark.parametrize(("word", "number"), [("/no/such/program", errno.ENOENT), ("/etc", errno.EACCES)])
def test_a_program_that_cannot_be_started_is_told_with_its_error(supervised, word, number):
    program = supervised(word)
    assert program.line() == f"failed {number}\n"
    assert program.line() == ""


def test_words_arrive_as_they_are(supervised, tmp_path):
    words = ["", "two words", "a\nb", "é", os.fsdecode(b"\xff"), "-x", "long" * 30_000]
    script = "import os, sys; open(sys.argv[1], 'wb').write(b'|'.join(map(os.fsencode, sys.argv[2:])))"
    program = supervised(sys.executable, "-c", script, str(tmp_path / "words"), *words)
    started(program.line())
    assert program.line() == "ended 0\n"
    assert (tmp_path / "words").read_bytes() == b"|".join(map(os.fsencode, words))


def test_a_word_with_a_null_character_is_refused():
    with pytest.raises(ValueError, match="a word holds a null character"):
        pack(["true", "a\0b"])


@pytest.mark.parametrize("data", [b"", b"12", b"100\ntrue\0"])
def test_a_rank_that_ends_before_it_has_said_all_starts_nothing(supervised, data):
    program = supervised(data=data)
    program.hang_up()
    assert program.line() == ""
    assert program.process.wait() == 0


@pytest.mark.parametrize("way", ["a word", "the end of the pipe"])
def test_the_program_ends_at_the_request_of_the_rank_with_all_that_it_has_started(supervised, tmp_path, way):
    script = f"sleep 1000 & echo $! > {tmp_path}/child.tmp; mv {tmp_path}/child.tmp {tmp_path}/child; sleep 1000"
    program = supervised("sh", "-c", script)
    number = started(program.line())
    while not (tmp_path / "child").exists():
        time.sleep(0.01)
    if way == "a word":
        os.write(program.control, b"end")
    else:
        program.hang_up()
    assert program.line() == f"ended {int(signal.SIGKILL)}\n"
    await_end([number, int((tmp_path / "child").read_text())])


def test_the_reader_of_the_programs_output_notices_when_the_program_has_closed_it(supervised):
    """The supervisor holds none of its descriptors."""
    reading, writing = os.pipe()
    former = os.dup(1)
    os.dup2(writing, 1)
    try:
        supervised("sh", "-c", "echo said; exec >&-; exec sleep 1000")
    finally:
        os.dup2(former, 1)
        os.close(former)
        os.close(writing)
    assert os.read(reading, 100) == b"said\n"
    assert os.read(reading, 100) == b""
    os.close(reading)


@pytest.fixture
def family(tmp_path):
    """A process with a child and a grandchild; returns the numbers of the three."""
    program = shutil.copy(shutil.which("sleep"), tmp_path / "a) Z 1 (b")  # a name as the state of another process
    inner = f"'{program}' 1000 & echo $$ $! > {tmp_path}/tmp; mv {tmp_path}/tmp {tmp_path}/numbers; wait"
    parent = subprocess.Popen(["sh", "-c", 'sh -c "$1" & wait', "sh", inner])
    while not (tmp_path / "numbers").exists():
        time.sleep(0.01)
    found = [parent.pid, *map(int, (tmp_path / "numbers").read_text().split())]
    yield found
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    parent.wait()


def test_descendants_are_found_parents_first(family):
    parent, child, grandchild = family
    assert descendants(parent) == [child, grandchild]
    assert descendants(grandchild) == []
    assert children_by_parent()[parent] == [child]
    assert {os.getpid(), *family} <= set(numbers())


def test_a_process_that_has_ended_is_no_descendant():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.pid not in descendants(os.getpid())  # a zombie
    child.wait()


def test_without_a_list_of_processes_nothing_is_found(monkeypatch):
    def refuse(path):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "listdir", refuse)
    assert numbers() == []
    assert descendants(os.getpid()) == []


def test_what_is_found_is_killed_until_nothing_is(family):
    rounds = []

    def find():
        rounds.append(descendants(family[0]))
        return rounds[-1]

    end_found(find)
    assert rounds[0] == family[1:]
    assert rounds[-1] == []
    await_end(family[1:])


def test_a_process_that_does_not_end_is_not_waited_for_without_limit(monkeypatch):
    """As one that waits for a broken file system."""
    now, killed = [0.0], []
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: now.append(now.pop() + 1.0))
    monkeypatch.setattr(os, "kill", lambda number, signum: killed.append(number))
    end_found(lambda: [4711])
    assert len(killed) == int(supervisor.PATIENCE) + 2


def test_processes_of_other_users_are_left(monkeypatch):
    killed = []

    def kill(number, signum):
        if number == 1:
            raise PermissionError(1, "Operation not permitted")
        killed.append(number)
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "kill", kill)
    left = [[1, 5], [1]]
    end_found(lambda: left.pop(0))
    assert (killed, left) == ([5], [])


def test_the_kernel_is_asked_on_linux_alone(monkeypatch):
    keep_capabilities = 8  # PR_SET_KEEPCAPS, which changes nothing here
    assert control_process(keep_capabilities, 0)
    assert not control_process(10**6, 0)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not control_process(keep_capabilities, 0)

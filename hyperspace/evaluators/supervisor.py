"""Supervisor: a small process between the rank and a program, which ends all processes that the program has started.

Orphans of the program become children of this process (PR_SET_CHILD_SUBREAPER), in any session and process group. So all of the
program's processes are found among its descendants. They end with the program, at the rank's request, and when the rank dies.

Only the standard library is imported here: the interpreter runs this module alone, to start quickly.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

PATIENCE = 10.0  # seconds for the kernel to end killed processes; one that waits for a broken file system remains
_NAP = 2e-3  # seconds
_LOOKS_APART = 1.0  # seconds between two checks that the rank is still the parent
_SET_CHILD_SUBREAPER = 36  # of prctl(2)
SET_PARENT_DEATH_SIGNAL = 1
_MOST_DESCRIPTORS = 1 << 20
_NULL = "/dev/null"
# A batch system sends these to all processes of a job; this one has to outlive the program.
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE)


def main(arguments: list[str]) -> None:
    """Run the program from the control descriptor. Arguments: that one, the status descriptor, and the rank's process.

    The status descriptor receives the lines "started PID" or "failed ERRNO", then "ended STATUS", with the STATUS of waitpid(2).
    Any further data from the control descriptor, or its end, ends the program.
    """
    control, status, rank = (int(number) for number in arguments)
    for descriptor in (control, status):
        os.set_inheritable(descriptor, False)
    control_process(_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _IGNORED}
    program = _start(_unpack(control), former, status)
    _hold_nothing_but({control, status, woken, wake})
    ended = _await_end(program, control, woken, rank)
    if ended is None:
        _kill_group(program)

    def find() -> list[int]:
        nonlocal ended
        found, left = _reap(program)
        ended = found if ended is None else ended
        return descendants(os.getpid()) if left else []

    end_found(find)
    find()  # wait for the processes that were killed last
    if ended is not None:
        _tell(status, f"ended {ended}\n")
    os._exit(0)


def pack(words: Sequence[str]) -> bytes:
    """Return a program's words for `main`. They are sent through a pipe, so that this process is not mistaken for the program.

    Raises:
        ValueError: a null character in a word.
    """
    if any("\0" in word for word in words):
        raise ValueError("a word holds a null character, which no program can be given")
    data = b"".join(_encoded(word) + b"\0" for word in words)
    return f"{len(data)}\n".encode() + data


def _encoded(word: str) -> bytes:
    try:
        return os.fsencode(word)
    except UnicodeEncodeError:  # LC_ALL=C without Python's UTF-8 mode
        return word.encode("utf-8", "surrogateescape")


def _unpack(control: int) -> list[str]:
    length = b""
    while not length.endswith(b"\n"):
        length += os.read(control, 1) or os._exit(0)  # the rank has ended
    data = b""
    while len(data) < int(length):
        data += os.read(control, int(length) - len(data)) or os._exit(0)
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def control_process(option: int, value: int) -> bool:
    """Call prctl(2) for this process; return whether it succeeded. Only Linux has it."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def _start(words: list[str], former: Mapping[signal.Signals, object], status: int) -> int:
    """Start the program in its own session, with the rank's signal handlers; return its process number."""
    told, tell = os.pipe()  # the writing end closes when the program starts
    program = os.fork()
    if program == 0:
        try:
            control_process(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, handler in former.items():
                signal.signal(number, signal.SIG_IGN if handler == signal.SIG_IGN else signal.SIG_DFL)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # the interpreter ignores them, which programs do not expect
                signal.signal(number, signal.SIG_DFL)
            os.execvp(words[0], words)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(tell)
    failure = os.read(told, 16)
    os.close(told)
    if failure:
        os.waitpid(program, 0)
        _tell(status, f"failed {failure.decode()}\n")
        os._exit(0)
    _tell(status, f"started {program}\n")
    return program


def _hold_nothing_but(kept: set[int]) -> None:
    """Close the program's descriptors, so that their readers notice when the program has closed them."""
    null = os.open(_NULL, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    first = 3
    for descriptor in [*sorted(kept), _MOST_DESCRIPTORS]:
        os.closerange(first, descriptor)
        first = descriptor + 1


def _await_end(program: int, control: int, woken: int, rank: int) -> int | None:
    """Return the program's status when it has ended; None when the rank requests its end, or has ended."""
    while True:
        ended, _ = _reap(program)
        if ended is not None:
            return ended
        # The rank's children may hold its end of the pipe open: also check that the rank is alive.
        ready, _, _ = select.select([control, woken], [], [], _LOOKS_APART)
        if control in ready or os.getppid() != rank:
            return None
        if woken in ready:
            os.read(woken, 1024)


def _reap(program: int) -> tuple[int | None, bool]:
    """Wait for ended children; return the program's status if it is among them, and whether any are left."""
    ended = None
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended, False
        if child == 0:
            return ended, True
        if child == program:
            ended = status


def _kill_group(program: int) -> None:
    """Kill the program's process group: without /proc, its descendants cannot be found otherwise."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program, signal.SIGKILL)


def _tell(descriptor: int, line: str) -> None:
    with suppress(OSError):  # the rank has ended
        os.write(descriptor, line.encode())


def end_found(find: Callable[[], list[int]]) -> None:
    """Kill the processes that `find` returns, until it returns none; skip those of other users."""
    deadline = time.monotonic() + PATIENCE
    while found := find():
        refused = 0
        for number in found:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
            except PermissionError:
                refused += 1
        if refused == len(found) or time.monotonic() > deadline:
            return
        time.sleep(_NAP)


def descendants(process: int) -> list[int]:
    """Return the living descendants of a process, parents before children; none if the system does not list them."""
    children = children_by_parent()
    found, generation = [], children[process]
    while generation:
        found += generation
        generation = [child for parent in generation for child in children[parent]]
    return found


def children_by_parent() -> dict[int, list[int]]:
    """Return the living processes of this machine by the number of their parent."""
    children = defaultdict(list)
    for number in numbers():
        try:
            with open(f"/proc/{number}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):  # it has ended
            continue
        if state not in (b"Z", b"X"):
            children[int(parent)].append(number)
    return children


def numbers() -> list[int]:
    """Return the numbers of all processes; none if the system does not list them."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


if __name__ == "__main__":
    main(sys.argv[1:])

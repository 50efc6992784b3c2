"""The order in which a trial is written, made durable and told, as the kernel sees it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
import hyperspace.exchange.gossip as gossip
from hyperspace import hyperdrive

class Telling(gossip.Gossip):
    def add(self, record, finished):  # from here on others may hear of it
        if self.told is not None and finished:
            os.write(self.told, f"TOLD {record['drive']} {record['iteration']}".encode())
        super().add(record, finished)
    told = None

import hyperspace.execution.async_loop as asynchronous
asynchronous.Gossip = Telling
Telling.told = os.open("told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
hyperdrive(lambda x: (x[0] - 0.3) ** 2, [(0.0, 1.0)], "study", n_drives=2, n_iterations=4, n_samples=4, exchange="async")
"""


def test_a_trial_is_on_disk_before_anyone_hears_of_it(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed; on Debian: apt install strace")
    log = tmp_path / "log"
    strace = ["strace", "-f", "-y", "-s", "120", "-e", "trace=write,fsync", "-o", log]
    done = subprocess.run([*strace, sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip(f"this machine does not let strace look: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    written, durable, told = set(), set(), []
    for line in log.read_text().splitlines():
        if (call := re.match(r"\d+\s+(\w+)\(\d+<([^>]*)>(.*)", line)) is None:
            continue
        name, file, rest = call.groups()
        if name == "write" and (event := re.search(r'\\"event\\":\\"(\w+)\\",\\"drive\\":(\d+),\\"iteration\\":(\d+)', rest)):
            assert Path(file).parent.name == "journals"
            written.add(event.groups())
        elif name == "fsync":
            durable |= {event for event in written if Path(file).name == f"{int(event[1]):05d}.jsonl"}
        elif name == "write" and (telling := re.search(r'"TOLD (\d+) (\d+)"', rest)):
            told.append(telling.groups())
            assert ("started", *telling.groups()) in durable
            assert ("finished", *telling.groups()) in durable
    assert sorted(told) == [(str(drive), str(iteration)) for drive in range(2) for iteration in range(4)]


SHARED = """
import sys
from hyperspace import hyperdrive
result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], "study", n_drives=2, n_calls=6, model="RAND", exchange=sys.argv[1])
print(result.nfev)
"""


@pytest.mark.parametrize("exchange", ["round", "files"])
def test_a_file_system_that_cannot_sync_is_named_once(tmp_path, exchange):
    """CIFS and some FUSE file systems answer EINVAL, for files as for folders."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed; on Debian: apt install strace")
    strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EINVAL"]
    words = [*strace, sys.executable, "-c", SHARED, exchange]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip(f"this machine does not let strace look: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (0, "6\n"), done.stderr
    assert done.stderr.count("cannot sync files (fsync): a power cut may lose evaluations that have ended") == 1

import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hyperspace.journal import owner
from hyperspace.journal.owner import Owner, load_owner


@pytest.fixture
def child(tmp_path):
    """A process whose name looks like the fields that follow it in /proc/PID/stat, as an owner without a job."""
    program = shutil.copy(shutil.which("sleep"), tmp_path / "a) Z 1 (b")
    process = subprocess.Popen([program, "100"])
    yield process
    process.kill()
    process.wait()


def owner_of(process):
    return replace(Owner.here(), pid=process.pid, born=owner._born(process.pid))


def test_a_process_is_alive_until_it_ends(child):
    me, other = Owner.here(), owner_of(child)
    assert me.is_dead(me) is False
    assert other.born > 0
    assert other.is_dead(me) is False
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert other.is_dead(me) is True  # a zombie: its parent has not waited for it yet
    child.wait()
    assert other.is_dead(me) is True


def test_a_number_that_another_process_has_got_is_a_dead_owner(child):
    other = owner_of(child)
    assert replace(other, born=other.born - 1).is_dead(Owner.here()) is True
    assert replace(other, born=0).is_dead(Owner.here()) is False  # the time of its birth is unknown


def test_of_another_machine_or_container_nothing_is_known(child):
    me, other = Owner.here(), owner_of(child)
    child.kill()
    child.wait()
    assert replace(other, host="node7").is_dead(me) is None
    assert replace(other, host=f"{me.host.partition('/')[0]}/pid:[1]").is_dead(me) is None


@pytest.mark.parametrize(
    ("job", "restart", "dead"), [("42", 0, True), ("42", 1, None), ("42", 2, None), ("41", 0, None), ("", 0, None)]
)
def test_a_requeue_tells_that_the_run_before_it_has_ended(job, restart, dead):
    me = replace(Owner.here(), job="42", restart=1)
    assert replace(me, host="node7", job=job, restart=restart).is_dead(me) is dead


def test_processes_without_a_job_are_not_runs_of_one_job():
    me = replace(Owner.here(), job="", restart=1)
    assert replace(me, host="node7", restart=0).is_dead(me) is None


@pytest.mark.parametrize(("count", "restart"), [("3", 3), ("", 0), ("once", 0), ("-1", 0)])
def test_the_job_is_read_from_the_environment(monkeypatch, count, restart):
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURM_RESTART_COUNT", count)
    before = time.time()
    me = Owner.here()
    assert (me.pid, me.job, me.restart) == (os.getpid(), "42", restart)
    assert before <= me.since <= time.time()
    assert str(me) == f"process {os.getpid()} on {os.uname().nodename} (SLURM job 42)"
    assert str(replace(me, job="")) == f"process {os.getpid()} on {os.uname().nodename}"


@pytest.fixture
def no_proc(monkeypatch):
    """A machine without /proc, such as macOS."""
    read_text = Path.read_text

    def refuse(path, *arguments, **options):
        if path.is_relative_to("/proc"):
            raise FileNotFoundError(2, "No such file or directory")
        return read_text(path, *arguments, **options)

    def no_link(path):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(os, "readlink", no_link)


def test_without_proc_a_process_is_known_by_its_number_alone(no_proc, child):
    me = Owner.here()
    assert (me.host, me.born) == (os.uname().nodename, 0)
    other = replace(me, pid=child.pid)
    assert replace(other, born=5).is_dead(me) is False
    child.kill()
    child.wait()
    assert other.is_dead(me) is True


def test_a_process_that_must_not_be_signaled_is_alive(no_proc, monkeypatch):
    def refuse(pid, number):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    assert replace(Owner.here(), pid=1).is_dead(Owner.here()) is False


def test_an_owner_is_the_same_after_it_was_written():
    me = Owner.here()
    assert load_owner(asdict(me)) == me
    assert load_owner(asdict(me) | {"since": 5, "later": "field"}) == replace(me, since=5)


@pytest.mark.parametrize("name", ["host", "pid", "born", "job", "restart", "since"])
def test_a_file_without_a_field_or_with_a_wrong_one_names_no_owner(name):
    record = asdict(Owner.here())
    assert load_owner(record | {name: None}) is None
    assert load_owner(record | {name: [1]}) is None
    assert load_owner({other: value for other, value in record.items() if other != name}) is None


@pytest.mark.parametrize("record", [[], None, "host", 3])
def test_a_file_that_holds_no_object_names_no_owner(record):
    assert load_owner(record) is None


def test_a_child_is_another_owner_on_the_same_machine():
    program = "from hyperspace.journal.owner import Owner; me = Owner.here(); print(me.pid, me.born, me.host)"
    pid, born, host = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    me = Owner.here()
    assert host == me.host
    assert int(pid) != me.pid
    assert int(born) >= me.born > 0

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import hyperspace.journal.lease as lease_module
from hyperspace.errors import StudyError
from hyperspace.journal import LeaseLostError, Leases, take_study

HOLD = """
import sys, time
from pathlib import Path
from hyperspace.journal import Leases
leases = Leases(Path(sys.argv[1]))
print(leases.take(sys.argv[2]), flush=True)
time.sleep(100)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds a lease of the name that it is given."""
    processes = []

    def hold(name):
        process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path, name], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "0\n"
        return process

    yield hold
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def doctored(path, **changes):
    """Make a lease look as if somebody else held it."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_lease_is_held_by_one(tmp_path):
    first, second = Leases(tmp_path), Leases(tmp_path)
    assert first.take("00003") == 0
    assert second.take("00003") is None
    assert first.holds("00003")
    assert not second.holds("00003")
    assert [str(held.owner) for held in second.holders().values()] == [str(first.me)]
    assert first.holders() == {}
    first.release("00003")
    assert second.take("00003", least=4) == 4
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lease_is_not_taken_beside_a_lower_one_that_was_taken_in_the_same_moment(tmp_path, monkeypatch):
    """A worker may take a lease again under its last attempt; another one takes it under the next."""
    first, second = Leases(tmp_path), Leases(tmp_path)
    create_whole = lease_module.create_whole

    def first_is_faster(path, text):
        monkeypatch.setattr(lease_module, "create_whole", create_whole)
        assert first.take("00003", least=4) == 4
        return create_whole(path, text)

    monkeypatch.setattr(lease_module, "create_whole", first_is_faster)
    assert second.take("00003", least=5) is None
    assert first.holds("00003")
    assert [file.name for file in tmp_path.iterdir()] == ["00003.4.json"]
    first.release("00003")
    assert second.take("00003", least=5) == 5


def test_of_many_that_want_it_one_gets_it(tmp_path):
    for name in map(str, range(20)):
        everyone = [Leases(tmp_path) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(Leases.take, everyone, [name] * 8))
        assert sorted(got, key=str) == [0] + [None] * 7
        for mine in everyone:
            mine.close()


def test_a_killed_owners_lease_is_taken_over_at_once(tmp_path, other):
    process = other("00003")
    leases = Leases(tmp_path)
    assert leases.take("00003") is None
    process.kill()
    process.wait()
    assert leases.take("00003") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["00003.1.json"]
    leases.close()


def test_a_number_that_another_process_got_since_is_no_owner(tmp_path):
    first, second = Leases(tmp_path), Leases(tmp_path)
    first.take("a")
    doctored(tmp_path / "a.0.json", born=first.me.born - 1)
    assert second.take("a") == 1


def test_an_owner_elsewhere_is_judged_by_its_heartbeat(tmp_path):
    first, second = Leases(tmp_path), Leases(tmp_path)
    first.take("a")
    path = tmp_path / "a.0.json"
    doctored(path, host="node7")
    assert second.take("a") is None
    past = time.time() - lease_module.EXPIRY - 5.0
    os.utime(path, (past, past))
    assert second.take("a") == 1
    assert not first.holds("a")  # it was only stalled: it sees that it lost the lease, and stops
    first.release("a")
    assert second.holds("a")


def test_leases_that_were_removed_are_not_told_as_a_takeover(tmp_path):
    (tmp_path / "journals").mkdir()
    leases = Leases(tmp_path / "leases")
    leases.take("study")
    claim = leases.claim("study")
    claim.check()
    claim.path.unlink()
    with pytest.raises(LeaseLostError, match="was taken over by another run"):
        claim.check()
    (tmp_path / "leases").rmdir()
    with pytest.raises(StudyError, match="leases was removed while this run worked"):
        claim.check()


def test_a_requeued_job_takes_its_own_leases_back(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    first = Leases(tmp_path)
    first.take("a")
    doctored(tmp_path / "a.0.json", host="node7")
    assert Leases(tmp_path).take("a") is None
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert Leases(tmp_path).take("a") == 1


def test_the_owner_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "HEARTBEAT", 0.01)
    leases = Leases(tmp_path)
    leases.take("a")
    path = tmp_path / "a.0.json"
    os.utime(path, (0.0, 0.0))
    for _ in range(1000):
        if path.stat().st_mtime:
            break
        time.sleep(0.01)
    assert path.stat().st_mtime > 0.0
    leases.close()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"host": 3}'])
def test_a_lease_that_tells_nothing_lasts_until_it_expires(tmp_path, content):
    path = tmp_path / "a.0.json"
    path.write_text(content)
    assert Leases(tmp_path).take("a") is None
    os.utime(path, (0.0, 0.0))
    assert Leases(tmp_path).take("a") == 1


def test_a_study_is_worked_by_one_run(tmp_path, monkeypatch, other):
    monkeypatch.setattr(lease_module, "_MOMENT", 0.5)
    process = other("study")
    with pytest.raises(StudyError, match=rf"is being worked by process {process.pid} on .*hyperspace stop"):
        take_study(Leases(tmp_path), tmp_path)
    process.kill()
    process.wait()
    leases = Leases(tmp_path)
    take_study(leases, tmp_path)
    assert leases.holds("study")
    leases.close()


def test_a_study_is_not_taken_from_the_workers_of_its_drives(tmp_path, monkeypatch, other):
    monkeypatch.setattr(lease_module, "_MOMENT", 0.5)
    other("00007")
    leases = Leases(tmp_path)
    with pytest.raises(StudyError, match="is being worked by"):
        take_study(leases, tmp_path)
    assert not leases.holds("study")


def silent_elsewhere(path):
    """Return the leases of an owner on another machine that has taken the study, and gives no sign of life."""
    gone = Leases(path)
    gone.take("study")
    doctored(path / "study.0.json", host="node7")
    return gone


def test_an_owner_that_expires_at_the_last_moment_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "EXPIRY", 0.5)
    gone = silent_elsewhere(tmp_path)
    leases = Leases(tmp_path)
    take, begun = leases.take, time.monotonic()
    monkeypatch.setattr(leases, "take", lambda name, least: take(name, least) if time.monotonic() - begun > 0.8 else None)
    take_study(leases, tmp_path)
    assert leases.holds("study")
    leases.close()
    gone.close()


def test_a_silent_owner_elsewhere_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(lease_module, "EXPIRY", 1.0)
    gone = silent_elsewhere(tmp_path)
    leases = Leases(tmp_path)
    take_study(leases, tmp_path)
    assert leases.holds("study")
    leases.close()
    gone.close()

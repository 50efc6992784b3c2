"""Workers without MPI on one folder: each is here an object with leases of its own."""

import os

import pytest
from journals import SPACE, trial

from hyperspace.errors import StudyError
from hyperspace.exchange import files
from hyperspace.exchange.files import RecordedTrials, SharedFolder, WorkerRanks, expected_workers
from hyperspace.journal import LeaseLostError, Leases, StudyFolder
from hyperspace.journal.stop_request import StopRequest
from hyperspace.trials.trial import TrialKey

DRIVE = 3


def test_drives_for_the_workers_that_are_to_come():
    assert expected_workers({}) == 1
    assert expected_workers({"SLURM_ARRAY_TASK_COUNT": "40"}) == 40
    assert expected_workers({"HYPERSPACE_WORKERS": "8", "SLURM_ARRAY_TASK_COUNT": "40"}) == 8
    assert expected_workers({"HYPERSPACE_WORKERS": "many"}) == 1


def test_less_than_one_worker_is_one():
    assert expected_workers({"HYPERSPACE_WORKERS": "0"}) == 1
    assert expected_workers({"HYPERSPACE_WORKERS": "-4", "SLURM_ARRAY_TASK_COUNT": "3"}) == 3


def test_a_worker_is_known_by_its_task_or_its_process(monkeypatch):
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    assert WorkerRanks().worker == os.getpid()
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "17")
    assert WorkerRanks().worker == 17
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "seventeen")
    assert WorkerRanks().worker == os.getpid()


class Worker(SharedFolder):
    """A worker that takes part in a study of four drives."""

    def __init__(self, path, name):
        self.folder, self.leases = StudyFolder(path), Leases(path / "leases")
        self.leases.take(name)
        super().__init__(self.folder, self.leases, name, "study-1", SPACE, n_drives=4)

    def take_informed(self, drive):
        """Take a drive after a look at the folder, as the loop does."""
        self.look(insist=True)
        return self.take(drive)

    def work(self, iteration, drive=DRIVE):
        """Evaluate one trial of a drive that this worker holds."""
        self.journals[drive].started(trial(iteration))
        self.journals[drive].finished(trial(iteration).finish("ok", metrics={"loss": float(iteration)}))

    def segments(self):
        return list(self.folder.segments().get(DRIVE, {}))


@pytest.fixture
def workers(tmp_path):
    StudyFolder(tmp_path).write_study({"format": 1})
    pair = Worker(tmp_path, "worker-a"), Worker(tmp_path, "worker-b")
    yield pair
    for worker in pair:
        worker.leases.close()


def finished(worker):
    return [key.iteration for key, each in worker.recorded.items() if each.finished]


def test_a_drive_is_worked_by_one_worker_at_a_time(workers):
    one, other = workers
    assert one.take(DRIVE)
    assert not other.take(DRIVE)
    assert other.journals == {}
    assert other.take(0)
    assert one.taken() == other.taken() == {0, DRIVE}
    one.work(0)
    one.give_back(DRIVE)
    assert one.journals == {}
    assert one.taken() == other.taken() == {0}
    assert other.take_informed(DRIVE)


def test_a_worker_goes_on_in_its_own_segment_as_long_as_no_other_writes(workers):
    one, other = workers
    for iteration in range(3):
        assert one.take(DRIVE)
        one.work(iteration)
        one.give_back(DRIVE)
    assert one.segments() == [0]
    assert other.take_informed(DRIVE)
    other.give_back(DRIVE)  # without an evaluation
    assert one.take(DRIVE)
    one.work(3)
    one.give_back(DRIVE)
    assert one.segments() == [0]
    assert other.take(DRIVE)
    other.work(4)
    other.give_back(DRIVE)
    assert one.segments() == [0, 1]


def test_what_others_have_written_since_the_last_look_is_known_before_a_drive_is_worked(workers):
    one, other = workers
    one.take(DRIVE)
    one.work(0)
    one.give_back(DRIVE)
    assert other.take_informed(DRIVE)
    other.work(1)
    other.give_back(DRIVE)
    assert finished(one) == [0]
    assert not one.take(DRIVE)  # its segment would be written beside a later one
    assert one.taken() == set()
    assert finished(one) == [0, 1]
    assert one.take(DRIVE)
    one.work(2)
    one.give_back(DRIVE)
    assert one.segments() == [0, 1, 2]
    other.look(insist=True)
    assert finished(other) == [0, 1, 2]


def test_the_folder_is_looked_at_now_and_then(workers, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(files.time, "monotonic", lambda: now[0])
    one, other = workers
    assert one.look() == []
    other.take(DRIVE)
    other.work(0)
    now[0] += 0.1
    assert one.look() == []
    assert [reader.drive for reader in one.look(insist=True)] == [DRIVE]
    other.work(1)
    now[0] += 0.19
    assert one.look() == []
    now[0] += 0.02
    assert [reader.drive for reader in one.look()] == [DRIVE]
    now[0] += 1.0
    assert one.look() == []  # no news


def test_a_study_of_many_drives_is_looked_at_less_often(tmp_path, monkeypatch):
    """A look at a thousand files may take seconds on a network file system."""
    now = [0.0]
    monkeypatch.setattr(files.time, "monotonic", lambda: now[0])
    folder, listed = StudyFolder(tmp_path), []
    monkeypatch.setattr(folder, "segments", lambda: listed.append(now[0]) or {})
    shared = SharedFolder(folder, Leases(folder.leases), "worker-a", "study-1", SPACE, n_drives=1000)
    for second in range(100):
        now[0] = float(second)
        shared.look()
    assert listed == [0.0, 20.0, 40.0, 60.0, 80.0]


def test_drives_of_the_dead_are_free_when_it_is_time_to_look(workers, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(files.time, "monotonic", lambda: now[0])
    one, other = workers
    other.take(DRIVE)
    assert one.taken() == {DRIVE}
    monkeypatch.setattr("hyperspace.journal.owner.Owner.is_dead", lambda self, me: self != me)
    assert one.taken() == {DRIVE}  # listed by name alone
    now[0] += 10.0
    assert one.taken() == set()


def test_leases_of_workers_are_no_drives(workers):
    assert workers[0].taken() == set()


def test_a_worker_that_counts_as_dead_takes_nothing(workers):
    one, _ = workers
    (one.folder.leases / "worker-a.0.json").unlink()
    with pytest.raises(LeaseLostError, match=r"what this worker had begun \(lease 'worker-a'\) was taken over"):
        one.take(DRIVE)
    assert one.taken() == set()


def test_a_damaged_journal_is_named_and_its_drive_is_free(workers):
    one, other = workers
    one.folder.journal_file(DRIVE).write_text("{}\n")
    with pytest.raises(StudyError, match=r"00003\.jsonl, line 1"):
        one.take(DRIVE)
    assert other.taken() == set()


def test_a_drive_that_was_taken_over_is_left_and_begun_in_a_new_segment_later(workers):
    one, other = workers
    one.take(DRIVE)
    one.journals[DRIVE].started(trial(0))
    (one.folder.leases / "00003.0.json").unlink()  # as another one does that takes it over
    other.look(insist=True)
    assert other.take(DRIVE)
    with pytest.raises(LeaseLostError):
        one.journals[DRIVE].finished(trial(0).finish("ok"))
    one.abandon(DRIVE)
    assert one.journals == {}
    assert other.taken() == {DRIVE}  # the other one's lease stands
    other.work(0)
    other.give_back(DRIVE)
    one.look(insist=True)
    assert one.take(DRIVE)
    one.work(1)
    assert one.segments() == [0, 1, 2]
    assert finished(one) == [0]
    one.give_back(DRIVE)
    assert finished(one) == [0, 1]


def test_what_could_not_be_written_before_a_takeover_is_not_written_later(workers):
    one, other = workers
    one.take(DRIVE)
    one.journals[DRIVE].started(trial(0))
    (one.folder.leases / "00003.0.json").unlink()
    with pytest.raises(LeaseLostError):
        one.journals[DRIVE].finished(trial(0).finish("ok"))
    one.abandon(DRIVE)
    assert other.take_informed(DRIVE)
    other.give_back(DRIVE)  # it has begun nothing
    assert one.take_informed(DRIVE)
    one.work(1)
    one.give_back(DRIVE)
    assert finished(one) == [1]


def test_a_worker_that_has_lost_all_ends(workers):
    one, _ = workers
    one.take(DRIVE)
    (one.folder.leases / "worker-a.0.json").unlink()
    with pytest.raises(LeaseLostError):
        one.abandon(DRIVE)
    assert one.journals == {}
    assert one.taken() == set()


def test_a_lease_is_given_back_though_the_journal_cannot_be_written(workers, monkeypatch):
    one, other = workers
    one.take(DRIVE)
    one.work(0)

    def fail():
        raise StudyError("the disk is full")

    monkeypatch.setattr(one.journals[DRIVE], "close", fail)
    with pytest.raises(StudyError, match="full"):
        one.give_back(DRIVE)
    assert other.taken() == set()


def test_records_that_are_not_durable_do_not_count(workers, monkeypatch):
    one, other = workers
    other.take(DRIVE)
    other.work(0)
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")) or sync(file))
    one.look(insist=True)
    assert synced == [str(one.folder.journal_file(DRIVE))]


def test_all_workers_can_be_asked_to_end(workers):
    one, other = workers
    one.stop_all()
    assert StopRequest(other.folder.stop_file).reason == "hyperspace stop"


def test_recorded_trials_are_a_mapping_that_grows(workers):
    one, other = workers
    recorded = one.recorded
    assert isinstance(recorded, RecordedTrials)
    assert (len(recorded), list(recorded)) == (0, [])
    other.take(DRIVE)
    other.work(0)
    other.work(1)
    one.look(insist=True)
    assert list(recorded) == [TrialKey(0, DRIVE), TrialKey(1, DRIVE)]
    assert len(recorded) == 2
    assert recorded[TrialKey(1, DRIVE)].metrics == {"loss": 1.0}
    for key in (TrialKey(2, DRIVE), TrialKey(0, 0), TrialKey(0, 99)):
        assert key not in recorded
        with pytest.raises(KeyError):
            recorded[key]

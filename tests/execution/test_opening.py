"""Opening and creation of a study, and the lease that it is opened under."""

import json

import pytest
from studies import arguments

from hyperspace.errors import InputError, StudyError
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.opening import open_study, study_record
from hyperspace.journal import FORMAT, Leases, StudyFolder


@pytest.fixture
def opened(tmp_path):
    """Open the study of this folder by its arguments, as a process of its own that ends before the next one."""
    held = []

    def run(restart=False, name="study", space=((0.0, 1.0),), **options):
        for leases in held:
            leases.close()
        folder = StudyFolder(tmp_path / name)
        held.append(Leases(folder.leases))
        return open_study(arguments(list(space), **options), SerialRanks(), folder, held[-1], restart)

    yield run
    for leases in held:
        leases.close()


def written(tmp_path):
    return json.loads((tmp_path / "study" / "study.json").read_text())


def test_without_files_there_is_a_study_and_no_lease():
    opened = open_study(arguments(n_calls=7), SerialRanks(), None, None, restart=False)
    assert (opened.study.planned, opened.claim, opened.worker) == (7, None, None)


def test_a_new_study_is_on_record_under_its_lease(opened, tmp_path):
    fresh = opened(n_calls=7)
    assert fresh.claim.stands
    record = written(tmp_path)
    assert (record["format"], record["planned"], record["exchange"]) == (FORMAT, 7, fresh.study.exchange.name)
    assert record["fingerprint"] == json.loads(json.dumps(fresh.study.fingerprint()))
    assert "n_drives" not in record


def test_a_recorded_study_keeps_its_seed_and_gets_the_new_length(opened, tmp_path):
    seed = opened(n_calls=7).study.seed
    again = opened(n_calls=9)
    assert (again.study.seed, again.study.planned) == (seed, 9)
    assert again.claim.stands
    assert written(tmp_path)["planned"] == 9


def test_another_study_is_refused_and_the_record_stays(opened, tmp_path):
    opened(n_calls=7, random_state=1)
    before = written(tmp_path)
    with pytest.raises(StudyError, match=r"there.*now"):
        opened(n_calls=7, space=[(0.0, 2.0)])
    with pytest.raises(StudyError, match="random_state"):
        opened(n_calls=7, random_state=2)
    assert written(tmp_path) == before


def test_restart_sets_the_study_aside_and_begins_another_one(opened, tmp_path):
    opened(n_calls=7)
    before = written(tmp_path)
    opened(n_calls=7, space=[(0.0, 2.0)], restart=True)
    assert written(tmp_path)["fingerprint"]["space"] != before["fingerprint"]["space"]
    (aside,) = (path for path in tmp_path.iterdir() if path.name != "study")
    assert json.loads((aside / "study.json").read_text()) == before


def test_the_lease_has_a_number_without_written_journals(opened, tmp_path):
    (tmp_path / "study" / "journals").mkdir(parents=True)
    StudyFolder(tmp_path / "study").journal_file(0, 4).write_bytes(b"")
    assert opened(n_calls=7).claim.attempt == 5


def test_a_study_with_more_drives_than_at_its_creation_has_their_number_on_record(tmp_path):
    few = open_study(arguments(exchange="async", n_calls=8), SerialRanks(), None, None, restart=False).study
    assert "n_drives" not in study_record(few)
    folder = StudyFolder(tmp_path / "study")
    folder.write_study(study_record(few) | {"n_drives": 3})
    leases = Leases(folder.leases)
    try:
        more = open_study(arguments(exchange="async", n_calls=8), SerialRanks(), folder, leases, restart=False).study
    finally:
        leases.close()
    assert (more.founders, more.n_drives) == (few.founders, 3)
    assert study_record(more)["n_drives"] == 3


def test_a_worker_joins_the_recorded_study_and_records_a_new_length(opened, tmp_path):
    first = opened(exchange="files", n_calls=7)
    assert first.claim is None
    assert first.worker
    joined = opened(exchange="files", n_calls=9)
    assert (joined.study.seed, joined.study.planned) == (first.study.seed, 9)
    assert written(tmp_path)["planned"] == 9


def test_what_a_worker_cannot_do_is_refused_before_anything_is_written(opened, tmp_path):
    with pytest.raises(InputError, match="restart=True would set aside"):
        opened(exchange="files", restart=True)
    with pytest.raises(InputError, match="needs a results_path"):
        open_study(arguments(exchange="files"), SerialRanks(), None, None, restart=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exchange", [None, "files"])
def test_a_file_is_no_folder(opened, tmp_path, exchange):
    (tmp_path / "study").write_text("mine")
    with pytest.raises(StudyError, match=r"results_path must be a folder, and '.*study' is a file"):
        opened(exchange=exchange)
    assert (tmp_path / "study").read_text() == "mine"

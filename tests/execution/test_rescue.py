"""Rescue of trials: where they go, and that they are read there."""

import tempfile

import pytest
from studies import asked, ended, planned

from hyperspace import load_results
from hyperspace.execution.opening import study_record
from hyperspace.execution.rescue import rescue
from hyperspace.journal import StudyFolder
from hyperspace.results.loading import read_trials
from hyperspace.trials.trial import FAILED, Trial

TRIALS = [
    ended(0, 0),
    ended(2, 0, 3.0),
    ended(0, 1, status=FAILED, error="no mesh", fault="objective"),
    Trial(drive=2, iteration=1, x=(0.4,)),
]


@pytest.fixture
def study():
    return planned(n_drives=3)


def save(study, path):
    return rescue(StudyFolder(path), study_record(study), study, TRIALS)


def test_the_trials_are_beside_the_study_and_can_be_read(study, tmp_path):
    place = save(study, tmp_path / "study")
    assert place == tmp_path / "study.rescued-1"
    assert sorted(asked(read_trials(StudyFolder(place), study.space, study.identity))) == sorted(asked(TRIALS))
    result = load_results(place)
    assert (result.nfev, result.fun) == (3, 1.0)
    assert not (tmp_path / "study").exists()


def test_an_earlier_rescue_is_not_written_over(study, tmp_path):
    assert [save(study, tmp_path / "study").name for _ in range(2)] == ["study.rescued-1", "study.rescued-2"]
    assert load_results(tmp_path / "study.rescued-1").nfev == 3


def test_they_are_among_temporary_files_where_the_place_beside_the_study_is_no_folder(study, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    place = save(study, tmp_path / "file" / "study")
    assert place == tmp_path / "temporary" / "study.rescued-1"
    assert load_results(place).nfev == 3


def test_without_a_writable_place_there_is_none(study, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    assert save(study, tmp_path / "file" / "study") is None

import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest

from hyperspace.errors import InputError
from hyperspace.evaluators.handle import TrialHandle


def test_a_scratch_folder_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.system.disk.RETRY", 0.001)
    real, left = Path.mkdir, [2]

    def full(self, *arguments, **options):
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, *arguments, **options)

    handle = TrialHandle("3-2", 7, 0, tmp_path / "scratch", None)
    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.warns(RuntimeWarning, match="the scratch folder of trial 3-2 cannot be made"):
        assert handle.folder.is_dir()


def handle(folder=None):
    """Return a handle and the list of what it reports."""
    reports = []
    return TrialHandle("3-2", 7, 1, folder, lambda *report: reports.append(report), budget=9.0), reports


def test_a_value_is_reported_with_its_step_as_plain_numbers():
    trial, reports = handle()
    trial.report(0, 0.5)
    trial.report(np.int64(3), {"loss": np.float32(0.25), "hits": 2, 5: True})
    assert reports == [(0, {"objective": 0.5}), (3, {"loss": 0.25, "hits": 2.0, "5": 1.0})]
    assert [type(step) for step, _ in reports] == [int, int]
    assert {type(value) for _, metrics in reports for value in metrics.values()} == {float}


def test_texts_beside_numbers_are_left_out():
    trial, reports = handle()
    trial.report(1, {"loss": 1.0, "note": "3.0", "curve": [1.0, 2.0], "huge": 10**400})
    assert reports == [(1, {"loss": 1.0})]


@pytest.mark.parametrize("step", [-1, 0.0, True, "1", None, math.nan, np.float64(2.0)])
def test_a_step_is_a_whole_number_from_0(step):
    trial, reports = handle()
    with pytest.raises(InputError, match=r"trial.report\(step, value\) takes the step first, .*got step="):
        trial.report(step, 0.5)
    assert reports == []


@pytest.mark.parametrize("value", ["0.5", None, {}, {"note": "fine"}, [0.5, 0.6], 10**400])
def test_a_report_without_a_number_is_refused_and_is_not_the_last_one(value):
    trial, reports = handle()
    trial.report(1, {"loss": 1.0})
    with pytest.raises(InputError, match=r"report\(step, value\) takes a number, or a dict with numbers in it, got "):
        trial.report(2, value)
    assert reports == [(1, {"loss": 1.0})]
    assert trial.last == {"loss": 1.0}


def test_a_report_that_prunes_is_the_last_one():
    class Pruned(Exception):
        pass

    def prune(step, metrics):
        raise Pruned

    trial = TrialHandle("3-2", 7, 0, None, prune)
    with pytest.raises(Pruned):
        trial.report(1, {"loss": 3.0})
    assert trial.last == {"loss": 3.0}


def test_a_child_of_the_evaluating_process_cannot_report():
    trial, reports = handle()
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            trial.report(1, 0.5)
        except RuntimeError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.wait()
    told = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)
    assert f"a child of process {os.getpid()} that evaluates the trial; pass the value to that one" in told
    assert reports == []


def test_the_folder_is_made_when_it_is_asked_for(tmp_path):
    trial, _ = handle(tmp_path / "scratch" / "00003-00002")
    assert list(tmp_path.iterdir()) == []
    assert trial.folder == tmp_path / "scratch" / "00003-00002"
    (trial.folder / "model.bin").touch()
    assert trial.folder.is_dir()  # once more


def test_a_study_without_files_has_no_folder():
    with pytest.raises(RuntimeError, match="a scratch folder needs checkpoints=True"):
        handle()[0].folder  # noqa: B018


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "scratch").touch()
    with pytest.raises(NotADirectoryError):
        handle(tmp_path / "scratch" / "00003-00002")[0].folder  # noqa: B018


def test_its_facts_make_the_same_handle_elsewhere(tmp_path):
    trial, _ = handle(tmp_path / "scratch")
    twin = TrialHandle(**trial.facts, report=lambda step, metrics: None)
    assert twin.facts == trial.facts
    assert (twin.id, twin.seed, twin.attempt, twin.budget, twin.comm) == ("3-2", 7, 1, 9.0, None)
    assert twin.folder == tmp_path / "scratch"

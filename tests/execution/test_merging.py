"""The result of a run: from the ranks' trials or from the journals, and what is kept where these have lost some."""

import shutil

import pytest
from studies import asked, ended, planned

from hyperspace import hyperdrive, load_results
from hyperspace.errors import StudyError
from hyperspace.exchange.serial_ranks import SerialRanks
from hyperspace.execution.merging import Merger
from hyperspace.execution.opening import study_record
from hyperspace.journal import LeaseLostError, StudyFolder, open_journal


def study(path, objective=lambda x: x[0], n_calls=8, **options):
    objective.__qualname__ = "objective"
    return hyperdrive(objective, [(0.0, 1.0)], path, n_calls=n_calls, model="RAND", n_drives=2, **options)


@pytest.mark.parametrize(
    ("exchange", "how"),
    # A worker of exchange="files" opens a journal for each trial, and goes on where the files are in place again.
    [("round", "removed"), ("round", "moved"), ("round", "replaced"), ("files", "removed"), ("files", "moved")],
)
def test_what_the_files_have_lost_is_kept_from_memory(tmp_path, exchange, how):
    home, aside = tmp_path / "study", tmp_path / "aside"

    def objective(x):
        calls.append(x)
        if len(calls) == 5:
            if how == "removed":
                shutil.rmtree(home)
            else:
                home.rename(aside)
            if how == "replaced":
                shutil.copytree(aside, home)
        return x[0]

    calls = []
    try:
        assert study(home, objective, exchange=exchange).nfev == len(calls) == 8
        assert how == "replaced"
        return
    except StudyError as error:
        result, told = error.result, str(error)
    assert result.nfev == len(calls)
    assert result.fun == min(x[0] for x in calls)
    place = next(tmp_path.glob("study.rescued-*"))
    assert str(place) in told
    assert load_results(place).nfev == len(calls)


RANKS = """
import shutil
from mpi4py import MPI
from hyperspace import hyperdrive
def objective(x):
    if MPI.COMM_WORLD.Get_rank() == 0:
        shutil.rmtree("study", ignore_errors=True)
    return x[0]
hyperdrive(objective, [(0.0, 1.0)], "study", n_calls=8, model="RAND", exchange="round")
"""


def test_ranks_keep_what_they_know(mpirun, tmp_path):
    done = mpirun(2, RANKS, check=False)
    assert done.returncode != 0
    assert "holds 0" in done.stderr
    assert load_results(tmp_path / "study.rescued-1").nfev >= 1


def merger(settings, ranks=None, folder=None, carried=(0,), recorded_goal=None, claims=None):
    claims = [] if claims is None else claims
    return Merger(settings, ranks or SerialRanks(), folder, carried, recorded_goal, lambda goal: claims.append(goal) or goal)


@pytest.fixture
def folder(tmp_path):
    """The files of the study of these tests, with two trials of drive 0."""
    settings, files = planned(n_drives=2, n_calls=4), StudyFolder(tmp_path / "study")
    files.write_study(study_record(settings))
    journal = open_journal(files, settings.identity, 0, settings.space, None, 0, lambda: None)
    for trial in (ended(0, 0), ended(0, 1, 0.5)):
        journal.started(trial)
        journal.finished(trial)
    journal.close()
    return files


SETTINGS = {"n_drives": 2, "n_calls": 4}


def test_a_rank_gives_the_trials_of_its_own_drives():
    """Those of others come from their own ranks, which know more of them."""
    result = merger(planned(**SETTINGS)).merge([ended(0, 0), ended(1, 0, 0.5)], gone=False)
    assert asked(result.all_trials) == asked([ended(0, 0)])


def test_given_trials_are_part_of_the_result_and_come_first():
    settings = planned(**SETTINGS, x0=[[0.25]], y0=[0.125])
    result = merger(settings).merge([ended(0, 0)], gone=False)
    assert ([trial.drive for trial in result.all_trials], result.fun) == ([-1, 0], 0.125)


def test_a_result_without_a_success_is_an_error_unless_failures_are_allowed():
    failed = ended(0, 0, status="failed", error="no mesh\n", fault="objective")
    with pytest.raises(StudyError, match=r"all 1 trials failed\. The last one said:\nno mesh$"):
        merger(planned(**SETTINGS)).result([failed])
    assert merger(planned(**SETTINGS)).result([failed], allows_failures=True).nfev == 1
    assert merger(planned(**SETTINGS)).result([]).nfev == 0
    given = planned(**SETTINGS, x0=[[0.25]], y0=[0.125])
    assert merger(given).result([failed]).fun == 0.125


def named(drive, iteration, **metrics):
    return ended(drive, iteration, metrics=metrics)


def test_trials_without_the_goal_of_the_first_answer_have_failed():
    result = merger(planned(**SETTINGS)).merge([named(0, 0, loss=1.0), named(0, 1, seconds=0.1, other=2.0)], gone=False)
    assert [trial.status for trial in result.all_trials] == ["ok", "failed"]
    assert result.fun == 1.0


@pytest.mark.parametrize(("n_calls", "claimed"), [(1, ["loss"]), (2, [])])
def test_drives_that_share_nothing_fix_the_goal_once_the_study_is_complete(tmp_path, n_calls, claimed):
    settings, files, claims = planned(n_drives=1, n_calls=n_calls, exchange="none"), StudyFolder(tmp_path / "study"), []
    files.write_study(study_record(settings))
    journal = open_journal(files, settings.identity, 0, settings.space, None, 0, lambda: None)
    trial = named(0, 0, loss=1.0)
    journal.started(trial)
    journal.finished(trial)
    journal.close()
    assert merger(settings, folder=files, claims=claims).merge([trial], gone=False).goals.goal == "loss"
    assert claims == claimed


def test_the_goal_on_record_holds_for_drives_that_share_nothing():
    settings = planned(n_drives=1, n_calls=4, exchange="none")
    trials = [named(0, 0, loss=1.0, seconds=3.0), named(0, 1, seconds=2.0)]
    result = merger(settings, recorded_goal="seconds").merge(trials, gone=False)
    assert (result.goals.goal, result.fun) == ("seconds", 2.0)


def test_with_files_the_journals_are_the_result(folder):
    result = merger(planned(**SETTINGS), folder=folder).merge([ended(0, 0)], gone=False)
    assert asked(result.all_trials) == asked([ended(0, 0), ended(0, 1, 0.5)])


@pytest.mark.parametrize("gone", [False, True])
def test_what_the_journals_lack_is_rescued(folder, gone):
    known = [ended(0, 0), ended(0, 1, 0.5), *([] if gone else [ended(0, 2, 0.25)])]
    with pytest.raises(StudyError, match=rf"of the {len(known)} evaluations that were made, it holds 2") as refused:
        merger(planned(**SETTINGS), folder=folder).merge(known, gone=gone)
    assert asked(refused.value.result.all_trials) == asked(known)
    assert f"the best is {refused.value.result.fun!r}" in str(refused.value)
    assert load_results(folder.path.with_name("study.rescued-1")).nfev == len(known)


def test_an_error_gets_the_result_so_far(folder):
    error = StudyError("enough")
    merger(planned(**SETTINGS), folder=folder).keep([ended(0, 0)], error)
    assert asked(error.result.all_trials) == asked([ended(0, 0), ended(0, 1, 0.5)])
    without_files = StudyError("enough")
    merger(planned(**SETTINGS)).keep([ended(0, 0)], without_files)
    assert asked(without_files.result.all_trials) == asked([ended(0, 0)])


def test_an_error_whose_trials_the_journals_lack_saves_them(folder):
    known = [ended(0, i) for i in range(3)]
    with pytest.raises(StudyError, match=r"^the disk is broken\. The 3 that the run knows are not lost"):
        merger(planned(**SETTINGS), folder=folder).keep(known, StudyError("the disk is broken."))
    assert load_results(folder.path.with_name("study.rescued-1")).nfev == 3


def test_a_run_that_has_lost_its_lease_leaves_the_files_to_their_owner(folder):
    error = LeaseLostError("another process has taken the study over")
    merger(planned(**SETTINGS), folder=folder).keep([ended(0, i) for i in range(3)], error)
    assert error.result is None
    assert not folder.path.with_name("study.rescued-1").exists()

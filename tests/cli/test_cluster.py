"""`hyperspace slurm` and `hyperspace stop`: what they find in a command, and in a study."""

import pytest

from hyperspace import hyperdrive
from hyperspace.errors import StudyError
from hyperspace.journal import Leases, StudyFolder, take_study

RUN = ["hyperspace", "run", "sim.py:f"]


@pytest.mark.parametrize(
    "program", [["hyperspace"], ["/opt/env/bin/hyperspace"], ["python", "-m", "hyperspace"], ["env", "A=1", "hyperspace"]]
)
def test_the_study_of_a_run_command_is_its_results(command, program):
    code, out, err = command("slurm", "--kind", "requeue", *program, "run", "sim.py:f", "--results", "here/study")
    assert (code, err) == (0, "")
    assert "study=here/study\n" in out
    assert "study=results\n" in command("slurm", "--kind", "requeue", *program, "run", "sim.py:f")[1]


def test_a_study_that_is_named_twice_is_the_same(command):
    assert command("slurm", "--kind", "requeue", "--study", "./a", *RUN, "--results", "a")[0] == 0
    code, out, err = command("slurm", "--kind", "requeue", "--study", "b", *RUN, "--results", "a")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "--study is 'b', and the hyperspace run command works the study in 'a' (--results)" in err


@pytest.mark.parametrize("sharing", [["--exchange", "files"], ["--exchange=files"], ["--workers", "2"]])
def test_an_array_of_a_run_command_shares_files(command, sharing):
    code, out, err = command("slurm", "--kind", "array", *RUN)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "add --exchange files to the hyperspace run command" in err
    assert command("slurm", "--kind", "array", *RUN, *sharing)[::2] == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*RUN, "--restart"], "each requeue would set the study aside"),
        ([*RUN, "--n-call", "5"], "hyperspace run would refuse its command: No such option"),
        ([*RUN, "--n-calls", "many"], "hyperspace run would refuse its command: "),
        (["python", "train.py"], "--study PATH"),
    ],
)
def test_a_job_that_cannot_work_is_one_sentence(command, words, told):
    code, out, err = command("slurm", "--kind", "requeue", *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert told in err


def test_options_behind_the_program_are_named(command):
    code, out, err = command("slurm", "python", "train.py", "--ranks", "4", "--time=1:00:00", "--lr", "1")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "python train.py --ranks 4 --time=1:00:00 --lr 1" in out
    assert "--ranks, --time=1:00:00 after the program 'python' is passed on to it" in err
    assert command("slurm", "--ranks", "4", "python", "train.py", "--lr", "1")[2] == ""


def first(x):
    return x[0]


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study"
    hyperdrive(first, [(0.0, 1.0)], path, model="RAND", n_calls=4)
    return path


def test_stop_says_whether_anything_works(command, study):
    code, out, _ = command("stop", study)
    assert (code, out.startswith("Nothing works on the study in")) == (0, True)
    leases = Leases(StudyFolder(study).leases)
    take_study(leases, study)
    try:
        code, out, _ = command("stop", study)
        assert (code, out.startswith("The runs of the study in")) == (0, True)
    finally:
        leases.close()


def test_a_study_that_is_worked_names_the_way_to_share_it(study):
    leases = Leases(StudyFolder(study).leases)
    take_study(leases, study)
    told = r'start each process with exchange="files" \(hyperspace run: --exchange files\)'
    try:
        with pytest.raises(StudyError, match=told):
            hyperdrive(first, [(0.0, 1.0)], study, model="RAND", n_calls=8, exchange="files")
        with pytest.raises(StudyError, match=told):
            hyperdrive(first, [(0.0, 1.0)], study, model="RAND", n_calls=8)
    finally:
        leases.close()


def test_ranks_of_a_job_start_no_workers_of_their_own(command):
    code, out, err = command("slurm", "--ranks", "4", *RUN, "--workers", "4")
    assert (code, out) == (1, "")
    assert "the job starts 4 ranks, which refuse --workers 4; leave --workers out" in err

"""Failures that are no longer the points' fault use up no budget."""

import os
import sys

import pytest
import scipy.stats

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import InputError, StudyError
from hyperspace.evaluators.command import Command
from hyperspace.trials.failures import SUSPECT, Mistakes, OwnFailures, Streak, failing_workers, streak_of
from hyperspace.trials.trial import Trial


def trials(text, drive=0, rank=0, seconds=0.1):
    """Return trials of one drive, from a text such as "++--": an evaluation that succeeded or failed each."""
    return [
        Trial(drive=drive, iteration=i, x=(0.5,), rank=rank, host="node", started=float(i)).finish(
            "ok" if mark == "+" else "failed", seconds=seconds, error=None if mark == "+" else "Error: broken"
        )
        for i, mark in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("before", "failures", "no_chance"),
    [
        ("+" * 6, 9, False),
        ("+" * 6, 10, True),
        ("+", 60, False),  # one success proves little: most points of some spaces cannot be evaluated
        ("++", 20, False),
        ("+" * 4, 10, True),
        ("", 50, False),  # there is nothing to compare with
        ("----", 50, False),
        ("+-" * 10, 10, False),  # half of the points fail
        ("+-" * 10, 25, True),
        ("+" + "-" * 20, 40, False),  # hardly any point succeeds
    ],
)
def test_a_row_of_failures_is_held_against_what_is_known(before, failures, no_chance):
    known = trials(before + "-" * failures)
    assert streak_of(known[len(before) :], known).is_no_chance == no_chance


def test_evaluations_that_took_long_are_left_alone():
    assert not streak_of(trials("-" * 20, drive=1, seconds=50.0), trials("+" * 9, seconds=2.0)).is_no_chance


def test_a_worker_without_evidence_waits_for_others():
    own = OwnFailures()
    for number, trial in enumerate(trials("-" * SUSPECT), start=1):
        own.count(trial)
        assert own.must_wait(n_known=number) == (number == SUSPECT)
    assert not own.must_wait(n_known=SUSPECT + 1)
    own.count(trials("+")[0])
    assert not own.must_wait(n_known=SUSPECT + 1)


def test_the_worker_that_only_fails_is_named():
    known = trials("+" * 9) + trials("-" * 12, drive=1, rank=1) + trials("+-+--", drive=2, rank=2)
    assert [sentence.split(":")[0] for sentence in failing_workers(known)] == ["worker 1 on node seems to be broken"]
    assert failing_workers(trials("-" * 12) + trials("-" * 12, drive=1, rank=1)) == []


def test_a_program_that_breaks_during_a_study_ends_it(tmp_path):
    """With exchange="none", too, where every drive has its own trials."""

    def objective(x):
        calls.append(x)
        if len(calls) > 4:
            raise FileNotFoundError("data.csv")
        return x[0]

    for exchange in ("round", "none", "async", "files"):
        calls = []
        with pytest.raises(StudyError, match=r"last 10 evaluations all failed, where 0 of \d others did.*\n?.*data.csv|data.csv"):
            hyperdrive(objective, [(0.0, 1.0)], tmp_path / exchange, n_calls=40, n_drives=2, model="RAND", exchange=exchange)
        assert len(calls) == 14
        assert load_results(tmp_path / exchange).nfev == 14


def test_points_that_fail_end_no_study(tmp_path):
    def objective(x):
        if x[0] > 0.4:
            raise ValueError("diverged")
        return x[0]

    assert hyperdrive(objective, [(0.0, 1.0)], tmp_path, n_calls=60, model="RAND").nfev == 60


@pytest.mark.parametrize("how", ["moved", "replaced"])
def test_a_command_that_cannot_be_started_is_no_fault_of_the_objective(tmp_path, monkeypatch, how):
    monkeypatch.setattr("hyperspace.evaluators.running_command._REPLACED", 0.3)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sim").write_text(f"#!{sys.executable}\nimport sys; print(sys.argv[1])\n")
    (tmp_path / "sim").chmod(0o755)

    def move(trial):
        if how == "moved" and trial.iteration == 1:
            os.rename("sim", "gone")

    def again(**options):
        space = {"x": (0.0, 1.0)}
        return hyperdrive(Command("./sim {x}"), space, "study", n_calls=8, n_drives=2, model="RAND", **options)

    if how == "moved":
        with pytest.raises(StudyError, match="could not be started") as raised:
            again(callback=move)
        assert raised.value.result.nfev == 3
        assert set(load_results("study").trials["status"]) == {"ok", "running"}
        os.rename("gone", "sim")
    result = again()
    assert (result.nfev, set(result.trials["status"])) == (8, {"ok"})


BROKEN_RANK = """
import sys, time
from mpi4py import MPI
from hyperspace import hyperdrive
rank = MPI.COMM_WORLD.Get_rank()
def objective(x):
    if rank == 1:
        raise RuntimeError("no GPU")
    time.sleep(float(sys.argv[2]))
    return x[0]
r = hyperdrive(objective, [(0.0, 1.0)] * 2, "study", n_calls=40, model="RAND", exchange=sys.argv[1])
if rank == 0:
    print(r.nfev, r.ended_by, (r.trials["status"] == "failed").sum(), len(r.failing_workers))
"""


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0])
def test_a_broken_rank_gets_no_more_of_a_shared_budget(mpirun, seconds):
    done = mpirun(3, BROKEN_RANK, "async", seconds)
    nfev, _, ended_by, failed, named = done.stdout.split()
    assert (nfev, ended_by, named) == ("40", "budget", "1")
    assert int(failed) <= 16
    assert "rank 1 on" in done.stderr
    assert "no GPU" in done.stderr


def test_a_broken_rank_with_trials_of_its_own_is_named(mpirun):
    done = mpirun(3, BROKEN_RANK, "round", 0.0)
    assert done.stdout.split()[0] == "40"
    assert done.stderr.count("worker 1 on") == 1


def mistaken(x):
    return undefined_name + x[0]  # noqa: F821


def wrong_key(parameters):
    return parameters["learning_rat"]


@pytest.mark.parametrize("exchange", ["round", "none", "async", "files"])
@pytest.mark.parametrize(("objective", "error"), [(mistaken, "NameError: name 'undefined_name'"), (wrong_key, "KeyError")])
def test_a_mistake_in_the_objective_ends_the_study_at_once(tmp_path, capfd, exchange, objective, error):
    space = [(0.0, 1.0)] if objective is mistaken else {"learning_rate": (0.0, 1.0)}
    with pytest.raises(StudyError, match=f"first 3 evaluations .* same error.*{error}(.*\n)+.*retry_failed=True"):
        hyperdrive(objective, space, tmp_path, n_calls=40, n_drives=4, n_subspaces=2, exchange=exchange)
    told = capfd.readouterr().err
    assert told.count("failed, the first of this run to fail") == 1
    assert told.count(f"\n{error}") == 1
    assert load_results(tmp_path).nfev == 3
    result = hyperdrive(lambda x: 1.0, space, tmp_path / "other", n_calls=4, n_drives=4, n_subspaces=2, exchange=exchange)
    assert result.nfev == 4


def test_a_mistake_in_an_isolated_objective_ends_the_study_too(tmp_path):
    with pytest.raises(StudyError, match=r"first 3 evaluations .* same error.*NameError"):
        hyperdrive(mistaken, [(0.0, 1.0)], tmp_path, n_calls=40, isolate=True)


def test_only_mistakes_of_programs_at_the_start_and_of_one_kind_count():
    def found(*errors):
        mistakes = Mistakes()
        for i, error in enumerate(errors):
            trial = Trial(drive=0, iteration=i, x=(0.5,))
            mistakes.count(trial.finish("failed", error=f"Traceback:\n  here\n{error}\n") if error else trial.finish("ok"))
        return mistakes.found() is not None

    name, other = "NameError: name 'x' is not defined", "NameError: name 'y' is not defined"
    assert found(name, name, name)
    assert not found(name, name)
    assert not found(name, other, name, name, name)
    assert not found("", name, name, name)
    assert not found("ValueError: too large", "ValueError: too large", "ValueError: too large")
    assert not found(*["TypeError: x\nValueError: y"] * 3)
    assert found(*["ModuleNotFoundError: No module named 'torhc'"] * 3)


@pytest.mark.parametrize(
    ("answer", "ends_at_once"),
    [
        ({"acc": 0.5}, True),
        ({"accuracy": (0.5, 0.6)}, True),
        ({"accuracy": "0.5 %"}, True),
        ({}, True),
        ({"accuracy": None}, False),
        ({"accuracy": float("nan")}, False),
    ],
)
def test_answers_of_the_wrong_form_end_a_study_at_once(tmp_path, answer, ends_at_once):
    with pytest.raises(StudyError) as raised:
        hyperdrive(lambda x: answer, [(0.0, 1.0)], tmp_path, n_calls=20, metrics=[Metric("accuracy", goal="maximize")])
    assert load_results(tmp_path).nfev == (3 if ends_at_once else 10)
    assert ("metrics= (--goal" in str(raised.value)) is ends_at_once


def test_a_plain_number_where_a_constraint_is_declared_ends_a_study_at_once(tmp_path):
    metrics = [Metric("accuracy", goal="maximize"), Metric("size", goal="constrain", upper=3.0)]
    with pytest.raises(StudyError, match=r"first 3 evaluations .*a plain number is not enough"):
        hyperdrive(lambda x: 0.5, [(0.0, 1.0)], tmp_path, n_calls=20, metrics=metrics)


def test_a_command_that_does_not_print_the_goal_ends_the_study_at_once(tmp_path):
    (tmp_path / "sim.py").write_text("print('{\"drag\": 0.5}')")
    command = Command(f"{sys.executable} {tmp_path}/sim.py {{x0}}")
    with pytest.raises(StudyError, match=r"first 3 evaluations(.|\n)*'Drag'; it returned 'drag'"):
        hyperdrive(command, {"x0": (0.0, 1.0)}, tmp_path / "study", n_calls=20, metrics=[Metric("Drag")])
    command = Command(f"{sys.executable} -c \"print('drag = 0.5')\" {{x0}}", pattern=r"(?P<drag>[\d.]+)")
    with pytest.raises(InputError, match=r"'Drag' is declared, and the patterns \(--metric-regex\) name only 'drag'"):
        hyperdrive(command, {"x0": (0.0, 1.0)}, tmp_path / "other", n_calls=20, metrics=[Metric("Drag")])


MISTAKE = """
import sys
from hyperspace import hyperdrive
def objective(x):
    return undefined_name
hyperdrive(objective, [(0.0, 1.0), (0.0, 1.0)], sys.argv[1], n_calls=400, n_drives=4, n_subspaces=4, exchange=sys.argv[2])
"""


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_a_mistake_ends_all_ranks(mpirun, tmp_path, exchange):
    run = mpirun(4, MISTAKE, tmp_path / "study", exchange, check=False)
    assert run.stderr.count("the first of this run to fail") == 1
    assert "same error" in run.stderr
    assert len([trial for trial in load_results(tmp_path / "study").all_trials if trial.failed]) < 60


@pytest.mark.parametrize(("n", "failed", "row"), [(6, 0, 10), (20, 10, 25), (1, 0, 13)])
def test_the_probability_of_a_row_is_that_of_the_beta_binomial_distribution(n, failed, row, monkeypatch):
    exact = scipy.stats.betabinom(row, failed + 1, n - failed + 1).pmf(row)
    streak = Streak(trials("-" * row), n, failed, pace=1.0)
    for factor, no_chance in [(0.99, False), (1.01, True)]:
        monkeypatch.setattr("hyperspace.trials.failures.IMPROBABLE", factor * exact)
        assert streak.is_no_chance == no_chance


@pytest.mark.parametrize("exchange", ["round", "async"])
def test_a_study_of_failures_goes_on_with_other_points_when_it_is_started_again(tmp_path, exchange):
    """Most points of some spaces cannot be evaluated; the same program must not end for what earlier runs have seen."""
    points = []

    def objective(x):
        points.append(x[0])
        if len(points) <= 25:
            raise ValueError("no mesh")
        return x[0]

    call = {"hyperparameters": [(0.0, 1.0)], "results_path": tmp_path, "n_calls": 40, "n_drives": 1, "exchange": exchange}
    for ended in (10, 20):
        with pytest.raises(StudyError, match=rf"first {ended} trials all failed\. The same program, started again, goes on"):
            hyperdrive(objective, **call)
    assert hyperdrive(objective, **call).nfev == 40
    assert len({*points}) == 40


def test_what_some_points_do_not_support_is_no_mistake_of_the_program(tmp_path):
    def objective(p):
        if p["c"] != "b" or p["x"] > 0.5:
            raise NotImplementedError(f"not with {p['c']}")
        return p["x"]

    result = hyperdrive(objective, {"c": ["a", "b"], "x": (0.0, 1.0)}, tmp_path, n_calls=20, model="RAND", random_state=3)
    assert result.nfev == 20

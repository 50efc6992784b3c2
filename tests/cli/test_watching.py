"""`hyperspace status`: what it shows of a study that runs, was left, or is finished, and its exit codes."""

import re
import threading
import time

import pytest

from hyperspace import Metric, evolutionary_search, hyperdrive, load_results
from hyperspace.cli.watching import duration, moment
from hyperspace.results.state import study_state
from hyperspace.stopping import TargetValue, TimeLimit


def objective(x):
    if x[0] > 0.8:
        raise RuntimeError("too large")
    return -x[0] - x[1]


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    path = tmp_path_factory.mktemp("status") / "study"
    return {"objective": objective, "hyperparameters": [(0.0, 1.0), (0.0, 1.0)], "results_path": path, "model": "RAND"}


@pytest.fixture(scope="module")
def study(call):
    hyperdrive(**call, n_calls=20, n_drives=4, random_state=0)
    return call["results_path"]


def rows(out):
    """The table's rows, each split into words."""
    lines = out.splitlines()
    head = next(number for number, line in enumerate(lines) if "last seen" in line)
    return [line.split() for line in lines[head + 1 :] if line.strip()]


def test_status_shows_counts_best_and_a_row_a_drive(command, study):
    code, out, err = command("status", study)
    assert (code, err) == (0, "")
    assert re.search(r"20 of 20 trials, \d failed \(\d+%\)", out)
    assert re.search(r"best -1\.\d+, the least value so far", out)
    assert "finished" in out
    assert [row[:2] for row in rows(out)] == [["0", "5"], ["1", "5"], ["2", "5"], ["3", "5"]]


def test_rows_can_be_something_else(command, study):
    out = command("status", study, "--by", "host")[1]
    assert len(rows(out)) == 1
    code, _, err = command("status", study, "--by", "color")
    assert code == 1
    assert "drive, rank, subspace, host" in err


def test_exit_codes_tell_finished_from_unfinished_and_unreadable(command, call, study, tmp_path):
    assert command("status", study, "--exit-code")[0] == 0
    part = tmp_path / "part"
    hyperdrive(**call | {"results_path": part}, n_calls=20, callback=lambda trial: True)
    code, out, _ = command("status", part, "--exit-code")
    assert code == 3
    assert "nobody works on it" in out
    assert command("status", part)[0] == 0
    for break_it in (lambda: (part / "study.json").write_text("{"), lambda: (part / "study.json").unlink()):
        break_it()
        code, out, err = command("status", part, "--exit-code")
        assert (code, out) == (2, "")
        assert err.startswith("hyperspace: ")
        assert len(err.splitlines()) == 1


def test_watching_ends_with_the_study(command, call, tmp_path):
    path = tmp_path / "live"
    slow = {**call, "results_path": path, "objective": lambda x: time.sleep(0.03) or 1.0}
    begun = threading.Event()

    def work():
        hyperdrive(**slow, n_calls=24, n_drives=4, callback=lambda trial: begun.set())

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(30)
    code, out, err = command("status", path, "--watch", "--interval", "0.1", "--exit-code")
    worker.join()
    assert (code, err) == (0, "")
    assert "24 of 24 trials" in out
    assert "finished" in out
    logged = [line for line in out.splitlines() if re.match(r"\d\d:\d\d:\d\d  \d+ of 24 trials", line)]
    assert logged, "a line for each change, where no terminal is"
    assert all("best" in line or "no trial" in line for line in logged)


def test_long_tables_are_cut_and_say_so(command, call, tmp_path):
    hyperdrive(**call | {"results_path": tmp_path}, n_calls=70, n_drives=68, n_subspaces=1)
    out = command("status", tmp_path, "--by", "drive")[1]
    assert len(rows(out)) == 64 + 1
    assert "and 4 more; --all shows them" in out
    assert len(rows(command("status", tmp_path, "--by", "drive", "--all")[1])) == 68


def test_times_are_short_today_and_dated_otherwise():
    noon = time.mktime((2026, 3, 4, 12, 5, 9, 0, 0, -1))
    assert moment(noon, noon + 60) == "12:05:09"
    assert moment(noon, noon + 86400) == "2026-03-04 12:05"
    assert moment(0.0, noon) == ""
    assert duration(75.2) == "0:01:15"


@pytest.mark.parametrize("exchange", ["round", "async", "none", "files"])
def test_a_study_that_a_rule_has_ended_is_finished_until_a_run_goes_on_with_it(command, tmp_path, exchange):
    call = {"objective": lambda x: x[0], "hyperparameters": [(0.0, 1.0)], "results_path": tmp_path / "s", "model": "RAND"}
    call |= {"exchange": exchange, "n_drives": 2, "n_subspaces": 2, "n_calls": 200}
    result = hyperdrive(**call, stopping=TargetValue(0.2))
    assert result.nfev < 200
    code, out, _ = command("status", tmp_path / "s", "--exit-code")
    assert code == 0
    assert "finished: ended by the target value 0.2" in out
    assert study_state(tmp_path / "s").complete
    assert load_results(tmp_path / "s").ended_by == "the target value 0.2"
    hyperdrive(**call, stopping=TargetValue(0.2))  # as a job does that is queued once more
    assert command("status", tmp_path / "s", "--exit-code")[0] == 0
    hyperdrive(**call, callback=lambda trial: True)  # without the rule
    code, out, _ = command("status", tmp_path / "s", "--exit-code")
    assert code == 3
    assert "not finished" in out


def test_a_deadline_or_a_callback_finishes_nothing(command, call, tmp_path):
    for number, how in enumerate(({"stopping": TimeLimit(1e-3)}, {"callback": lambda trial: True})):
        path = tmp_path / str(number)
        hyperdrive(**call | {"results_path": path} | how, n_calls=8)
        assert command("status", path, "--exit-code")[0] == 3


def test_a_space_without_further_points_and_a_tolerance_finish_a_study(command, tmp_path):
    hyperdrive(lambda x: 1.0, [(1, 3)], tmp_path / "points", n_calls=40)
    evolutionary_search(lambda x: 1.0, [(0.0, 1.0)], tmp_path / "stalled", tolerance=0.1, patience=2, population=4)
    for name in ("points", "stalled"):
        assert command("status", tmp_path / name, "--exit-code")[0] == 0


def test_a_damaged_ending_is_an_error_with_its_name(command, tmp_path):
    hyperdrive(lambda x: 1.0, [(1, 3)], tmp_path, n_calls=40)
    (tmp_path / "ended.json").write_text('{"ended_by": "me", "crc": "0"}')
    code, _, err = command("status", tmp_path, "--exit-code")
    assert code == 2
    assert "ended.json is damaged" in err


def test_status_counts_infeasible_trials(command, tmp_path):
    metrics = [Metric("score", goal="maximize"), Metric("weight", goal="constrain", lower=-1, upper=0.5)]
    hyperdrive(lambda x: {"score": x[0], "weight": x[0]}, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=12, metrics=metrics)
    broken = int((load_results(tmp_path).trials["weight"] > 0.5).sum())
    assert 0 < broken < 12
    out = command("status", tmp_path)[1]
    assert f"{broken} infeasible ({broken / 12:.0%})" in out

"""What a study is doing, told from its files while it runs, when it was killed, and after its end."""

import math
import time

import pytest

from hyperspace import Metric, hyperdrive
from hyperspace.errors import InputError, StudyError
from hyperspace.results.monitor import Monitor

SPACE = [(0.0, 1.0), (0.0, 1.0)]


def objective(x):
    if x[0] > 0.7:
        raise RuntimeError("too large")
    return x[0] + x[1]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("monitor") / "study"
    result = hyperdrive(objective, SPACE, path, model="RAND", n_calls=24, n_drives=4, x0=[[0.1, 0.0]], y0=[0.1], random_state=2)
    return path, result


def test_a_finished_study_adds_up(study):
    path, result = study
    overview = Monitor(path).look(time.time())
    failed = int((result.trials["status"] == "failed").sum())
    assert failed > 0
    assert overview.complete
    assert overview.working is False
    assert (overview.whole.finished, overview.whole.failed, overview.left) == (24, failed, 0.0)
    assert overview.whole.best == result.fun  # which may be one that was given
    own = result.trials[result.trials["drive"] >= 0]
    assert min(group.best for group in overview.groups("drive")) == own["objective"].min()
    assert 0 < overview.elapsed < 60
    assert 0 < overview.whole.utilization <= 1


@pytest.mark.parametrize("by", ["drive", "subspace", "rank", "host"])
def test_groups_share_the_trials_among_them(study, by):
    path, result = study
    overview = Monitor(path).look(time.time())
    own = result.trials[result.trials["drive"] >= 0]
    expected = own.groupby(by)["objective"].agg(["size", "min"])
    groups = overview.groups(by)
    assert [group.label for group in groups] == list(expected.index)
    assert [group.finished for group in groups] == list(expected["size"])
    assert [group.best for group in groups] == list(expected["min"])
    assert sum(group.failed for group in groups) == overview.whole.failed


def test_an_unknown_grouping_is_an_error(study):
    with pytest.raises(InputError, match="drive, rank, subspace, host"):
        Monitor(study[0]).look(time.time()).groups("color")


def test_the_finest_grouping_is_the_one_with_most_rows_that_fit(study, monkeypatch):
    overview = Monitor(study[0]).look(time.time())
    assert overview.finest() == "drive"
    monkeypatch.setattr("hyperspace.results.monitor.READABLE", 3)
    assert overview.finest() == "rank"


def test_a_study_that_runs_is_read_from_within(tmp_path):
    seen = []

    def look(trial):
        seen.append(monitor().look(time.time()))

    monitors = []

    def monitor():
        if not monitors:
            monitors.append(Monitor(tmp_path))
        return monitors[0]

    hyperdrive(objective, SPACE, tmp_path, model="RAND", n_calls=8, random_state=2, callback=look)
    assert [overview.whole.finished for overview in seen] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not any(overview.complete for overview in seen[:-1])
    assert all(overview.working for overview in seen)  # its lease is held, and by a process that lives
    assert all(overview.left > 0 for overview in seen[:-1])


def test_a_torn_last_line_is_not_there_yet(study, tmp_path):
    path, _ = study
    (tmp_path / "journals").mkdir()
    (tmp_path / "study.json").write_bytes((path / "study.json").read_bytes())
    data = (path / "journals" / "00001.jsonl").read_bytes()
    cut = data.rindex(b"\n", 0, len(data) - 1) + 40
    copy = tmp_path / "journals" / "00001.jsonl"
    copy.write_bytes(data[:cut])
    monitor = Monitor(tmp_path)
    before = monitor.look(time.time())
    assert before.whole.running is not None
    assert before.working is None  # there are no leases to tell by
    copy.write_bytes(data)
    after = monitor.look(time.time())
    assert after.whole.finished == before.whole.finished + 1
    assert after.whole.running is None


def test_what_a_killed_run_left_is_no_work(tmp_path):
    class Killed(KeyboardInterrupt):
        pass

    def dies(x):
        raise Killed

    with pytest.raises(Killed):
        hyperdrive(dies, SPACE, tmp_path, n_calls=4)
    for lease in (tmp_path / "leases").iterdir():
        lease.unlink()  # a killed process's lease counts as dead; this one still lives
    overview = Monitor(tmp_path).look(time.time() + 1000)
    assert overview.working is False
    assert overview.left is None
    assert overview.elapsed < 60
    assert overview.whole.running is not None


def test_ranks_are_told_apart_and_seen_from_outside(mpirun, tmp_path):
    program = """
        import sys, time
        from hyperspace import hyperdrive
        from hyperspace.results.monitor import Monitor

        def look(trial):
            if trial.rank == 1:
                overview = Monitor("study").look(time.time())
                print("seen", overview.working, len(overview.workers), flush=True)

        def objective(x):
            time.sleep(0.05)
            return x[0]

        hyperdrive(objective, [(0.0, 1.0)], "study", model="RAND", n_calls=24, callback=look)
    """
    seen = [line for line in mpirun(2, program).stdout.splitlines() if line.startswith("seen")]
    assert seen
    assert set(seen) == {"seen True 1"}
    overview = Monitor(tmp_path / "study").look(time.time())
    groups = overview.groups("rank")
    assert [group.label for group in groups] == [0, 1]
    assert sum(group.finished for group in groups) == overview.whole.finished >= 24
    assert all(0 < group.utilization <= 1 for group in groups)


def test_the_best_is_feasible_and_of_the_goal(tmp_path):
    metrics = [Metric("gain", goal="maximize"), Metric("cost", goal="constrain", upper=0.5)]
    program = {"objective": lambda x: {"gain": x[0], "cost": x[0]}, "hyperparameters": SPACE, "results_path": tmp_path}
    result = hyperdrive(**program, model="RAND", n_calls=12, metrics=metrics)
    overview = Monitor(tmp_path).look(time.time())
    assert overview.whole.best == result.fun <= 0.5


def test_before_the_first_trial_there_is_nothing_to_tell(study, tmp_path):
    (tmp_path / "journals").mkdir()
    (tmp_path / "study.json").write_bytes((study[0] / "study.json").read_bytes())
    overview = Monitor(tmp_path).look(time.time())
    assert (overview.whole.finished, overview.whole.best, overview.left, overview.elapsed) == (0, study[1].fun, None, 0)
    assert math.isnan(overview.whole.utilization)
    assert overview.groups("drive") == []


def test_no_study_is_an_error(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        Monitor(tmp_path)

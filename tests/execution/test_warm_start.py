"""What a new study takes over from the folders of others: warm_start."""

import shutil

import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import InputError, StudyError

NARROW = {"C": (1.0, 100.0, "log-uniform"), "degree": (1, 5), "kernel": ["rbf", "poly"], "folds": 3}
FEW = {"n_drives": 4, "n_subspaces": 4, "model": "RAND"}


def objective(parameters):
    if parameters.get("degree") == 5:
        raise ValueError("too many")
    return abs(parameters["C"] - 30) / 30 + (parameters.get("kernel") == "poly")


def several(parameters):
    return {"accuracy": 1.0 - objective(parameters), "size": parameters["C"]}


@pytest.fixture
def old(tmp_path):
    hyperdrive(objective, NARROW, tmp_path / "old", n_calls=40, random_state=3, **FEW)
    return tmp_path / "old"


def given(result):
    return [trial for trial in result.all_trials if trial.origin == "given"]


def told(capfd):
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("hyperspace: warm_start")]
    assert len(lines) == 1, lines
    return lines[0].removeprefix("hyperspace: ")


def test_all_that_ended_well_is_known_in_a_wider_space_and_what_did_not_is_counted(old, tmp_path, capfd):
    before = {file: file.read_bytes() for file in old.rglob("*") if file.is_file()}
    failed = sum(trial.failed for trial in load_results(old).all_trials)
    assert failed > 0
    wider = NARROW | {"C": (0.1, 1000.0, "log-uniform"), "kernel": ["rbf", "poly", "linear"]}
    capfd.readouterr()
    result = hyperdrive(objective, wider, tmp_path / "new", n_calls=8, warm_start=old, **FEW)
    assert told(capfd).endswith(
        f"{40 - failed} of the 40 evaluations of {str(old)!r} are taken over; not taken over: {failed} failed or pruned"
    )
    taken = given(result)
    ended_well = [trial for trial in load_results(old).all_trials if trial.ended_well]
    assert sorted((trial.x, trial.metrics["objective"]) for trial in taken) == sorted(
        (trial.x, trial.metrics["objective"]) for trial in ended_well
    )
    assert result.nfev == 8 + len(taken)
    assert result.fun <= min(trial.metrics["objective"] for trial in ended_well)
    assert before == {file: file.read_bytes() for file in old.rglob("*") if file.is_file()}


def test_the_old_folder_is_not_needed_again(old, tmp_path, capfd):
    call = {"objective": objective, "hyperparameters": NARROW, "results_path": tmp_path / "new"} | FEW
    first = hyperdrive(**call, n_calls=8, warm_start=[old])
    shutil.rmtree(old)
    capfd.readouterr()
    again = hyperdrive(**call, n_calls=12, warm_start=[old])
    assert given(again) == given(first)
    assert len(again.trials) == len(first.trials) + 4
    assert "hyperspace: warm_start" not in capfd.readouterr().err
    without = hyperdrive(**call, n_calls=16)
    assert given(without) == given(first)
    assert given(load_results(tmp_path / "new")) == given(first)


def test_what_does_not_fit_is_named_with_how_many(old, tmp_path, capfd):
    trials = [trial for trial in load_results(old).all_trials if trial.ended_well]
    outside = sum(trial.x[0] > 50 for trial in trials)
    poly = sum(trial.x[0] <= 50 and trial.x[2] == "poly" for trial in trials)
    assert outside
    assert poly
    other = {"C": (1.0, 50.0, "log-uniform"), "degree": (1, 5), "kernel": ["rbf", "linear"]}
    capfd.readouterr()
    result = hyperdrive(objective, other, tmp_path / "new", n_calls=4, warm_start=str(old), **FEW)
    line = told(capfd)
    assert f"{outside} with a value of C that is not allowed here" in line
    assert f"{poly} with a value of kernel that is not allowed here" in line
    assert len(given(result)) == len(trials) - outside - poly


@pytest.mark.parametrize(
    ("space", "count", "reason"),
    [
        (NARROW | {"gamma": (0.0, 1.0)}, 0, "without a value of gamma"),
        ({name: NARROW[name] for name in ("C", "kernel")}, 0, "degree, which is no parameter here"),
        (NARROW | {"folds": 5}, 0, "another value of folds, which is constant here"),
        (NARROW | {"kernel": "rbf"}, None, "another value of kernel, which is constant here"),
        (NARROW | {"folds": (2, 4)}, None, "failed"),
        (NARROW | {"more": 7}, None, "failed"),
        ({name: value for name, value in NARROW.items() if name != "folds"}, None, "failed"),
    ],
)
def test_parameters_that_came_or_went(old, tmp_path, capfd, space, count, reason):
    capfd.readouterr()
    result = hyperdrive(objective, space, tmp_path / "new", n_calls=4, warm_start=old, **FEW)
    assert reason in told(capfd)
    if count is None:
        assert given(result)
    else:
        assert len(given(result)) == count


def test_studies_of_another_goal_are_refused(old, tmp_path):
    with pytest.raises(InputError, match="is minimized, and here it is maximized"):
        hyperdrive(objective, NARROW, tmp_path / "new", n_calls=4, maximize=True, warm_start=old, **FEW)
    metrics = [Metric("accuracy", goal="maximize"), Metric("size", goal="constrain", upper=40)]
    hyperdrive(several, NARROW, tmp_path / "named", n_calls=8, metrics=metrics, random_state=1, **FEW)
    with pytest.raises(InputError, match="'accuracy' is maximized, and here it is minimized"):
        hyperdrive(several, NARROW, tmp_path / "new", metrics=[Metric("accuracy")], warm_start=tmp_path / "named", **FEW)
    assert not (tmp_path / "new" / "study.json").exists()


def test_metrics_of_the_new_study_must_be_there(old, tmp_path, capfd):
    metrics = [Metric("accuracy", goal="maximize"), Metric("size", goal="constrain", upper=40)]
    hyperdrive(several, NARROW, tmp_path / "named", n_calls=8, metrics=metrics, random_state=1, **FEW)
    capfd.readouterr()
    again = [Metric("accuracy", goal="maximize"), Metric("size", goal="constrain", upper=20)]
    result = hyperdrive(several, NARROW, tmp_path / "new", n_calls=4, metrics=again, warm_start=tmp_path / "named", **FEW)
    assert len(given(result)) == int(told(capfd).split()[1]) > 4
    more = [*again, Metric("seconds", goal="constrain", upper=20)]
    with pytest.raises(StudyError):
        hyperdrive(several, NARROW, tmp_path / "third", n_calls=4, metrics=more, warm_start=tmp_path / "named", **FEW)
    assert "without the metric 'seconds'" in capfd.readouterr().err


def test_several_folders_and_what_they_have_in_common(old, tmp_path, capfd):
    hyperdrive(objective, NARROW, tmp_path / "second", n_calls=4, warm_start=old, random_state=5, **FEW)
    capfd.readouterr()
    result = hyperdrive(objective, NARROW, tmp_path / "third", n_calls=4, warm_start=[old, tmp_path / "second"], **FEW)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("hyperspace: warm_start")]
    assert len(lines) == 2
    assert "known twice" in lines[1]
    assert len({trial.x for trial in given(result)}) == len(given(result))


def test_with_values_and_points_of_the_users_own(old, tmp_path):
    point = {"C": 5.5, "degree": 2, "kernel": "rbf"}
    call = {"objective": objective, "hyperparameters": NARROW, "results_path": tmp_path / "new", "warm_start": old} | FEW
    result = hyperdrive(**call, n_calls=4, x0=point, y0=0.25)
    assert given(result)[0].x == (5.5, 2, "rbf")
    again = hyperdrive(**call, n_calls=8, x0=point, y0=0.25)
    assert given(again) == given(result)
    first = hyperdrive(**call | {"results_path": tmp_path / "first"}, n_calls=4, x0=point)
    assert [trial.x for trial in first.all_trials if trial.arm == "x0"] == [(5.5, 2, "rbf")]


def test_a_study_that_exists_says_that_it_takes_nothing_over_any_more(old, tmp_path, capfd):
    call = {"objective": objective, "hyperparameters": NARROW, "results_path": tmp_path / "new"} | FEW
    hyperdrive(**call, n_calls=4)
    capfd.readouterr()
    hyperdrive(**call, n_calls=8, warm_start=old)
    assert "only read when a study is created" in told(capfd)


def test_restart_may_take_over_from_the_study_that_it_sets_aside(old):
    wider = NARROW | {"C": (0.1, 1000.0, "log-uniform")}
    with pytest.raises(StudyError, match=r"warm_start=.*old.*takes over the evaluations that fit"):
        hyperdrive(objective, wider, old, n_calls=4, **FEW)
    result = hyperdrive(objective, wider, old, n_calls=4, warm_start=old, restart=True, **FEW)
    assert len(given(result)) > 20


def test_workers_without_mpi_and_ranks_take_over_the_same(old, tmp_path, mpirun):
    files = hyperdrive(objective, NARROW, tmp_path / "files", n_calls=4, warm_start=old, exchange="files", **FEW)
    program = """
    import sys
    from hyperspace import hyperdrive
    def objective(parameters):
        return parameters["C"]
    space = {"C": (1.0, 100.0, "log-uniform"), "degree": (1, 5), "kernel": ["rbf", "poly"], "folds": 3}
    hyperdrive(objective, space, sys.argv[1], n_calls=4, n_drives=4, n_subspaces=4, model="RAND", warm_start=sys.argv[2])
    """
    done = mpirun(2, program, tmp_path / "ranks", old)
    assert done.stderr.count("are taken over") == 1
    assert given(load_results(tmp_path / "ranks")) == given(files)


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(StudyError, match="holds no study"):
        hyperdrive(objective, NARROW, tmp_path / "new", warm_start=tmp_path / "nothing", **FEW)
    assert not (tmp_path / "new").exists()

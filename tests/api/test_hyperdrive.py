"""hyperdrive in one process; what several ranks do is in tests/exchange/test_mpi.py."""

import math

import numpy as np
import pytest

from hyperspace import Categorical, Metric, Optimizer, Real, hyperdrive, load_results
from hyperspace.errors import InputError, NotBuiltError, StudyError
from hyperspace.pruning import MedianRule
from hyperspace.stopping import NoProgress, TargetValue

SPACE = [(2, 10), (1e-2, 1.0, "log-uniform"), ["relu", "tanh"]]


def objective(x):
    return (x[0] - 5) ** 2 + math.log10(x[1]) ** 2 + (x[2] == "relu")


def columns(result):
    return result.trials[["drive", "iteration", *result.names, "objective"]].to_numpy().tolist()


def test_the_call_of_the_readme_finds_the_optimum(tmp_path):
    result = hyperdrive(objective, SPACE, tmp_path, n_iterations=12, n_drives=8)
    assert result.fun < 0.01
    assert result.x[0] == 5
    assert result.x[2] == "tanh"
    assert len(result.x_iters) == len(result.func_vals) == len(result.trials) == 8 * 12
    assert [len(part.x_iters) for part in result.subspaces] == [12] * 8
    assert result.fun == min(part.fun for part in result.subspaces) == objective(result.x)


def test_every_trial_stays_in_its_home_under_the_static_strategy(tmp_path):
    result = hyperdrive(sum, [(0.0, 1.0), (1, 8)], None, checkpoints=False, strategy="static", n_iterations=6)
    assert result.trials["subspace"].tolist() == result.trials["drive"].tolist()
    lows, highs = [(0.0, 1), (0.375, 4)], [(0.625, 5), (1.0, 8)]
    for row in result.trials.itertuples():
        halves = [row.drive >> j & 1 for j in range(2)]
        for j, half in enumerate(halves):
            assert lows[half][j] <= row[7 + j] <= highs[half][j]


@pytest.mark.parametrize("options", [{"strategy": "static"}, {"strategy": "static", "exchange": "round"}, {}])
@pytest.mark.parametrize("stop_after", [1, 7, 20, 33])
def test_a_study_that_goes_on_makes_the_trials_of_one_that_was_never_interrupted(tmp_path, options, stop_after):
    settings = {"n_iterations": 10, "n_samples": 3, "n_drives": 8, "n_subspaces": 4} | options
    space = [(0.0, 1.0), (1, 9)]

    def value(x):
        return (x[0] - 0.3) ** 2 + (x[1] - 4) ** 2 / 10

    whole = hyperdrive(value, space, tmp_path / "whole", **settings)
    seen = []

    def stop(trial):
        seen.append(trial)
        return len(seen) == stop_after

    part = hyperdrive(value, space, tmp_path / "part", callback=stop, **settings)
    assert len(part.trials) == stop_after
    resumed = hyperdrive(value, space, tmp_path / "part", **settings)
    assert columns(resumed) == columns(whole)


def test_an_interrupted_trial_is_evaluated_again_where_it_was(tmp_path):
    class Killed(KeyboardInterrupt):
        pass

    calls = []

    def dies(x):
        calls.append(x)
        if len(calls) == 6:
            raise Killed
        return objective(x)

    with pytest.raises(Killed):
        hyperdrive(dies, SPACE, tmp_path, n_drives=8, n_iterations=2)
    running = load_results(tmp_path).trials
    assert running["status"].tolist().count("running") == 1
    result = hyperdrive(dies, SPACE, tmp_path, n_drives=8, n_iterations=2)
    assert calls[6] == calls[5]
    assert result.trials["attempt"].tolist().count(1) == 1
    assert len(result.trials) == 16


def test_a_finished_study_returns_at_once_and_more_iterations_extend_it(tmp_path):
    first = hyperdrive(objective, SPACE, tmp_path, n_drives=8, n_iterations=3)
    calls = []

    def counted(x):
        calls.append(x)
        return objective(x)

    counted.__qualname__ = objective.__qualname__
    assert columns(hyperdrive(counted, SPACE, tmp_path, n_drives=8, n_iterations=3)) == columns(first)
    assert calls == []
    longer = hyperdrive(counted, SPACE, tmp_path, n_drives=8, n_iterations=4)
    assert len(calls) == 8
    assert columns(longer) == columns(hyperdrive(objective, SPACE, tmp_path / "other", n_drives=8, n_iterations=4))


def test_restart_sets_the_old_study_aside(tmp_path):
    hyperdrive(objective, SPACE, tmp_path / "study", n_drives=8, n_iterations=2)
    hyperdrive(objective, SPACE, tmp_path / "study", n_drives=8, n_iterations=1, restart=True, random_state=1)
    assert len(load_results(tmp_path / "study").trials) == 8
    assert len(load_results(tmp_path / "study.old-1").trials) == 16


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"hyperparameters": [(2, 11), (1e-2, 1.0, "log-uniform"), ["relu", "tanh"]]}, "\n  x0: upper bound 10 there, 11 now\n"),
        (
            {"hyperparameters": [(2, 10), (1e-2, 2.0, "log-uniform"), ["relu", "tanh"]]},
            "\n  x1: upper bound 1.0 there, 2.0 now\n",
        ),
        (
            {"hyperparameters": [(2, 10)]},
            "\n  x1: missing now\n  x2: missing now\n",
        ),  # of which the recorded eight subspaces cannot be made
        ({"model": "RAND"}, 'model: "GP" there, "RAND" now'),
        ({"random_state": 1}, "random_state: 0 there, 1 now"),
        ({"objective": math.fsum}, "objective"),
        ({"maximize": True}, "maximize"),
        ({"strategy": "static"}, "strategy"),
    ],
)
def test_another_study_in_the_folder_is_refused_with_the_difference(tmp_path, change, shown):
    call = {"objective": objective, "hyperparameters": SPACE, "results_path": tmp_path, "n_iterations": 1, "n_samples": 2}
    hyperdrive(**call)
    with pytest.raises(StudyError, match="holds another study") as refused:
        hyperdrive(**call | change)
    assert shown in str(refused.value)


def test_n_calls_are_dealt_to_the_first_drives(tmp_path):
    result = hyperdrive(objective, SPACE, tmp_path, n_drives=8, n_calls=19)
    counts = result.trials["drive"].value_counts().sort_index().tolist()
    assert counts == [3, 3, 3, 2, 2, 2, 2, 2]


def test_named_parameters_reach_the_objective_as_a_dict(tmp_path):
    seen = []

    def named(parameters):
        seen.append(parameters)
        return {"loss": parameters["lr"], "accuracy": 1 - parameters["lr"]}

    space = {"lr": (1e-4, 1e-1, "log-uniform"), "batch": 32, "optimizer": ["adam", "sgd"]}
    result = hyperdrive(named, space, tmp_path, n_iterations=4)
    assert all(list(parameters) == ["lr", "batch", "optimizer"] and parameters["batch"] == 32 for parameters in seen)
    assert result.parameters["batch"] == 32
    assert result.metrics == {"loss": result.fun, "accuracy": 1 - result.fun}
    assert {"lr", "optimizer", "loss", "accuracy"} <= set(result.trials.columns)
    again = load_results(tmp_path)
    assert again.parameters == result.parameters


def test_maximize_finds_the_largest_value(tmp_path):
    result = hyperdrive(lambda x: 3 - (x[0] - 0.7) ** 2, [(0.0, 1.0)], tmp_path, n_iterations=10, maximize=True)
    assert result.fun == max(result.func_vals) > 2.999
    assert result.to_skopt().fun == -result.fun


def test_a_declared_goal_and_a_constraint_decide_the_optimum(tmp_path):
    metrics = [Metric("accuracy", goal="maximize"), Metric("seconds", goal="constrain", upper=0.5)]
    result = hyperdrive(lambda x: {"accuracy": x[0], "seconds": x[0]}, [(0.0, 1.0)], tmp_path, n_iterations=12, metrics=metrics)
    assert result.fun == max(value for value in result.func_vals if value <= 0.5)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "static", "n_subspaces": 1},
        {"strategy": "static", "n_subspaces": 1, "model": "RF"},
        {"strategy": "generations", "n_drives": 4, "n_subspaces": 1},
        {"strategy": "generations", "n_drives": 4, "n_subspaces": 1, "model": "GA"},
        {"strategy": "adaptive"},
    ],
)
def test_every_strategy_keeps_the_constraints(options):
    metrics = [Metric("loss"), Metric("c", goal="constrain", lower=0.5)]
    result = hyperdrive(
        lambda x: {"loss": x[0] + x[1], "c": x[0]},
        [(0.0, 1.0)] * 2,
        None,
        n_calls=24,
        metrics=metrics,
        checkpoints=False,
        **options,
    )
    last = [trial.metrics["c"] >= 0.5 for trial in result.all_trials[8:]]
    assert sum(last) >= 8
    assert result.x[0] >= 0.5


@pytest.mark.parametrize("strategy", ["adaptive", "static"])
def test_a_study_under_constraints_goes_on_as_it_would_have(tmp_path, strategy):
    def objective(x):
        return {"loss": x[0] + x[1], "c": math.hypot(x[0] - 0.7, x[1] - 0.3)}

    def points(path, *stops):
        for n in stops:
            metrics = [Metric("loss"), Metric("c", goal="constrain", upper=0.05)]
            result = hyperdrive(
                objective, [(0.0, 1.0)] * 2, path, n_iterations=n, metrics=metrics, strategy=strategy, n_subspaces=2
            )
        return [(trial.arm, trial.x) for trial in result.all_trials]

    whole = points(tmp_path / "whole", 9)
    assert any(arm == "feasibility" for arm, _ in whole)
    assert points(tmp_path / "parts", 4, 6, 9) == whole


def test_an_infeasible_trial_is_nowhere_shown_as_the_best_one(tmp_path, capsys):
    metrics = [Metric("loss"), Metric("c", goal="constrain", lower=0.5)]

    def objective(x):
        return {"loss": x[0] - 9.0 * (x[0] < 0.5), "c": x[0]}

    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path, n_iterations=6, metrics=metrics, verbose=True)
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"best {result.fun:.6g}".rstrip() in last
    assert f"{sum(trial.metrics['c'] < 0.5 for trial in result.all_trials)} infeasible" in last
    broken = [Metric("loss"), Metric("c", goal="constrain", lower=5.0)]
    result = hyperdrive(objective, [(0.0, 1.0)], None, n_iterations=3, metrics=broken, verbose=True, checkpoints=False)
    assert result.x is None
    assert "best" not in capsys.readouterr().out


@pytest.mark.parametrize("strategy", ["adaptive", "static", "generations"])
def test_many_given_points_leave_nothing_of_the_initial_design(strategy):
    x0 = [[i * 0.618 % 1.0, i * 0.7548 % 1.0] for i in range(60)]
    options = {"n_drives": 4, "n_subspaces": 1} if strategy == "generations" else {}
    result = hyperdrive(
        lambda x: x[0] ** 2 + x[1],
        [(0.0, 1.0)] * 2,
        None,
        x0=x0,
        y0=[x[0] ** 2 + x[1] for x in x0],
        n_calls=8,
        strategy=strategy,
        checkpoints=False,
        **options,
    )
    assert "design" not in {trial.arm for trial in result.all_trials}


def test_metrics_without_a_goal_end_the_study_and_are_recorded(tmp_path):
    with pytest.raises(InputError, match="nothing says which to optimize"):
        hyperdrive(lambda x: {"accuracy": x[0], "seconds": 1.0}, [(0.0, 1.0)], tmp_path)
    assert load_results(tmp_path).trials["status"].tolist() == ["failed"]


def test_what_the_objective_raises_is_recorded_and_the_study_goes_on(tmp_path):
    def fails(x):
        if x[0] < 0.5:
            raise RuntimeError("the mesh does not converge")
        return x[0] if x[0] < 0.9 else math.nan

    result = hyperdrive(fails, [(0.0, 1.0)], tmp_path, n_drives=2, n_iterations=15)
    trials = result.trials
    assert 0.5 <= result.x[0] < 0.6
    failed = trials[trials["status"] == "failed"]
    assert failed["error"].str.contains("the mesh does not converge|finite number").all()
    assert len(failed) + len(result.func_vals) == len(trials) == 30


def test_a_study_of_failures_alone_ends_with_the_last_error(tmp_path):
    with pytest.raises(StudyError, match=r"first 10 trials all failed.*\n(.*\n)*.*no license"):
        hyperdrive(_no_license, [(0.0, 1.0)], tmp_path, n_iterations=50)
    assert len(load_results(tmp_path).trials) == 10


def _no_license(x):
    raise RuntimeError("no license")


def test_given_evaluations_inform_and_do_not_count(tmp_path):
    result = hyperdrive(
        objective, SPACE, tmp_path, n_drives=8, n_iterations=2, x0=[[5, 1.0, "tanh"], [2, 0.1, "relu"]], y0=[0.0, 11.0]
    )
    assert result.fun == 0.0
    assert result.trials["origin"].tolist().count("given") == 2
    assert len(result.trials) == 18
    assert columns(load_results(tmp_path)) == columns(result)


def test_a_deadline_cuts_the_drives_evenly(tmp_path):
    import time

    def slow(x):
        time.sleep(0.02)
        return x[0]

    result = hyperdrive(slow, [(0.0, 1.0)] * 2, tmp_path, n_iterations=1000, model="RAND", deadline=1.0)
    counts = result.trials["drive"].value_counts()
    assert 0 < counts.max() < 1000
    assert counts.max() - counts.min() <= 1


def test_the_handle_gives_seed_folder_and_report(tmp_path):
    seen = []

    def reports(x, trial):
        trial.report(1, x[0])
        (trial.folder / "log.txt").write_text("hello")
        seen.append((trial.id, trial.seed, trial.attempt))
        return x[0]

    hyperdrive(reports, [(0.0, 1.0)], tmp_path, n_drives=2, n_iterations=2)
    assert [identity for identity, _, _ in seen] == ["0-0", "1-0", "0-1", "1-1"]
    assert len({seed for _, seed, _ in seen}) == 4
    assert len(list(tmp_path.glob("scratch/*/log.txt"))) == 4
    assert '"event":"reported"' in (tmp_path / "journals" / "00000.jsonl").read_text()


def test_a_hundred_dimensions_take_a_limited_number_of_subspaces():
    result = hyperdrive(lambda x: sum(x), [(0.0, 1.0)] * 100, None, checkpoints=False, n_drives=16, n_iterations=1, n_samples=1)
    assert len(result.subspaces) == 16
    with pytest.raises(InputError, match=r"takes at most 4096\. Set n_subspaces"):
        hyperdrive(sum, [(0.0, 1.0)] * 13, None, checkpoints=False, strategy="static")


def test_no_seed_draws_one_and_keeps_it(tmp_path):
    first = hyperdrive(objective, SPACE, tmp_path / "a", n_iterations=1, random_state=None)
    second = hyperdrive(objective, SPACE, tmp_path / "b", n_iterations=1, random_state=None)
    assert columns(first) != columns(second)
    assert columns(hyperdrive(objective, SPACE, tmp_path / "a", n_iterations=1, random_state=None)) == columns(first)


def test_silence_drops_messages_and_keeps_failures(tmp_path, capfd):
    def fails(parameters):
        if parameters["x"] > 0.5:
            raise ValueError("not here")
        return {"loss": parameters["x"], "note": "no number"}

    options = {"model": "RAND", "n_calls": 12, "verbose": "silent", "random_state": 1}
    result = hyperdrive(fails, {"x": (0.0, 1.0)}, tmp_path / "study", **options)
    hyperdrive(fails, {"x": (0.0, 1.0)}, tmp_path / "study", **options)  # is complete, which is not said either
    assert capfd.readouterr() == ("", "")
    failed = (result.trials["status"] == "failed").sum()
    assert 0 < failed < 12
    assert f"nfev=12, failed={failed})" in repr(result)
    assert f"{failed} of them failed" in result._repr_html_()
    hyperdrive(fails, {"x": (0.0, 1.0)}, tmp_path / "spoken", **options | {"verbose": False})
    assert "not here" in capfd.readouterr().err


def test_a_study_in_a_silent_one_is_silent_too(tmp_path, capfd):
    def nested(parameters, trial):
        return hyperdrive(lambda x: x[0], [(0.0, 1.0)], trial.folder / "inner", model="RAND", n_calls=2).fun

    hyperdrive(nested, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=1, verbose="silent")
    assert capfd.readouterr() == ("", "")


def test_errors_are_raised_in_silence(tmp_path):
    with pytest.raises(StudyError, match="NameError"):
        hyperdrive(lambda x: y, [(0.0, 1.0)], tmp_path, verbose="silent")  # noqa: F821


@pytest.mark.parametrize("verbose", [True, False])
def test_verbose_says_what_is_planned_and_how_far_it_is(tmp_path, capsys, verbose):
    hyperdrive(objective, SPACE, tmp_path, n_drives=8, n_iterations=2, n_samples=2, verbose=verbose)
    shown = capsys.readouterr()
    planned = "16 evaluations planned, 2 by each of 8 drives over 8 subspaces, in one process"
    assert (planned in shown.out) == verbose
    assert ("16/16" in shown.out) == verbose
    assert shown.err == ("" if verbose else f"hyperspace: {planned}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": 3}, "objective must be a function"),
        ({"n_iterations": 0}, "n_iterations must be a whole number of at least 1, got 0"),
        ({"n_iterations": 2.5}, "n_iterations must be a whole number"),
        ({"n_calls": 0}, "n_calls must be a whole number of at least 1"),
        ({"overlap": 1.5}, "overlap"),
        ({"overlap": -0.1}, "overlap"),
        ({"model": "GPU"}, "model must be one of 'GP'"),
        ({"model": object()}, "fit and predict, or with ask and tell"),
        ({"acquisition": "UCB"}, "acquisition must be one of 'EI'"),
        ({"strategy": "greedy"}, "strategy must be one of"),
        ({"sampler": "halton"}, "sampler must be one of"),
        ({"exchange": "shout"}, "exchange must be one of"),
        ({"n_subspaces": 3}, "power of two"),
        ({"n_subspaces": 16}, "n_subspaces must be at most"),
        ({"n_drives": 9, "n_subspaces": 8}, "multiple of the 8 subspaces, got 9"),
        ({"n_samples": 0}, "n_samples must be"),
        ({"random_state": -1}, "random_state"),
        ({"random_state": "a"}, "random_state"),
        ({"deadline": 0}, "deadline must be a positive number"),
        ({"results_path": None}, "results_path must be"),
        ({"results_path": 7}, "results_path must be"),
        ({"hyperparameters": []}, "empty"),
        ({"hyperparameters": [(1.0, 1.0)]}, "low"),
        ({"hyperparameters": [(3, 2)]}, "low"),
        ({"hyperparameters": [(0.0, 1.0, "log-uniform")]}, "log"),
        ({"hyperparameters": [[]]}, "categor"),
        ({"hyperparameters": [Real(0.0, 1.0, name="a"), Categorical(["x", "y"], name="a")]}, "'a'"),
        ({"y0": [1.0]}, "y0 goes with x0"),
        ({"x0": [[5, 0.1, "relu"], [55, 0.1, "relu"]]}, "x0[1]: dimension 0"),
        ({"x0": [5, 0.1]}, "a list of 3 values"),
        ({"x0": 5}, "a list of 3 values"),
        ({"x0": [[5, 0.1, "relu"]], "model": "HYPERBAND", "objective": lambda x, trial: 0.0}, "takes no x0"),
        ({"warm_start": 5}, "warm_start must be the folder of another study"),
        ({"x0": [[5, 0.1, "relu"]], "y0": [1.0, 2.0]}, "one value a point"),
        ({"x0": [[55, 0.1, "relu"]], "y0": [1.0]}, "55"),
        ({"x0": [[5, 0.1, "relu"]] * 2, "y0": [1.0, float("nan")]}, "y0[1]: the objective returned objective = nan; a finite"),
        ({"metrics": [Metric("a", goal="observe")]}, "needs one metric"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_evaluated(tmp_path, arguments, message):
    call = {"objective": objective, "hyperparameters": SPACE, "results_path": tmp_path / "study"}
    with pytest.raises(InputError) as refused:
        hyperdrive(**call | arguments)
    assert message in str(refused.value)
    assert not (tmp_path / "study" / "study.json").exists()


def test_several_goals_are_for_random_search_so_far(tmp_path):
    goals = [Metric("a"), Metric("b", goal="maximize")]
    with pytest.raises(NotBuiltError, match="several metrics together"):
        hyperdrive(objective, SPACE, tmp_path, metrics=goals)
    with pytest.raises(NotBuiltError, match="several metrics together"):
        Optimizer(SPACE, metrics=goals)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rules", [{"stopping": TargetValue(1.0)}, {"stopping": NoProgress(5)}, {"pruner": MedianRule()}])
def test_rules_that_compare_one_goal_are_refused_with_several(tmp_path, rules):
    with pytest.raises(InputError, match="compares trials by one goal, and this study has 2"):
        hyperdrive(objective, SPACE, tmp_path, model="RAND", metrics=[Metric("a"), Metric("b")], **rules)


def test_a_trial_can_fail_with_a_reason(tmp_path):
    def diverging(parameters, trial):
        if parameters[0] > 6:
            trial.fail("the simulation did not converge")
        return float(parameters[0])

    for options in ({}, {"isolate": True, "retries": 2}):
        result = hyperdrive(diverging, [(2, 10)], tmp_path / str(len(options)), model="RAND", n_calls=8, n_subspaces=1, **options)
        failed = result.trials[result.trials["status"] == "failed"]
        assert len(failed) > 0
        assert set(failed["error"]) == {"the simulation did not converge"}
        assert set(failed["fault"]) == {"objective"}
        assert (failed["attempt"] == 0).all()
        assert all(trial.teaches_failure for trial in result.all_trials if trial.failed)


def test_a_results_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(StudyError, match="is a file"):
        hyperdrive(objective, SPACE, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_results_path_that_cannot_be_written_is_refused():
    with pytest.raises(StudyError, match="cannot be written"):
        hyperdrive(objective, SPACE, "/proc/study")


def test_scikit_optimize_dimensions_are_taken_as_they_are(tmp_path):
    from skopt.space import Categorical as SkoptCategorical
    from skopt.space import Integer as SkoptInteger
    from skopt.space import Real as SkoptReal

    space = [SkoptInteger(2, 10), SkoptReal(1e-2, 1.0, prior="log-uniform"), SkoptCategorical(["relu", "tanh"])]
    theirs = hyperdrive(objective, space, tmp_path / "theirs", n_iterations=3)
    ours = hyperdrive(objective, SPACE, tmp_path / "ours", n_iterations=3)
    assert columns(theirs) == columns(ours)


def test_objective_values_may_be_numpy_numbers(tmp_path):
    result = hyperdrive(lambda x: np.float32(x[0]), [(0.0, 1.0)], tmp_path, n_iterations=2)
    assert isinstance(result.fun, float)


@pytest.mark.parametrize(
    "options",
    [{"random_state": 10**5000}, {"n_calls": 10**5000}, {"n_calls": 10**30}, {"n_drives": 10**12}, {"deadline": 10**5000}],
)
def test_a_number_beyond_all_measure_is_refused_in_a_sentence(tmp_path, options):
    name = next(iter(options))
    with pytest.raises(InputError, match=f"^{name} must be (a positive number|at most)"):
        hyperdrive(lambda x: 0.0, [(0.0, 1.0)], tmp_path / "study", **options)


def test_a_path_object_that_fails_is_refused(tmp_path):
    class Broken:
        def __fspath__(self):
            raise RuntimeError("no path")

    with pytest.raises(InputError, match=r"results_path must be the name of a file or folder, and .*RuntimeError: no path"):
        hyperdrive(lambda x: 0.0, [(0.0, 1.0)], Broken())


@pytest.mark.parametrize(("checkpoints", "written"), [(True, True), (1, True), (np.True_, True), (False, False), (0, False)])
def test_journals_are_written_however_on_is_spelled(tmp_path, checkpoints, written):
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path / "study", n_calls=1, model="RAND", checkpoints=checkpoints)
    assert (tmp_path / "study" / "study.json").exists() == written

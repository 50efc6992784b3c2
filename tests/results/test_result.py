"""The merged result; how hyperdrive fills it is in tests/api/test_hyperdrive.py."""

import math

import matplotlib as mpl
import numpy as np
import pytest

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError
from hyperspace.optimizers import PSO
from hyperspace.results import Result
from hyperspace.space import check_space
from hyperspace.space.partition import Partition
from hyperspace.trials.metrics import Metrics
from hyperspace.trials.trial import Trial

mpl.use("Agg")
SPACE = {"width": (2, 10), "rate": (1e-2, 1.0, "log-uniform"), "kind": ["a", "b", "c"], "constant": 3}


def objective(p):
    return (p["width"] - 5) ** 2 + math.log10(p["rate"]) ** 2 + (p["kind"] == "a")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return hyperdrive(objective, SPACE, tmp_path_factory.mktemp("study"), n_iterations=6, n_drives=8, n_samples=3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("plot", ["plot_convergence", "plot_evaluations", "plot_objective"])
def test_scikit_optimize_plots_take_the_result(result, plot):
    from matplotlib import pyplot
    from skopt import plots

    assert getattr(plots, plot)(result) is not None
    pyplot.close("all")


def test_scikit_optimize_gets_values_to_minimize(result):
    ours = result.to_skopt()
    assert ours.fun == result.fun
    np.testing.assert_array_equal(ours.func_vals, result.func_vals)
    mean, std = ours.models[-1].predict(ours.space.transform([result.x]), return_std=True)
    assert mean.shape == std.shape == (1,)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_scikit_optimize_plots_a_maximum_as_a_minimum():
    from matplotlib import pyplot
    from skopt import plots

    options = {"n_calls": 24, "checkpoints": False, "maximize": True}
    result = hyperdrive(lambda p: -objective(p), SPACE, None, **options)
    ours = result.to_skopt()
    assert ours.fun == -result.fun == min(ours.func_vals)
    lowest = plots.plot_convergence(ours).get_lines()[0].get_ydata()
    assert lowest[-1] == ours.fun
    assert list(lowest) == sorted(lowest, reverse=True)
    for plot in ("plot_evaluations", "plot_objective", "plot_regret"):
        assert getattr(plots, plot)(ours) is not None
    pyplot.close("all")


def test_the_table_has_a_row_a_trial_and_a_column_a_name(result):
    table = result.trials
    assert len(table) == 48
    columns = ["drive", "iteration", "subspace", "region", "arm", "status", "width", "rate", "kind", "objective", "seconds"]
    assert list(table.columns[:11]) == columns
    assert table["status"].eq("ok").all()
    assert table["objective"].min() == result.fun


def test_without_a_good_trial_there_is_no_optimum():
    space = check_space([(0.0, 1.0)])
    failed = Trial(drive=0, iteration=0, x=(0.5,), status="failed", error="no")
    result = Result([failed], space, Metrics(), Partition(space))
    assert result.x is None
    assert math.isnan(result.fun)
    assert not result.success
    assert len(result.trials) == 1


def test_its_text_is_one_line(result):
    assert str(result) == repr(result)
    assert str(result).startswith(f"Result(fun={result.fun!r}, x={result.x!r}")


def test_a_portfolio_tells_which_model_found_what(tmp_path):
    def objective(x):
        return (x[0] - 0.3) ** 2 + x[1] ** 2

    result = hyperdrive(
        objective,
        [(0.0, 1.0), (0.0, 1.0)],
        tmp_path,
        model=["RAND", PSO(neighborhood_size=3, population=4), "GP"],
        strategy="static",
        exchange="round",
        n_subspaces=1,
        n_drives=6,
        n_iterations=5,
    )
    table = result.summary_by("model")
    assert set(table["model"]) == {"RAND", "PSO(population=4, neighborhood_size=3)", "GP"}
    assert list(table["trials"]) == [10, 10, 10]
    assert table["best"].iloc[0] == result.fun
    assert table["best"].is_monotonic_increasing
    best = result.trials["objective"].idxmin()
    assert table["model"].iloc[0] == ["RAND", "PSO(population=4, neighborhood_size=3)", "GP"][result.trials["drive"][best] % 3]
    assert load_results(tmp_path).summary_by("model").equals(table)
    assert set(result.summary_by("arm")["arm"]) >= {"EI", "PSO", "design"}
    assert result.summary_by("drive")["trials"].sum() == 30
    with pytest.raises(InputError, match="by must be one of model, arm"):
        result.summary_by("color")


def test_dir_lists_what_a_result_has_and_a_notebook_shows_the_best(tmp_path):
    result = hyperdrive(lambda p: p["<x>"], {"<x>": (0.0, 1.0)}, tmp_path, model="RAND", n_calls=12)
    assert {"x", "fun", "trials", "table", "top", "subspaces", "summary_by", "best_trial", "to_skopt"} <= set(dir(result))
    page = result._repr_html_()
    assert page.count("<tr") == 1 + 10
    assert "&lt;x&gt;" in page
    assert "<x>" not in page
    assert f"{result.fun:.6g}" in page
    empty = Result([], result.search_space, result.goals, result.partition)
    assert "no trial has ended well" in empty._repr_html_()


def test_the_repr_of_a_trial_leaves_out_what_models_and_curves_fill():
    trial = Trial(drive=0, iteration=1, x=(0.5,), model={"surrogate": [1.0] * 100}, reports=((1, 0.5),) * 100)
    assert len(repr(trial)) < 400
    assert "x=(0.5,)" in repr(trial)


def test_the_folder_of_a_trial(tmp_path):
    def objective(parameters, trial):
        if parameters[0] < 0.5:
            (trial.folder / "note.txt").write_text(trial.id)
        return parameters[0]

    result = hyperdrive(objective, [(0.0, 1.0)], tmp_path / "study", model="RAND", n_calls=12, x0=[[0.75]], y0=[0.75])
    for found in (result, load_results(tmp_path / "study")):
        assert (found.folder() / "note.txt").read_text() == found.best_trial.id
        for trial in found.all_trials:
            folder = found.folder(trial)
            assert (folder is None) == (trial.x[0] >= 0.5)
            assert folder == found.folder(trial.id)
            assert folder is None or (folder / "note.txt").read_text() == trial.id
        with pytest.raises(InputError, match=r'takes a trial of all_trials or its id, such as "0-12"; got 12'):
            found.folder(12)
    assert result.subspaces[0].folder() == result.folder()
    loose = hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, checkpoints=False, model="RAND", n_calls=2)
    assert loose.folder() is None


def test_names_of_other_libraries_are_told_ours(tmp_path):
    result = hyperdrive(lambda x: x[0], [(0.0, 1.0)], None, checkpoints=False, model="RAND", n_calls=2)
    with pytest.raises(AttributeError, match=r"Result has no attribute 'best_params'; did you mean parameters\?"):
        _ = result.best_params
    with pytest.raises(AttributeError, match=r"Result has no attribute 'nothing'$"):
        _ = result.nothing
    assert not hasattr(result, "best_value")
    assert result.nfev == 2
    with pytest.raises(TypeError, match=r"Result\.top has no argument 'k'; its arguments are n"):
        result.top(k=3)


@pytest.mark.parametrize(
    ("keys", "columns"),
    [
        ([(0, 0), (0, 1)], ["generation"]),
        ([(0, 0), (1, 0)], ["job"]),
        ([(0, 0), (1, 0), (0, 1)], ["generation", "job"]),
        ([(0, 0), (-1, 0), (-1, 1)], []),  # given trials are in neither
        ([], []),
    ],
)
def test_generation_and_job_are_shown_where_they_tell_trials_apart(keys, columns):
    trials = [
        Trial(
            drive=drive, iteration=i, x=(0.5,), status="ok", metrics={"objective": 1.0}, origin="given" if drive < 0 else "asked"
        )
        for drive, i in keys
    ]
    space = check_space({"x": (0.0, 1.0)})
    table = Result(trials, space, Metrics(), Partition(space, 1)).table()
    assert list(table.columns) == [*columns, "x", *(["objective"] if keys else []), "seconds", "status"]
    assert len(table) == sum(drive >= 0 for drive, _ in keys)

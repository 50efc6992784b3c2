import numpy as np
import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.cli.printing import show_best
from hyperspace.report.document import render_report

SPACE = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}


def truth(parameters):
    return parameters["x"] ** 2 + (parameters["y"] - 0.3) ** 2


def run(path, noise, n_calls=60, sign=1.0, **options):
    rng = np.random.default_rng(7)
    return hyperdrive(
        lambda p: sign * (truth(p) + noise * rng.standard_normal()),
        SPACE, path, model="RAND", n_calls=n_calls, verbose="silent", **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    path = tmp_path_factory.mktemp("noisy") / "study"
    return run(path, noise=0.3), path


def test_the_luckiest_value_is_replaced_by_the_expected_one(noisy):
    result, _ = noisy
    found = result.recommended
    assert result.fun < -0.2  # below the minimum 0
    assert abs(found.value - truth(found.parameters)) < 0.5 * abs(result.fun - truth(result.parameters))
    assert truth(found.parameters) <= truth(result.parameters)
    assert found.noise == pytest.approx(0.3, rel=0.3)
    assert 0 < found.std < found.noise
    assert found.x == [found.parameters["x"], found.parameters["y"]]
    assert found.trial in result.all_trials


def test_it_is_the_same_from_disk_and_for_a_maximum(noisy, tmp_path):
    result, path = noisy
    assert load_results(path).recommended == result.recommended
    largest = run(tmp_path / "largest", noise=0.3, sign=-1.0, maximize=True)
    assert largest.recommended.trial.x == result.recommended.trial.x
    assert largest.recommended.value == pytest.approx(-result.recommended.value)
    assert largest.recommended.noise == pytest.approx(result.recommended.noise)


def test_without_noise_it_is_the_best_trial(tmp_path):
    result = run(tmp_path / "exact", noise=0.0)
    found = result.recommended
    assert (found.trial, found.parameters, found.value) == (result.best_trial, result.parameters, result.fun)
    assert (found.std, found.noise) == (0.0, 0.0)


def test_with_few_trials_it_is_the_best_one_and_without_any_none(tmp_path):
    result = run(tmp_path / "few", noise=0.3, n_calls=2)
    assert result.recommended.trial == result.best_trial
    limited = hyperdrive(
        lambda p: {"loss": truth(p), "size": 2.0}, SPACE, tmp_path / "none", model="RAND", n_calls=5, verbose="silent",
        metrics=[Metric("loss"), Metric("size", goal="constrain", upper=1.0)],
    )  # fmt: skip
    assert limited.recommended is None


def test_it_is_feasible(tmp_path):
    rng = np.random.default_rng(7)
    result = hyperdrive(
        lambda p: {"loss": truth(p) + 0.3 * rng.standard_normal(), "x": p["x"]},
        SPACE, tmp_path / "limited", model="RAND", n_calls=60, verbose="silent",
        metrics=[Metric("loss"), Metric("x", goal="constrain", lower=0.3)],
    )  # fmt: skip
    assert result.recommended.noise > 0
    assert result.recommended.parameters["x"] >= 0.3


def test_it_is_shown_where_the_model_has_found_noise(noisy, tmp_path, capsys):
    result, path = noisy
    show_best(result)
    shown = capsys.readouterr().out
    assert "By the model, evaluations of one point differ by" in shown
    identity = result.recommended.trial.id
    assert f"trial {identity} is the best by its expected value:" in shown or "is also the best by its expected value" in shown
    assert "By the model, evaluations of one point differ by" in render_report(path)
    show_best(run(tmp_path / "exact", noise=0.0))
    assert "differ by" not in capsys.readouterr().out

"""The sections with pictures: progress, subspaces, parameters, surrogate and time."""

import numpy as np
import pytest
from pages import evidence_of, rows, words

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.report import tables
from hyperspace.report.html import tag
from hyperspace.report.optimum import optimum
from hyperspace.report.sections import parameters, progress, subspaces, surrogate, timeline


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """A study with a limit, and what sections of its report say: half of the trials break it."""
    path = tmp_path_factory.mktemp("limited") / "study"
    metrics = [Metric("score", goal="maximize"), Metric("weight", goal="constrain", lower=-1, upper=0.5)]
    hyperdrive(lambda x: {"score": x[0], "weight": x[0]}, [(0.0, 1.0)], path, model="RAND", n_calls=12, metrics=metrics)
    evidence = evidence_of(path)
    sections = {"optimum": optimum, "progress": progress, "trials": tables.trials, "settings": tables.settings}
    return path, {name: words(section(evidence)) for name, section in sections.items()}


def test_the_limit_stands_beside_the_optimum_and_infeasible_trials_are_counted(limited):
    path, text = limited
    result = load_results(path)
    broken = int((result.trials["weight"] > 0.5).sum())
    assert 0 < broken < 12
    assert "score, the largest value that keeps the limits" in text["optimum"]
    assert "limit: -1 to 0.5" in text["optimum"]
    assert "broken" not in text["optimum"]
    assert f"{broken}infeasible" in text["progress"]
    assert text["trials"].count("infeasible") == broken + 1  # and in the caption
    assert "weight: limit: -1 to 0.5" in text["settings"]


def test_a_surrogate_that_predicts_nothing_is_said_to(tmp_path, captions):
    noise = np.random.default_rng(1).normal(size=40).tolist()
    hyperdrive(lambda x: noise.pop(), [(0.0, 1.0)] * 3, tmp_path / "noise", n_calls=30, model="RAND")
    hyperdrive(lambda x: x[0] ** 2 + x[1], [(0.0, 1.0)] * 3, tmp_path / "smooth", n_calls=30, model="RAND")
    told = "The surrogate predicts these trials no better than chance"
    assert told in words(parameters(evidence_of(tmp_path / "noise", modeled=True)))
    assert told not in words(parameters(evidence_of(tmp_path / "smooth", modeled=True)))


@pytest.fixture
def captions(monkeypatch):
    """Pictures become their captions, which costs no drawing; the calls so far."""
    calls = []

    def caption(name, label, draw, *size, **options):
        calls.append(name)
        return tag("figcaption", label)

    monkeypatch.setattr("hyperspace.report.sections.picture", caption)
    return calls


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A study of four subspaces, some of whose trials fail."""

    def objective(parameters):
        if parameters["n"] == 3:
            raise ValueError
        return parameters["x"] + parameters["n"]

    path = tmp_path_factory.mktemp("plain") / "study"
    space = {"x": (0.0, 1.0), "n": (1, 6), "kind": ["a", "b"]}
    hyperdrive(objective, space, path, model="RAND", n_calls=40, n_subspaces=4, n_drives=8, random_state=1)
    return evidence_of(path, modeled=True)


def test_progress_counts_what_there_is(plain, captions):
    text = words(progress(plain))
    failed = sum(trial.failed for trial in plain.result.all_trials)
    assert text.startswith(f"40 of 40trials{failed}failed0:00:0")
    assert "pruned" not in text
    assert "infeasible" not in text
    assert "A thin line is the best of the drives whose home is one subspace" in text
    assert captions == ["convergence"]


def test_progress_without_a_trial_has_no_picture(tmp_path, captions):
    class Killed(KeyboardInterrupt):
        pass

    def dies(x):
        raise Killed

    with pytest.raises(Killed):
        hyperdrive(dies, [(0.0, 1.0)], tmp_path, n_calls=1)
    evidence = evidence_of(tmp_path)
    assert words(progress(evidence)).startswith("0 of 1trial0failed")
    assert words(subspaces(evidence)) == words(timeline(evidence)) == "No trial has ended so far."
    assert (
        words(surrogate(evidence))
        == words(parameters(evidence))
        == ("A model of the objective needs at least 3 trials that ended well.")
    )
    assert captions == []


def test_subspaces_have_a_row_each_with_the_halves_and_the_counts_of_their_drives(plain, captions):
    heads, *shown = rows(subspaces(plain))
    assert heads == ["subspace", "x", "n", "drives", "trials", "failed", "best"]
    assert [row[0].removesuffix(" ★") for row in shown] == ["0", "1", "2", "3"]
    assert shown[0][1:4] == ["0 to 0.625", "1 to 4", "2"]
    assert shown[3][1:4] == ["0.375 to 1", "3 to 6", "2"]
    assert [sum(int(row[j]) for row in shown) for j in (4, 5)] == [40, sum(t.failed for t in plain.result.all_trials)]
    assert min(float(row[6]) for row in shown) == pytest.approx(plain.result.fun, rel=1e-5)
    holding = plain.result.partition.holding(plain.result.search_space.to_unit([plain.result.x])[0])[0]
    assert [i for i, row in enumerate(shown) if row[0].endswith("★")] == list(holding)
    # Three parameters: two pairs of neighbors by importance, with parallel coordinates beside them.
    assert captions[-1] == "parallel"
    assert len(captions) == 3


def test_many_subspaces_are_cut_and_the_page_says_so(plain, captions, monkeypatch):
    monkeypatch.setattr("hyperspace.report.sections._MOST_SUBSPACES", 2)
    content = subspaces(plain)
    assert len(rows(content)) == 3
    assert "The first 2 of 4." in words(content)


def test_a_space_that_is_not_split_needs_no_table(limited, captions):
    content = subspaces(evidence_of(limited[0]))
    assert "The search space is not split: there is one subspace." in words(content)
    assert "<table" not in content


def test_the_most_important_parameters_have_a_dependence_each(plain, captions, monkeypatch):
    assert "most important of" not in words(parameters(plain))
    assert sorted(captions) == ["dependence-0", "dependence-1", "dependence-2", "importance"]
    captions.clear()
    monkeypatch.setattr("hyperspace.report.sections._MOST_DEPENDENCES", 1)
    assert "The 1 most important of 3 parameters are drawn." in words(parameters(plain))
    assert sorted(captions) == [f"dependence-{plain.by_importance[0]}", "importance"]


def test_the_surrogates_calibration_is_told_for_all_and_by_subspace(plain, captions):
    heads, whole, *parts = rows(surrogate(plain))
    assert heads[:2] == ["subspace", "trials in its box"]
    assert whole[:2] == ["all", str(len(plain.predictions))]
    assert [row[0] for row in parts] == ["0", "1", "2", "3"]
    assert sum(int(row[1]) for row in parts) >= len(plain.predictions)  # the boxes overlap
    half, most = plain.predictions.coverage(np.array([0.5, 0.95]))
    assert whole[4:] == [f"{half:.0%}", f"{most:.0%}"]
    assert captions == ["predictions", "calibration"]

"""The first section of the report on a study with several goals."""

import pytest
from pages import evidence_of, rows, words

from hyperspace import Metric, random_search
from hyperspace.report import front as module
from hyperspace.report.front import front

METRICS = [Metric("cost"), Metric("gain <i>", goal="maximize"), Metric("mass", goal="constrain", upper=0.8)]
SPACE = {"a": (0.0, 1.0), "b": (0.0, 1.0)}


def objective(parameters):
    a, b = parameters["a"], parameters["b"]
    return {"cost": a + b, "gain <i>": a * a, "mass": b, "curve": [1.0, 2.0]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("front") / "study"
    random_search(objective, SPACE, path, n_calls=24, metrics=METRICS)
    return evidence_of(path)


@pytest.fixture(scope="module")
def page(study):
    return front(study)


def test_it_has_the_size_of_the_front_and_its_hypervolume(study, page):
    text = words(page)
    assert f"{len(study.result.front)}trials on the front" in text
    assert f"{study.result.hypervolume:.6g}hypervolume" in text
    assert "at least as good in all of cost, gain <i>" in text
    for name, value in study.result.reference.items():
        assert f"{name} {value:.6g}" in text


def test_the_trials_of_the_front_are_rows_by_the_first_goal(study, page):
    heads, *trials = rows(page)
    assert heads == ["trial", "cost", "gain <i>", "mass", "curve", "a", "b"]
    assert [row[0] for row in trials] == [trial.id for trial in study.result.front_trials]
    costs = [float(row[1]) for row in trials]
    assert costs == sorted(costs)
    assert all(float(row[3]) <= 0.8 for row in trials)
    assert "The first" not in words(page).partition("a trial’s number is")[2].partition("trial cost")[0]


def test_two_goals_have_one_picture_and_three_have_three(page, tmp_path, monkeypatch):
    assert page.count("<figure") == 1
    drawn = []
    monkeypatch.setattr(module, "picture", lambda name, *rest, **more: drawn.append(name) or "")
    goals = [Metric(name) for name in "abcde"]
    for n in (3, 5):
        names = "abcde"[:n]
        random_search(
            lambda p, names=names: {name: (p["a"] - i / 5) ** 2 for i, name in enumerate(names)},
            SPACE,
            tmp_path / str(n),
            n_calls=4,
            metrics=goals[:n],
        )
        drawn.clear()
        front(evidence_of(tmp_path / str(n)))
        first = ["front-0-1", "front-0-2", "front-1-2"]
        assert drawn == (first if n == 3 else [*first, "front-0-3", "front-1-3", "front-2-3"])


def test_a_long_front_is_cut_and_the_page_says_so(study, monkeypatch):
    monkeypatch.setattr(module, "_MOST_TRIALS", 2)
    monkeypatch.setattr(module, "_MOST_PARAMETERS", 1)
    monkeypatch.setattr(module, "picture", lambda *rest, **more: "")
    page = front(study)
    assert f"The first 2 of {len(study.result.front)}." in words(page)
    heads, *trials = rows(page)
    assert len(trials) == 2
    assert heads[-1] == "a"


def test_names_are_text_and_no_markup(page):
    assert "gain &lt;i&gt;" in page
    assert "gain <i>" not in page

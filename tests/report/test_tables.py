"""The tables of the report: who found what, the trials, the failures and the settings."""

import re

import pytest
from pages import evidence_of, rows, words

from hyperspace import Categorical, Integer, Metric, Real, hyperdrive, load_results
from hyperspace.pruning import MedianRule
from hyperspace.report import tables


def test_trials_are_rows_best_first_with_values_to_sort_by(study, page):
    result = load_results(study)
    trials = page[page.index('<section id="trials">') : page.index('<section id="failures">')]
    rows = re.findall(r"<tr data-note.*?</tr>", trials, flags=re.DOTALL)
    assert len(rows) == len(result.trials)
    values = [re.findall(r'data-value="([^"]*)"', row) for row in rows]
    assert values[0][2] == repr(result.fun)
    assert "ok" in rows[0]
    assert ">failed<" in rows[-1]


def test_failures_of_one_kind_are_told_once_whatever_the_numbers(study, page):
    result = load_results(study)
    failed = int((result.trials["status"] == "failed").sum())
    assert failed > 1
    failures = page[page.index('<section id="failures">') : page.index('<section id="settings">')]
    assert failures.count("<details>") == 1
    assert f"{failed} × failed" in failures


def test_many_trials_are_cut_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.report.tables._MOST_TRIALS", 5)
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, model="RAND", n_calls=8)
    table = tables.trials(evidence_of(tmp_path))
    assert table.count("<tr data-note") == 5
    assert "best 5 of 8" in table


def test_a_metric_may_have_the_name_of_a_column(tmp_path):
    def timed(parameters):
        return {"loss": parameters["rank"], "seconds": 7.0}

    result = hyperdrive(timed, {"rank": (0.0, 1.0)}, tmp_path, model="RAND", n_calls=6)
    table = tables.trials(evidence_of(tmp_path))
    assert set(result.trials["metric.seconds"]) == {7.0}
    assert (result.trials["seconds"] < 7.0).all()
    for head in ("metric.seconds", "seconds", "parameter.rank", "rank"):
        assert table.count(f">{head}</button>") == 1


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A study in which trials fail, are pruned, and break a limit; its evidence."""

    def objective(parameters, trial):
        x = parameters["x"]
        if x > 0.8:
            raise ValueError(f"too large: {x}" if x > 0.9 else "wheel")
        for step in range(1, 4):
            trial.report(step, {"loss": x + step, "size": x})
        return {"loss": x, "size": x}

    path = tmp_path_factory.mktemp("mixed") / "study"
    metrics = [Metric("loss"), Metric("size", goal="constrain", lower=0.2)]
    options = {"metrics": metrics, "pruner": MedianRule(min_trials=3), "random_state": 3}
    hyperdrive(objective, {"x": (0.0, 1.0), "epochs": 20}, path, model="RAND", n_calls=40, n_drives=4, **options)
    return evidence_of(path)


def count(evidence, status):
    return sum(trial.status == status for trial in evidence.result.all_trials)


def test_the_finders_have_a_column_for_each_outcome_that_there_is(mixed, tmp_path):
    content = tables.finders(mixed)
    heads, *groups = rows(content)
    assert heads[:6] == ["rule (arm)", "trials", "failed", "pruned", "infeasible", "best"]
    assert [sum(int(row[j]) for row in groups) for j in (1, 2, 3)] == [40, count(mixed, "failed"), count(mixed, "pruned")]
    assert content.count("<table") == 1  # one model, one rank
    assert words(content).startswith("All drives use the model RAND.")
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, model=["RAND", "GP"], n_drives=2, n_calls=6)
    content = tables.finders(evidence_of(tmp_path))
    assert "The drives use 2 models in turn." in words(content)
    assert {row[0] for row in rows(content)[1:]} == {"RAND", "GP"}
    assert rows(content)[0] == ["model", "trials", "failed", "best", "new bests", "share of the gain", "seconds of evaluation"]


def test_trials_that_broke_a_limit_say_so_instead_of_ok(mixed):
    content = tables.trials(mixed)
    heads, *shown = rows(content)
    assert heads == ["drive", "iteration", "status", "loss", "size", "x", "seconds", "arm", "rank"]
    status = [row[2] for row in shown]
    infeasible = sum(trial.metrics["size"] < 0.2 for trial in mixed.result.all_trials if trial.status == "ok")
    assert infeasible > 0
    assert status.count("infeasible") == infeasible
    well = count(mixed, "ok") - infeasible
    assert status[: well + infeasible] == ["ok"] * well + ["infeasible"] * infeasible
    assert "An infeasible trial ended well and broke a limit." in words(content)


def test_a_row_tells_more_when_it_is_pointed_at(mixed):
    best = mixed.result.best_trial
    note = re.search(r'data-note="([^"]*)"', tables.trials(mixed)).group(1)
    head = f"drive {best.drive}, iteration {best.iteration}\n\nx = {best.x[0]!r}\n\nloss = {best.metrics['loss']!r}\n"
    assert note.startswith(head)
    assert f"rank {best.rank} of {best.host}" in note
    assert "ValueError: wheel" in tables.trials(mixed)


def test_of_many_parameters_the_most_important_are_columns(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.report.tables._MOST_PARAMETERS", 2)
    hyperdrive(lambda x: 5 * x[3] + x[1], [(0.0, 1.0)] * 4, tmp_path, model="RAND", n_calls=12, x0=[[0.5] * 4], y0=[9.0])
    content = tables.trials(evidence_of(tmp_path, modeled=True))
    assert rows(content)[0] == ["drive", "iteration", "status", "objective", "x1", "x3", "seconds", "arm", "rank"]
    assert "Shown are the 2 most important of 4 parameters." in words(content)
    (given,) = [row for row in rows(content) if row[0] == "given"]
    assert given[:6] == ["given", "0", "ok", "9", "0.5", "0.5"]
    assert "given with the study" in content


def test_failures_are_grouped_and_pruned_trials_are_none(mixed, tmp_path, monkeypatch):
    content = tables.failures(mixed)
    headings = re.findall(r"<summary><b>(.*?)</b>(.*?)</summary>", content)
    assert {text.strip().partition(": ")[2][:5] for _, text in headings} == {"wheel", "too l"}
    assert sum(int(number.split()[0]) for number, _ in headings) == count(mixed, "failed")
    assert "pruned" not in words(content)
    monkeypatch.setattr("hyperspace.report.tables._MOST_FAILURES", 1)
    assert "and 1 other messages" in words(tables.failures(mixed))
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, model="RAND", n_calls=2)
    assert words(tables.failures(evidence_of(tmp_path))) == "No evaluation has failed."


def test_the_settings_have_the_goals_the_space_and_the_versions(mixed):
    content = tables.settings(mixed)
    text = words(content)
    assert "goal" in text
    assert "loss: minimize; size: limit: at least 0.2" in text
    assert rows(content, 1) == [["x", "real, 0.0 to 1.0"], ["epochs", "constant 20"]]
    assert dict(rows(content))["evaluations planned"] == "40"
    assert {"hyperspace", "numpy"} <= dict(rows(content, 2)).keys()


@pytest.mark.parametrize(
    ("dimension", "told"),
    [
        (Categorical(["a", 1]), "one of 'a', 1"),
        (Integer(1, 64, prior="log-uniform"), "integer, 1 to 64, on a logarithmic scale"),
        (Real(-1.0, 0.5), "real, -1.0 to 0.5"),
    ],
)
def test_dimensions_are_told_in_words(dimension, told):
    assert tables.in_words(dimension) == told

"""The report: one file, all of the study in it, and nothing in a study can become a part of the page's own code."""

import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from hyperspace import Metric, hyperdrive, load_results
from hyperspace.errors import InputError, StudyError
from hyperspace.report import render_report, write_report
from hyperspace.report.html import Cell, Html, escape, limits, metric, pairs, table, tag

EVIL = "<script>alert(1)</script>\"'&\x00\x1b[31m$x$"
SPACE = {"rate": (1e-3, 1.0, "log-uniform"), "units": (1, 6), "kind": ["plain", EVIL], "</style><b>": (0.0, 1.0)}


def hostile(p):
    if p["units"] == 5:
        raise RuntimeError(f"units are five at {p['rate']:.3f} {EVIL}")
    return {"score <i>": p["rate"] + p["units"] / 7, "cost": 1.0, "curve": [1.0, 2.0]}


hostile.__qualname__ = f"hostile {EVIL}"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "study <u>"
    metrics = [Metric("score <i>", goal="maximize"), Metric("cost", goal="constrain", upper=2.0)]
    options = {"model": ["RAND", "GP"], "strategy": "static", "n_subspaces": 4, "n_iterations": 10, "metrics": metrics}
    hyperdrive(hostile, SPACE, path, **options)
    return path


@pytest.fixture(scope="module")
def page(study):
    return render_report(study)


class Reader(HTMLParser):
    """Collects the page's text, the tags and attributes, by the section that they are in."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.section, self._raw = [], {}, "", 0
        self.feed(page)
        self.close()

    def handle_starttag(self, name, attributes):
        self.tags.append((name, dict(attributes)))
        if name == "section":
            self.section = dict(attributes)["id"]
        self._raw += name in ("script", "style")

    def handle_endtag(self, name):
        self._raw -= name in ("script", "style")

    def handle_data(self, data):
        if not self._raw:
            self.text[self.section] = self.text.get(self.section, "") + data


def test_the_page_has_one_script_of_its_own_and_nothing_from_a_study(page):
    read = Reader(page)
    names = [name for name, _ in read.tags]
    assert names.count("script") == 1
    assert names.count("style") >= 1
    assert not {"b", "u", "i"} & {name for name, _ in read.tags if name in ("u", "i")}
    assert "<script>alert" not in page
    assert "\x00" not in page
    assert "\x1b" not in page
    assert not any(key.startswith("on") for _, attributes in read.tags for key in attributes)


def test_it_needs_no_network(page):
    read = Reader(page)
    addresses = [v for _, attributes in read.tags for k, v in attributes.items() if k in ("src", "href", "xlink:href")]
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    assert "url(http" not in page
    assert "@import" not in page


def test_all_of_the_study_is_in_it(study, page):
    result = load_results(study)
    text = Reader(page).text
    shown = "".join(c if c.isprintable() else "�" for c in EVIL)
    assert f"{result.fun:.6g}" in text["optimum"]
    assert shown in text[""]  # the objective's name
    assert shown in text["trials"]
    assert all(word in text["finders"] for word in ("RAND", "GP", "By model", "By rule (arm)"))
    assert "score <i>" in text["trials"]
    assert "RuntimeError: units are five at" in text["failures"]
    assert shown in text["failures"]
    assert "Traceback" in text["failures"]
    assert all(word in text["settings"] for word in ("static", "numpy", "n_drives"))
    assert page.count("<figure>") >= 12
    names = [name for name, _ in Reader(page).tags]
    assert names.count("svg") >= 12


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


def test_pictures_do_not_share_names(page):
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    for used in re.findall(r"url\(#([^)]+)\)", page):
        assert used in names


def test_pictures_take_the_pages_colors(page):
    assert "currentColor" in page
    assert "#0a0b0d" not in page
    assert "#fdfbfa" not in page


def test_a_study_without_a_value_has_a_report_too(tmp_path):
    class Killed(KeyboardInterrupt):
        pass

    def dies(x):
        if x[0] >= 0:
            raise Killed

    with pytest.raises(Killed):
        hyperdrive(dies, [(0.0, 1.0)], tmp_path, n_calls=4)
    text = Reader(render_report(tmp_path)).text
    assert "No trial has ended so far" in text["optimum"]
    assert all("No trial has ended so far" in text[part] for part in ("subspaces", "finders", "time", "trials"))
    assert "needs at least 3 trials" in text["surrogate"]
    assert "0 of 4" in text["progress"]


def test_one_dimension_and_a_constant_are_enough(tmp_path):
    hyperdrive(lambda x: 1.0, [(1, 3)], tmp_path, model="RAND", n_calls=8)
    assert "finished" in Reader(render_report(tmp_path)).text[""]


def test_many_trials_are_cut_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.report.tables._MOST_TRIALS", 5)
    hyperdrive(lambda x: x[0], [(0.0, 1.0)], tmp_path, model="RAND", n_calls=8)
    page = render_report(tmp_path)
    assert page.count("<tr data-note") == 5
    assert "best 5 of 8" in page


def test_writing_where_it_cannot_be_written_is_an_error(study, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_report(study, tmp_path / "no" / "report.html")
    with pytest.raises(StudyError, match="holds no study"):
        write_report(tmp_path, tmp_path / "report.html")


def test_the_command_writes_it(command, study, tmp_path):
    code, out, err = command("report", study, "--output", tmp_path / "r.html")
    assert (code, out.strip(), err) == (0, str(tmp_path / "r.html"), "")
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_text_becomes_text_and_only_html_stays():
    assert escape(EVIL) == html.escape(EVIL.replace("\x00", "�").replace("\x1b", "�"), quote=True)
    assert tag("p", EVIL, Html("<b>ok</b>"), title=EVIL).count("<script") == 0
    assert tag("p", Html("<b>ok</b>")) == "<p><b>ok</b></p>"
    assert "<script" not in pairs([(EVIL, EVIL)]) + table(EVIL, [EVIL], [[EVIL]], [EVIL])


def test_cells_know_how_they_are_sorted():
    assert Cell(0.1234567891).html() == '<td class="number" data-value="0.1234567891">0.123457</td>'
    assert Cell(float("nan")).html() == "<td></td>"
    assert metric(float("nan")).html(right=True) == '<td class="number">nan</td>'
    assert Cell(True).html() == "<td>True</td>"
    assert json.loads(re.search(r'data-value="([^"]+)"', Cell(1e300).html()).group(1)) == 1e300


def test_a_metric_may_have_the_name_of_a_column(tmp_path):
    def timed(parameters):
        return {"loss": parameters["rank"], "seconds": 7.0}

    result = hyperdrive(timed, {"rank": (0.0, 1.0)}, tmp_path, model="RAND", n_calls=6)
    page = render_report(tmp_path)
    table = page[page.index('id="trials"') : page.index('id="failures"')]
    assert set(result.trials["metric.seconds"]) == {7.0}
    assert (result.trials["seconds"] < 7.0).all()
    for head in ("metric.seconds", "seconds", "parameter.rank", "rank"):
        assert table.count(f">{head}</button>") == 1


def test_the_report_says_in_which_box_the_optimum_lies(tmp_path):
    result = hyperdrive(lambda x: (x[0] - 0.05) ** 2 + x[1], [(0.0, 1.0), (0.0, 1.0)], tmp_path, n_subspaces=2, n_calls=16)
    (box,), count = result.partition.holding(result.search_space.to_unit([result.x])[0])
    assert (box, count) == (0, 1)
    page = render_report(tmp_path)
    assert "The point lies in the box of subspace 0." in page
    assert "0 ★" in page
    assert "1 ★" not in page
    assert ("home is subspace 1: a drive may also evaluate points outside its home" in page) == (result.best_trial.subspace == 1)


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """A study with a limit, and what its report says: half of the trials break it."""
    path = tmp_path_factory.mktemp("limited") / "study"
    metrics = [Metric("score", goal="maximize"), Metric("weight", goal="constrain", lower=-1, upper=0.5)]
    hyperdrive(lambda x: {"score": x[0], "weight": x[0]}, [(0.0, 1.0)], path, model="RAND", n_calls=12, metrics=metrics)
    return path, Reader(render_report(path)).text


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


def test_status_counts_infeasible_trials(command, limited):
    broken = int((load_results(limited[0]).trials["weight"] > 0.5).sum())
    out = command("status", limited[0])[1]
    assert f"{broken} infeasible ({broken / 12:.0%})" in out


def test_where_no_trial_is_feasible_the_closest_one_is_shown(tmp_path):
    metrics = [Metric("cost"), Metric("weight", goal="constrain", upper=-1)]
    hyperdrive(lambda x: {"cost": 1.0, "weight": x[0]}, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=4, metrics=metrics)
    text = Reader(render_report(tmp_path)).text
    least = load_results(tmp_path).trials["weight"].min()
    assert "No trial has kept the constraints so far" in text["optimum"]
    assert f"{least:.6g}" in text["optimum"]
    assert "limit: at most -1, broken" in text["optimum"]


def test_a_study_of_failures_only_says_so_and_points_at_them(tmp_path):
    def fails(x):
        raise ValueError(f"no convergence at {x[0]}")

    with pytest.raises(StudyError):
        hyperdrive(fails, [(0.0, 1.0)], tmp_path, model="RAND", n_calls=4)
    page = render_report(tmp_path)
    text = Reader(page).text
    assert "All 4 trials that ended have failed; see Failures." in text["optimum"]
    assert '<a href="#failures">Failures</a>' in page[page.index('id="optimum"') :]
    assert "4 × failed" in text["failures"]


def test_limits_are_told_in_words():
    assert limits(Metric("m", goal="constrain", upper=100)) == "limit: at most 100"
    assert limits(Metric("m", goal="constrain", lower=0.5)) == "limit: at least 0.5"
    assert limits(Metric("m", goal="constrain", lower=0, upper=1)) == "limit: 0 to 1"


def test_a_surrogate_that_predicts_nothing_is_said_to(tmp_path):
    noise = np.random.default_rng(1).normal(size=40).tolist()
    hyperdrive(lambda x: noise.pop(), [(0.0, 1.0)] * 3, tmp_path / "noise", n_calls=30, model="RAND")
    hyperdrive(lambda x: x[0] ** 2 + x[1], [(0.0, 1.0)] * 3, tmp_path / "smooth", n_calls=30, model="RAND")
    told = "The surrogate predicts these trials no better than chance"
    assert told in render_report(tmp_path / "noise")
    assert told not in render_report(tmp_path / "smooth")

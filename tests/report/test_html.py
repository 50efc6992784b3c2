"""HTML: any value but HTML is escaped, and cells know how they are shown and sorted."""

import html
import json
import re

import pytest
from pages import EVIL

from hyperspace import Metric
from hyperspace.report.html import (
    Cell,
    Html,
    escape,
    limits,
    metric,
    moment,
    numbers,
    pairs,
    percent,
    section,
    table,
    tag,
    together,
)


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


def test_limits_are_told_in_words():
    assert limits(Metric("m", goal="constrain", upper=100)) == "limit: at most 100"
    assert limits(Metric("m", goal="constrain", lower=0.5)) == "limit: at least 0.5"
    assert limits(Metric("m", goal="constrain", lower=0, upper=1)) == "limit: 0 to 1"


def test_line_breaks_and_tabs_stay():
    assert escape("a\n\tb\r\x7f") == "a\n\tb��"
    assert escape(7) == "7"


def test_an_element_has_the_attributes_that_are_given():
    assert tag("p", "x", class_="quiet", data_note=None, tabindex=0) == '<p class="quiet" tabindex="0">x</p>'
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert tag("p", None, "a", None) == "<p>a</p>"
    assert isinstance(tag("p"), Html)


def test_what_is_put_together_stays_escaped():
    assert together(tag("b", "<"), "<") == "<b>&lt;</b>&lt;"
    assert type(tag("b") + tag("i")) is str  # no longer HTML, so that it is escaped


@pytest.mark.parametrize(
    ("cell", "shown", "numeric"),
    [
        (Cell(None), "", False),
        (Cell(2**70), str(2**70), True),
        (Cell(False), "False", False),
        (Cell("1.5"), "1.5", False),
        (Cell(0.5, "half"), "half", True),
        (Cell(float("nan")), "", False),
        (percent(0.256), "26%", True),
        (percent(float("nan")), "", False),
    ],
)
def test_what_a_cell_shows_and_whether_it_is_a_number(cell, shown, numeric):
    assert (str(cell.shown), cell.numeric) == (shown, numeric)
    assert ("data-value" in cell.html()) == numeric


def test_a_column_with_a_number_is_aligned_as_one():
    content = table("caption", ["name", "value"], [["a", None], ["b", 1.0]])
    assert content.count('class="number"') == 3  # the head, the number, and the empty cell above it
    assert '<p class="caption">caption</p>' in content
    assert "data-note" not in content


def test_long_tables_scroll_and_rows_with_notes_can_be_reached_by_keys():
    for count, tall in ((20, False), (21, True)):
        content = table("caption", ["n"], [[i] for i in range(count)], [f"note {i}" for i in range(count)])
        assert ("tall" in content) == tall
        assert content.count('tabindex="0"') == count
        assert 'data-note="note 7"' in content


def test_pairs_may_have_a_remark():
    assert '<th scope="row">a</th><td>0.333333</td><td class="quiet">low</td>' in pairs([("a", 1 / 3, "low")])
    assert "<td></td>" in pairs([("a", None)])


def test_large_numbers_have_their_names():
    assert numbers((7, "trials")) == '<div class="numbers"><div><strong>7</strong><span>trials</span></div></div>'


def test_several_numbers_of_a_metric_are_counted():
    assert metric((1.0, 2.0)).shown == "2 values"
    assert metric((1.0,)).shown == "1 value"
    assert metric(1.5) == 1.5
    assert metric(None) is None


def test_a_section_can_be_linked_to():
    assert section("a", "A & B", tag("p")) == '<section id="a"><h2>A &amp; B</h2><p></p></section>'


def test_an_unknown_time_is_said_to_be_so():
    assert moment(0.0) == "an unknown time"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment(1.7e9))

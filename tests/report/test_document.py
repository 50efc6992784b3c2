"""The report: one file, all of the study in it, and nothing in a study can become a part of the page's own code."""

import pytest
from pages import EVIL, Reader

from hyperspace import hyperdrive, load_results
from hyperspace.errors import InputError, StudyError
from hyperspace.report import render_report, write_report
from hyperspace.report.document import SECTIONS


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


def test_writing_where_it_cannot_be_written_is_an_error(study, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_report(study, tmp_path / "no" / "report.html")
    with pytest.raises(StudyError, match="holds no study"):
        write_report(tmp_path, tmp_path / "report.html")


def test_the_head_has_the_studys_name_and_links_to_all_sections(study, page):
    read = Reader(page)
    ids = [attributes["id"] for name, attributes in read.tags if name == "section"]
    assert ids == [identity for identity, _, _ in SECTIONS]
    assert [attributes["href"] for name, attributes in read.tags if name == "a"][: len(ids)] == [
        f"#{identity}" for identity in ids
    ]
    assert f"Study {study.name}, finished; as of " in read.text[""]
    (policy,) = [attributes for name, attributes in read.tags if "http-equiv" in attributes]
    assert policy["content"].startswith("default-src 'none'")


def test_an_unwritable_report_keeps_the_old_file(study, tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match="it is a folder; name a file in it"):
        write_report(study, tmp_path / "report.html")
    with pytest.raises(InputError, match="File name too long; name another file"):
        write_report(study, tmp_path / ("n" * 300))

"""Assembly of the report: from a study's folder to one HTML file."""

from __future__ import annotations

import os
import time
from importlib.resources import files
from pathlib import Path

from hyperspace.numerics.floating_point import own_numerics
from hyperspace.report import sections, tables
from hyperspace.report.evidence import Evidence
from hyperspace.report.figures import colors
from hyperspace.report.html import Html, moment, section, tag
from hyperspace.report.optimum import optimum
from hyperspace.results.loading import load_results
from hyperspace.results.monitor import Monitor, Overview
from hyperspace.system.paths import absolute_folder, expanded
from hyperspace.system.whole_file import check_output, write_output

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
SECTIONS = (
    ("optimum", "Optimum", optimum),
    ("progress", "Progress", sections.progress),
    ("subspaces", "Subspaces", sections.subspaces),
    ("finders", "Who found what", tables.finders),
    ("parameters", "Parameters", sections.parameters),
    ("surrogate", "Surrogate", sections.surrogate),
    ("time", "Time", sections.timeline),
    ("trials", "Trials", tables.trials),
    ("failures", "Failures", tables.failures),
    ("settings", "Settings", tables.settings),
)


@own_numerics()
def render_report(results_path: str | os.PathLike[str]) -> str:
    """Return the report on a study, also while it runs: one self-contained HTML page.

    Raises:
        StudyError: no study there, or a damaged file.
    """
    overview = Monitor(results_path).look(time.time())
    name = absolute_folder(results_path).resolve().name
    study = Evidence.of(name, load_results(results_path), overview)
    objective = str(overview.description.fingerprint["objective"]).replace("<locals>.", "")
    parts = [section(identity, title, make(study)) for identity, title, make in SECTIONS]
    links = [tag("a", title, href=f"#{identity}") for identity, title, _ in SECTIONS]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("title", f"{objective} – {name}"),
        tag("style", _own("style.css"), colors()),
    )
    body = tag(
        "body",
        tag("header", tag("h1", objective), tag("p", _standing(name, overview), class_="quiet"), tag("nav", *links)),
        tag("main", *parts),
        tag("script", _own("script.js")),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, body, lang="en") + "\n"


@own_numerics()
def write_report(results_path: str | os.PathLike[str], output: str | os.PathLike[str]) -> Path:
    """Write the report on a study; return the file.

    Raises:
        StudyError: no study there, or a damaged file.
        InputError: the file cannot be written.
    """
    file = expanded(output, "output")
    check_output(file, "the report")
    page = render_report(results_path)
    write_output(file, page.encode("utf-8", "backslashreplace"), "the report")
    return file


def _standing(name: str, overview: Overview) -> str:
    state = "finished" if overview.complete else "not finished" if overview.working is False else "not finished yet"
    return f"Study {name}, {state}; as of {moment(overview.now)}."


def _own(name: str) -> Html:
    """Return a file of this package."""
    return Html(files("hyperspace.report").joinpath(name).read_text(encoding="utf-8"))

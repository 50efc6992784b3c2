"""What the commands print and write of names, categories, errors and numbers of any kind, on any terminal."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from hyperspace import Integer, hyperdrive, load_results
from hyperspace.report import write_report

NAME = "x\x1b]0;title\x07\u202e\udc80"
SPACE = {
    NAME: (0.0, 1.0),
    "big": Integer(10**20, 10**20 + 9),
    "near": Integer(2**53, 2**53 + 5),
    "below": Integer(-(10**19) - 7, -(10**19)),
    "c": ["\x1b[2Jgone", "a\udc80"],
    "layers": [(64,), (64, 64)],
    "kind": [len, np.float64("nan"), 2**70],
}


def objective(p):
    if p[NAME] > 0.7:
        raise ValueError("bad \udc80 \x1b[2J text")
    return {"loss": p["big"] - 10**20 + p["near"] - 2**53 + p[NAME], "m\x1b[2J": 1.0}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "study"
    hyperdrive(objective, SPACE, path, model="RAND", n_calls=12, n_subspaces=1, n_drives=1)
    return path


def hyperspace(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "hyperspace", *map(str, words)], capture_output=True, env=os.environ | environment, timeout=300
    )


TERMINALS = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]


@pytest.mark.parametrize("terminal", TERMINALS, ids=["ascii", "C"])
def test_every_terminal_gets_signs_and_the_exit_code_of_the_state(study, terminal):
    for words, code in [
        (["status", study, "--exit-code"], 0),
        (["best", study], 0),
        (["status", "no\u202e\x1b[2J", "--exit-code"], 2),
    ]:
        done = hyperspace(*words, **terminal)
        assert done.returncode == code, done.stderr
        told = done.stdout + done.stderr
        assert b"\x1b" not in told
        assert b"Traceback" not in told
        assert "\u202e".encode() not in told


def test_every_format_holds_all_trials(study, tmp_path):
    for form in ("csv", "json", "parquet"):
        done = hyperspace("export", study, "--format", form, "-o", tmp_path / f"out.{form}")
        assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    records = json.loads((tmp_path / "out.json").read_text())
    assert len(rows) == len(records) == 12
    assert [int(row["big"]) for row in rows] == [record["big"] for record in records]
    assert all(record["big"] >= 10**20 and record["below"] <= -(10**19) for record in records)
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.read_parquet(tmp_path / "out.parquet")
    assert [int(value) for value in frame["big"]] == [record["big"] for record in records]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_table_can_be_encoded(study):
    frame = load_results(study).trials
    assert "bad \\udc80" in "".join(frame["error"].dropna())
    frame.to_csv().encode()


def test_the_report_and_the_pictures_take_it_all(study, tmp_path):
    page = write_report(study, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert str(10**20) in page

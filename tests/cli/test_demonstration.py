"""`hyperspace demo`: it finds the minimum, and keeps its study where it is told to."""

import pytest

from hyperspace import load_results


def test_demo_finds_the_minimum_and_keeps_the_study_if_told_to(command, tmp_path):
    code, out, err = command("demo", tmp_path / "demo")
    assert code == 0
    assert err == "hyperspace: 128 evaluations planned, by 1 drive, in one process\n"  # of the random search
    words = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    above = float(words["HyperSpace"][-1])
    assert above < float(words["random search"][-1])
    assert load_results(tmp_path / "demo").fun == pytest.approx(-3.322368 + above, abs=0.06)
    assert "hyperspace best" in out


def test_without_a_place_nothing_is_kept(command, tmp_path, monkeypatch):
    monkeypatch.setattr("hyperspace.cli.demonstration._CALLS", 6)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, _ = command("demo")
    assert code == 0
    assert "after 6 evaluations" in out
    assert "true minimum" in out
    assert "The study is kept" not in out
    assert list(tmp_path.iterdir()) == []

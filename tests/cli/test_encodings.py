"""Names outside of ASCII on terminals and in locales that do not know them."""

import subprocess
import sys

import pytest
from launch import clean_environment

SPACE = '"größe" = [0.0, 1.0]\n"模型" = ["κα", "日本"]\n'
COMMAND = "sh -c 'echo {模型}; cat vorlage-ü.txt >&2; echo {größe}'"
PLACES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("place", PLACES)
def test_all_commands_know_names_outside_of_ascii(tmp_path, place):
    (tmp_path / "space.toml").write_text(SPACE, encoding="utf-8")
    (tmp_path / "vorlage-ü.txt").write_text("m={模型}", encoding="utf-8")

    def hyperspace(*words, code=0):
        command = [sys.executable, "-m", "hyperspace", *words]
        done = subprocess.run(command, cwd=tmp_path, env=clean_environment(**PLACES[place]), capture_output=True, timeout=100)
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        return done

    options = ["--template", "vorlage-ü.txt", "--in-folder", "--x0", "größe=0.25,模型=日本", "--results", "größe"]
    hyperspace("run", "--space", "space.toml", "--command", COMMAND, *options, "--n-calls", "3", "--model", "RAND")
    for words in (["status"], ["best"], ["front"], ["failures"], ["export"], ["report"], ["plot"], ["stop"]):
        hyperspace(*words, "größe")
    first = tmp_path / "größe" / "scratch" / "00000-00000"
    assert (first / "stdout.txt").read_text(encoding="utf-8") == "日本\n0.25\n"
    assert (first / "stderr.txt").read_text(encoding="utf-8") == "m=日本"

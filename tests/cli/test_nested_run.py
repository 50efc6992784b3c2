"""`hyperspace run` within another command: where it begins, and its options."""

import pytest

from hyperspace.cli.nested_run import find_run
from hyperspace.errors import InputError


@pytest.mark.parametrize(
    "before",
    [
        ["hyperspace"],
        ["/opt/env/bin/hyperspace"],
        ["python", "-m", "hyperspace"],
        ["srun", "-n", "4", "hyperspace"],
        ["env", "A=hyperspace", "hyperspace"],
    ],
)
def test_a_run_command_is_found_behind_any_launcher(before):
    assert find_run([*before, "run", "sim.py:f", "--results", "here"]).results == "here"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["hyperspace"],
        ["run"],
        ["python", "train.py"],
        ["hyperspace", "best", "run"],
        ["hyperspaces", "run", "sim.py:f"],
        ["hyperspace", "run", "-h"],
        ["hyperspace", "run", "sim.py:f", "--help"],
    ],
)
def test_other_commands_are_none(words):
    assert find_run(words) is None


def test_the_defaults_are_those_of_the_command():
    found = find_run(["hyperspace", "run", "sim.py:f"])
    assert (found.results, found.through_files, found.workers, found.restart) == ("results", False, 1, False)
    assert {"--results", "--n-calls", "--restart", "--no-restart", "--template"} <= found.options
    assert "--ranks" not in found.options  # an option of hyperspace slurm


@pytest.mark.parametrize(
    ("words", "shared"),
    [
        (["--exchange", "files"], True),
        (["--exchange=async"], False),
        (["--workers", "3"], True),
        (["--workers", "3", "--restart"], True),
        (["--workers", "1"], False),
    ],
)
def test_files_are_shared_by_name_or_among_workers(words, shared):
    found = find_run(["hyperspace", "run", "sim.py:f", *words])
    assert found.through_files == shared
    assert found.workers == (int(words[1]) if words[0] == "--workers" else 1)
    assert found.restart == ("--restart" in words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--n-cals", "6"], "hyperspace run would refuse its command: No such option"),
        (["--workers", "0"], "hyperspace run would refuse its command: Invalid value"),
        (["--results", ""], "hyperspace run would refuse its command: Invalid value"),
        (["a", "b"], "hyperspace run would refuse its command: Got unexpected extra argument"),
    ],
)
def test_what_the_command_would_refuse_is_told_before_the_job_starts(words, told):
    with pytest.raises(InputError, match=told):
        find_run(["hyperspace", "run", *words])

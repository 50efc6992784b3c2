"""The end of a Slurm job as a study's deadline; that a real job is asked is tested in tests/slurm."""

import pytest

from hyperspace import hyperdrive
from hyperspace.cluster import walltime
from hyperspace.cluster.walltime import parse_duration, seconds_left


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:00", 0),
        ("5", 300),
        ("59:12", 59 * 60 + 12),
        ("2:00:01", 7201),
        ("1-02", 26 * 3600),
        ("1-02:30", 26 * 3600 + 1800),
        ("1-02:30:05", 26 * 3600 + 1805),
        ("13-00:00:00\n", 13 * 86400),
        ("UNLIMITED", None),
        ("NOT_SET", None),
        ("INVALID", None),
        ("", None),
    ],
)
def test_durations_as_slurm_writes_them(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["soon", "1:2:3:4", "-5", "1-", "1.5", "1-2-3"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def never(job):
    pytest.fail(f"asked for job {job}")


def test_outside_of_a_job_there_is_no_deadline():
    assert seconds_left({}, ask=never) is None
    assert seconds_left({"SLURM_JOB_END_TIME": "2000"}, ask=never) is None


@pytest.mark.parametrize(("left", "usable"), [(36000, 35940), (600, 570), (60, 55), (5, 0)], ids=lambda seconds: f"{seconds} s")
def test_a_margin_is_kept_for_the_merge(left, usable):
    environment = {"SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": str(100000 + left)}
    assert seconds_left(environment, clock=lambda: 100000.0, ask=never) == usable


@pytest.mark.parametrize(("squeue", "usable"), [("10:00", 570), ("", None), ("0:00", None), ("INVALID", None)])
def test_an_end_that_has_passed_is_another_jobs(squeue, usable):
    environment, said = {"SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": "90000"}, []
    assert seconds_left(environment, clock=lambda: 100000.0, ask=lambda job: squeue, say=said.append) == usable
    assert ["the end of job 17, 2.8 hours ago" in sentence for sentence in said] == [True] * (usable is None)


def test_squeue_is_asked_where_the_environment_does_not_tell():
    asked = []

    def ask(job):
        asked.append(job)
        return "10:00"

    assert seconds_left({"SLURM_JOB_ID": "17"}, ask=ask) == 570
    assert asked == ["17"]
    assert seconds_left({"SLURM_JOB_ID": "17"}, ask=lambda job: "UNLIMITED") is None


@pytest.mark.parametrize("answer", ["echo nonsense", "echo 'slurm_load_jobs error' >&2; exit 1", "echo 20:00"])
def test_a_squeue_that_cannot_tell_is_no_deadline(tmp_path, monkeypatch, answer):
    (tmp_path / "squeue").write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert seconds_left({"SLURM_JOB_ID": "17"}) == (1140 if answer == "echo 20:00" else None)
    monkeypatch.setenv("PATH", "")
    assert seconds_left({"SLURM_JOB_ID": "17"}) is None


def test_the_job_ends_the_study_unless_a_deadline_was_given(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(walltime.time.time()) + 3))  # all of it is margin
    call = {"objective": lambda x: x[0], "hyperparameters": [(0.0, 1.0)], "model": "RAND", "n_calls": 4}
    assert hyperdrive(**call, results_path=tmp_path, verbose=True).nfev == 0
    assert "stopped by the deadline after 0 of 4 evaluations; start the same program again to go on" in capsys.readouterr().out
    assert hyperdrive(**call, results_path=tmp_path, deadline=60).nfev == 4

"""A few of the random schedules of faults, and that those who draw and judge them do their work."""

import json
from dataclasses import replace

import pytest

from benchmarks.reliability import judge as rules
from benchmarks.reliability.__main__ import main
from benchmarks.reliability.actors import Installed, ProcessRun
from benchmarks.reliability.evidence import Evidence
from benchmarks.reliability.judge import judge
from benchmarks.reliability.play import Played
from benchmarks.reliability.schedule import FAULTS, FILES, KINDS, MPICH, OPENMPI, PLAIN, SERIAL, Launch, draw, kind_of, schedules
from benchmarks.reliability.schedules import SKIPPED, find_mpi, play_one, summary
from hyperspace import hyperdrive

SEED = 0
NUMBERS = [0, 25, 30, 40, 1, 11, 38, 48, 12, 36, 42, 46]  # of one process, of MPICH and of workers


@pytest.mark.parametrize("number", NUMBERS)
def test_a_schedule_loses_nothing_and_ends_in_sentences(number):
    row = play_one(draw(SEED, number), Installed(find_mpi()))
    if row["verdict"] == SKIPPED:
        pytest.skip(row["why"])
    assert row.get("why") is None, row["why"]
    assert row["faults"] == {}, json.dumps(row, indent=1)
    assert row["acknowledged"] > 0


def test_a_schedule_is_drawn_the_same_each_time():
    drawn = list(schedules(1, 100))
    assert drawn == list(schedules(1, 100))
    assert len({str(schedule) for schedule in drawn}) == 100
    assert str(drawn[7]) == str(draw(1, 7))
    assert str(draw(2, 7)) != str(drawn[7])


def test_the_schedules_try_every_fault_on_every_kind():
    tried = {(schedule.setting.kind, step.action) for schedule in schedules(0, 500) for step in schedule.steps}
    assert tried >= {(kind, fault) for kind in (SERIAL, MPICH, OPENMPI, FILES) for fault in {*FAULTS} - {"takeover", "requeue"}}
    assert ("slurm", "requeue") in tried
    assert {kind_of(number) for number in range(10)} == {*KINDS}


def test_the_steps_can_be_played():
    """A run is started before anything is done to it, what was broken is mended, and in the end all runs are awaited."""
    for schedule in schedules(0, 500):
        started, broken = set(), set()
        for step in schedule.steps:
            if step.action == "run":
                started.add(step.run)
            assert step.run in started | {""}
            if step.action in ("fill", "exhaust", "protect", "rename"):
                broken.add(step.action)
            if step.action in ("unfill", "unexhaust", "unprotect", "rename back"):
                broken.remove({"rename back": "rename"}.get(step.action, step.action[2:]))
        assert not broken
        assert schedule.steps[-1].action in ("await", "finish off")


def test_the_command_line_lists_schedules(capsys):
    assert main(["schedules", "--count", "20", "--kinds", "files,serial", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in listed] == [0, 2, 5, 6, 10, 12, 15, 16]
    with pytest.raises(SystemExit, match="--kinds must name some of"):
        main(["schedules", "--kinds", "file"])


class Ended:
    """A process that has ended."""

    pid = 0

    def __init__(self, code):
        self._code = code

    def poll(self):
        return self._code


@pytest.fixture
def played(tmp_path):
    """A schedule after which all is well: 8 evaluations in run A, which ended after them."""
    schedule = draw(0, 0)
    schedule = replace(schedule, setting=replace(schedule.setting, calls=8, drives=2, disk=PLAIN))
    evidence = tmp_path / "evidence.jsonl"
    tickets = iter(range(1, 100))
    clock = iter(range(1, 1000))

    def write(event, run="A", **more):
        with open(evidence, "a") as file:
            file.write(json.dumps({"event": event, "time": float(next(clock)), "run": run, "pid": 7} | more) + "\n")

    def objective(x, trial):
        ticket = float(next(tickets))
        write("begin", id=trial.id, attempt=0, ticket=ticket)
        write("return", id=trial.id, attempt=0, ticket=ticket)
        return {"loss": x[0], "ticket": ticket}

    def acknowledge(trial):
        write("ack", id=f"{trial.drive}-{trial.iteration}", attempt=0, status=trial.status, ticket=trial.metrics["ticket"])

    study = tmp_path / "study"
    space = [(0.0, 1.0)]
    write("start", rank=0)
    hyperdrive(objective, space, study, model="RAND", n_calls=8, n_subspaces=2, n_drives=2, callback=acknowledge)
    for run in "AZ":
        write("start", run=run, rank=0)
        write("result", run=run, rank=0, evaluations=8)
    found = Played(schedule, study, Evidence(evidence))
    for letter in "AZ":
        (tmp_path / f"{letter}.out").write_text("8/8 trials\n")
        about = {"launch": Launch(1, exchange="round"), "settings": tmp_path / "study.json", "output": tmp_path / f"{letter}.out"}
        found.runs.append(ProcessRun(letter=letter, evidence=found.evidence, process=Ended(0), **about))
    found.write = write
    return found


def test_what_went_well_is_judged_so(played):
    verdict = judge(played)
    assert verdict.faults == {}
    assert verdict.counts == {"evaluations": 8, "acknowledged": 8, "made more than once": 0}


def test_a_lost_evaluation_is_seen(played):
    played.write("begin", id="1-5", attempt=0, ticket=50.0)  # so that 1-4 had been recorded
    assert judge(played).faults == {rules.LOST: "drive 1, iteration 4, acknowledged in run A"}


def test_an_evaluation_that_nobody_made_is_seen(played):
    text = played.evidence.path.read_text()
    played.evidence.path.write_text(text.replace('"ticket": 3.0', '"ticket": 33.0'))
    assert {*judge(played).faults} == {rules.CHANGED}


def test_an_evaluation_that_is_made_again_is_seen(played):
    played.write("begin", run="Z", id="0-0", attempt=1, ticket=50.0)
    assert {*judge(played).faults} == {rules.REPEATED}


def test_more_evaluations_than_planned_are_seen(played):
    played.schedule = replace(played.schedule, setting=replace(played.schedule.setting, calls=7))
    assert {*judge(played).faults} == {rules.DOUBLED, rules.INCOMPLETE}


def test_a_damaged_study_is_seen(played):
    journal = next((played.study / "journals").iterdir())
    journal.write_text(journal.read_text().replace('"event":"finished"', '"event":"finish"', 1))
    assert {*judge(played).faults} == {rules.UNREADABLE, rules.INCOMPLETE}


@pytest.mark.parametrize(
    ("text", "code", "rule"),
    [
        ("Traceback (most recent call last):\n  File\nOSError: no\n", 1, {rules.TRACEBACK, rules.WORDLESS}),
        ("program: StudyError: the study is being worked by process 7\n", 1, set()),
        ("", 1, {rules.WORDLESS}),
        ("hyperspace: rank 1 on other ends all ranks: no\n", 1, set()),
        ("Traceback (most recent call last):\n  File\nKeyboardInterrupt\n", 130, {rules.TRACEBACK, rules.WORDLESS}),
    ],
)
def test_the_end_of_a_run_is_judged(played, text, code, rule):
    run = played.runs[0]
    run.output.write_text(text)
    run.process = Ended(code)
    assert {*judge(played).faults} == rule
    run.signals.add("INT")
    assert rules.WORDLESS not in judge(played).faults


def test_a_run_that_hangs_is_seen(played):
    played.runs[0].hung = True
    assert judge(played).faults == {rules.HUNG: "run A (round): 8/8 trials"}


def test_a_result_that_misses_evaluations_is_seen(played):
    text = played.evidence.path.read_text()
    played.evidence.path.write_text(text.replace('"evaluations": 8', '"evaluations": 0', 1))
    assert {*judge(played).faults} == {rules.WORDLESS, rules.WRONG_RESULT}


def test_the_table_counts_what_was_seen():
    rows = [
        {"kind": "files", "verdict": "held", "faults": {}, "runs": 3, "evaluations": 41, "acknowledged": 40},
        {"kind": "files", "verdict": "fault", "faults": {"lost": "drive 1"}, "runs": 2, "evaluations": 40, "acknowledged": 40},
        {"kind": "slurm", "verdict": "skipped", "why": "no Slurm"},
    ]
    files, slurm = summary(rows)
    assert (files["schedules"], files["held"], files["lost"], files["hung"], files["runs"]) == (2, 1, 1, 0, 5)
    assert (slurm["schedules"], slurm["skipped"], slurm["lost"]) == (1, 1, 0)

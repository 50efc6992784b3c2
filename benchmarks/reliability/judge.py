"""Judges what a schedule has left: whether an evaluation was lost or doubled, and whether every run ended as it should.

An evaluation is acknowledged when its callback was called, or when the next evaluation of its drive began: then its end is on
disk. While a disk is full only the latter counts, since ends are kept in memory until there is space. An acknowledged evaluation
has to stay on record, as one of the evaluations of that (drive, iteration) that returned. No run that starts afterwards may make
it again. What a user removes is excepted.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

from benchmarks.reliability.actors import Run
from benchmarks.reliability.evidence import Event
from benchmarks.reliability.play import Played
from hyperspace import load_results
from hyperspace.cli import main as hyperspace_command
from hyperspace.trials.trial import Trial

LOST, CHANGED, DOUBLED, REPEATED = "lost", "changed", "doubled", "made again"
HUNG, UNREADABLE, TRACEBACK, WORDLESS = "hung", "unreadable", "traceback", "no sentence"
WRONG_RESULT, INCOMPLETE = "wrong result", "not completed"
RULES = (LOST, CHANGED, DOUBLED, REPEATED, HUNG, UNREADABLE, TRACEBACK, WORDLESS, WRONG_RESULT, INCOMPLETE)

_SENTENCE = re.compile(r"^[ \0]*(program|hyperspace): .*\w", re.MULTILINE)
_ENDED_EARLY = re.compile(r"stopped by|ended by|after \d+ of \d+")
OBJECTIVE_FAILS = "ValueError: a region that fails"  # what the program's objective raises by itself
_GRACE = 0.5  # seconds within which a fault of the disk may go unnoticed
_MAY_BE_LOST = ("protect", "rename")  # faults during which what a callback saw may be in memory alone, or in another folder

Key = tuple[int, int]


@dataclass
class Verdict:
    """What is said of a schedule.

    Attributes:
        faults: rule -> what was seen, each once.
        counts: evaluations that returned, that were acknowledged, that were made more than once.
    """

    faults: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, rule: str, seen: str) -> None:
        """Keep a fault, of several of one rule the first."""
        self.faults.setdefault(rule, seen)


def judge(played: Played) -> Verdict:
    """Return what is to be said of a schedule that was played."""
    verdict = Verdict()
    played.evidence.read()
    for error in played.unreadable[:1]:
        verdict.add(UNREADABLE, error)
    *runs, last = played.runs
    for run in runs:
        _judge_end(run, played, verdict)
    _judge_last(last, played, verdict)
    _judge_records(played, verdict)
    _judge_status(played, verdict)
    return verdict


def _judge_end(run: Run, played: Played, verdict: Verdict) -> None:
    """Look at how a run ended: in time, with a sentence, with all that it had acknowledged."""
    text = run.output.read_text(errors="replace") if run.output.exists() else ""
    who = f"run {run.letter} ({run.launch})"
    if run.hung:
        verdict.add(HUNG, f"{who}: {_end_of(text)}")
        return
    for trace in _tracebacks(text, "KeyboardInterrupt" if "INT" in run.signals else None):
        verdict.add(TRACEBACK, f"{who}: {trace}")
    if run.code is None or run.signals & {"KILL", "INT"} or (run.code != 0 and "TERM" in run.signals):
        return  # ended from outside
    if run.code != 0 and not _SENTENCE.search(text):
        verdict.add(WORDLESS, f"{who} ended with exit code {run.code}: {_end_of(text)}")
    results = [event for event in played.evidence.events if event.run == run.letter and event.name == "result"]
    if run.code == 0 and results:
        told = max(event.more["evaluations"] for event in results)
        if told < played.schedule.setting.calls and not _ENDED_EARLY.search(text):
            verdict.add(WORDLESS, f"{who} returned {told} evaluations with exit code 0: {_end_of(text)}")
        own = {event.key for event in played.evidence.events if event.run == run.letter and event.name == "ack"}
        if told < len(own):
            verdict.add(WRONG_RESULT, f"{who} returned {told} evaluations and had acknowledged {len(own)}")


def _judge_last(run: Run, played: Played, verdict: Verdict) -> None:
    """Look at the run that was not disturbed: it has to complete the study."""
    text = run.output.read_text(errors="replace") if run.output.exists() else ""
    planned = played.schedule.setting.calls
    told = [event.more["evaluations"] for event in played.evidence.events if event.run == run.letter and event.name == "result"]
    if run.hung:
        verdict.add(HUNG, f"the last run: {_end_of(text)}")
    elif run.code != 0:
        verdict.add(INCOMPLETE, f"the last run ended with exit code {run.code}: {_end_of(text)}")
    elif not told or {*told} != {planned}:
        verdict.add(INCOMPLETE, f"the last run returned {told} evaluations of {planned}: {_end_of(text)}")
    for trace in _tracebacks(text):
        verdict.add(TRACEBACK, f"the last run: {trace}")


def _judge_records(played: Played, verdict: Verdict) -> None:
    """Compare what is on record with what was acknowledged."""
    events = played.evidence.events
    returned: dict[Key, set[float]] = defaultdict(set)
    for event in events:
        if event.name == "return" and event.key is not None:
            returned[event.key].add(event.more["ticket"])
    acknowledged = _acknowledged(played, events)
    verdict.counts = {
        "evaluations": sum(map(len, returned.values())),
        "acknowledged": len(acknowledged),
        "made more than once": sum(len(tickets) > 1 for tickets in returned.values()),
    }
    try:
        result = load_results(played.study)
    except Exception as error:
        verdict.add(UNREADABLE, f"{type(error).__name__}: {error}")
        return
    finished = [trial for trial in result.all_trials if trial.finished]
    numbers = Counter((trial.drive, trial.iteration) for trial in finished)
    planned = played.schedule.setting.calls
    for key, count in numbers.items():
        if count > 1:
            verdict.add(DOUBLED, f"drive {key[0]}, iteration {key[1]} counts {count} times")
    if len(numbers) > planned:
        verdict.add(DOUBLED, f"{len(numbers)} evaluations count, {planned} were planned")
    kept = {(trial.drive, trial.iteration): trial for trial in finished}
    for key, acks in acknowledged.items():
        _judge_trial(key, acks, kept.get(key), returned[key], verdict)
    for run, key in _made_again(played, acknowledged, events):
        seen = f"drive {key[0]}, iteration {key[1]}, in run {run}, which started after its acknowledgement"
        verdict.add(REPEATED, seen)


def _judge_trial(key: Key, acks: list[Event], trial: Trial | None, returned: set[float], verdict: Verdict) -> None:
    name = f"drive {key[0]}, iteration {key[1]}, acknowledged in run {acks[0].run}"
    if trial is None:
        verdict.add(LOST, name)
        return
    ticket = trial.metrics.get("ticket")
    if trial.status == "ok" and ticket not in returned:
        verdict.add(CHANGED, f"{name}: {dict(trial.metrics)} was not returned by any evaluation")
    for ack in acks:
        if ack.name == "ack" and (ack.more["status"], ack.more["ticket"]) != (trial.status, ticket):
            verdict.add(CHANGED, f"{name}: another evaluation is on record than the one that run {ack.run} acknowledged")


def _acknowledged(played: Played, events: list[Event]) -> dict[Key, list[Event]]:
    """Return the evaluations that may not be lost, with what acknowledged them: a callback, or what began after them."""
    removed = max((begun for name, begun, _ in played.windows if name == "remove"), default=0.0)
    run_began = _beginnings(events)
    excused = [(begun, ended + _GRACE) for name, begun, ended in played.windows if name in _MAY_BE_LOST]
    excused += [(begun, begun + _GRACE) for name, begun, _ in played.windows if name == "fail"]
    found: dict[Key, list[Event]] = defaultdict(list)
    for event in events:
        if event.key is None or event.time < removed:
            continue
        before = run_began[event.run] < removed  # the folder was removed under the feet of this run
        if event.name == "ack":
            noticed = not before or event.time > removed + _GRACE
            if noticed and not any(begun <= event.time <= ended for begun, ended in excused):
                found[event.key].append(event)
        elif event.name == "begin" and not before:
            drive, iteration = event.key
            for earlier in range(iteration):
                found[drive, earlier].append(event)
    return found


def _made_again(played: Played, acknowledged: dict[Key, list[Event]], events: list[Event]) -> Iterator[tuple[str, Key]]:
    """Yield the evaluations that a run began although they were acknowledged before it started.

    Where the study's folder has another name a run begins a new study in its place.
    """
    run_began = _beginnings(events)
    away = [(begun, ended + _GRACE) for name, begun, ended in played.windows if name == "rename"]
    for event in events:
        if event.name != "begin" or event.key not in acknowledged or any(begun <= event.time <= ended for begun, ended in away):
            continue
        if run_began[event.run] > acknowledged[event.key][0].time:
            yield event.run, event.key


def _beginnings(events: list[Event]) -> dict[str, float]:
    """Return when each run began."""
    began: dict[str, float] = {}
    for event in events:
        began.setdefault(event.run, event.time)
    return began


def _judge_status(played: Played, verdict: Verdict) -> None:
    """Ask `hyperspace status --exit-code`, which has to say that the study is finished."""
    said = io.StringIO()
    code: object = 0
    words = ["hyperspace", "status", str(played.study), "--exit-code"]
    with patch.object(sys, "argv", words), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            hyperspace_command()
        except SystemExit as stop:
            code = stop.code
        except Exception as error:
            verdict.add(TRACEBACK, f"hyperspace status: {type(error).__name__}: {error}")
            return
    if code not in (0, None):
        verdict.add(INCOMPLETE, f"hyperspace status ended with {code}: {_end_of(said.getvalue())}")


def _tracebacks(text: str, allowed: str | None = None) -> Iterator[str]:
    """Yield the exception of each traceback; leave out the `allowed` one, wherever it stands among what others printed.

    The first failure of an objective is shown with its traceback: that is the program's own.
    """
    for part in text.split("Traceback (most recent call last):")[1:]:
        lines = [line for line in part.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
        if OBJECTIVE_FAILS not in part and (allowed is None or allowed not in part):
            yield lines[0] if lines else part.strip()[-100:]


def _end_of(text: str) -> str:
    """Return the last words that were printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-2:])[-300:] or "nothing was printed"

"""Plays a schedule: starts its runs, does its steps when they are due, and completes the study afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.reliability.actors import Installed, JobRun, Run, marked, send, start, state_of
from benchmarks.reliability.disks import Disk
from benchmarks.reliability.evidence import Evidence
from benchmarks.reliability.schedule import EXPIRY, HEARTBEAT, Schedule, Step
from hyperspace import load_results
from hyperspace.errors import StudyError

PATIENCE = 45.0  # seconds that a run which has nothing to wait for may take to its end
_STEP_PATIENCE = 20.0  # seconds that a step waits for runs to start and to evaluate
_HELD_UP = 3.0  # the same, while a fault of the disk holds them up
_TICK = 0.02
_PAUSE = 0.05  # seconds of an evaluation, times the number of ranks
_LASTING = {"fill": "unfill", "exhaust": "unexhaust", "protect": "unprotect", "rename": "rename back"}


@dataclass
class Played:
    """What happened in a schedule.

    Attributes:
        runs: all that were started, the last one completed the study or should have.
        windows: for each fault of the disk, its name, and when it began and ended.
        unreadable: what the study could not be read for, while it was whole.
        notes: what could not be done as drawn.
    """

    schedule: Schedule
    study: Path
    evidence: Evidence
    runs: list[Run] = field(default_factory=list)
    windows: list[tuple[str, float, float]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Player:
    """Plays one schedule in a folder of its own. To be used as a context manager, which leaves no process and no mount behind.

    Args:
        schedule: what is to be done.
        folder: for the study, the evidence and what the runs print; it should be empty.
        installed: where the programs are.
        patience: seconds that a run may take to its end.
    """

    def __init__(self, schedule: Schedule, folder: Path, installed: Installed, patience: float = PATIENCE) -> None:
        self._schedule = schedule
        self._folder = folder
        self._installed = installed
        self._patience = patience
        self._disk = Disk(schedule.setting.disk, folder)
        self._settings = folder / "study.json"
        self._evidence = Evidence(folder / "evidence.jsonl")
        self._lasting: dict[str, float] = {}  # faults of the disk that last, and when they began
        self._stopped: dict[tuple[str, str], set[int]] = {}  # processes that stand still, by run and target
        self.played = Played(schedule, self._disk.study, self._evidence)

    def __enter__(self) -> Player:
        self._disk.mount()
        setting = self._schedule.setting
        about = {"path": str(self._disk.study), "evidence": str(self._evidence.path), "expiry": EXPIRY, "heartbeat": HEARTBEAT}
        self._settings.write_text(json.dumps(asdict(setting) | about))
        return self

    def __exit__(self, *error: object) -> None:
        self._finish_off()
        self._disk.unmount()

    def play(self) -> Played:
        """Do all steps, and complete the study."""
        for step in self._schedule.steps:
            self._wait(step)
            self._do(step)
            self._look()
        self._settle()
        last = Step("run", "Z", launch=self._schedule.last)
        self._run(last, pause=0.0)
        self._await(last)
        return self.played

    def _wait(self, step: Step) -> None:
        """Wait until a step is due: until its run has started, for evaluations, and then for some time."""
        self._until(lambda: self._has_started(step), _STEP_PATIENCE)
        wanted = self._evidence.count("return") + step.evaluations
        self._until(lambda: self._evidence.count("return") >= wanted, _HELD_UP if self._lasting else _STEP_PATIENCE)
        time.sleep(step.seconds)

    def _until(self, ready: Callable[[], bool], patience: float) -> None:
        """Wait for something that a run does, but not for ever, nor when no run is left that could do it."""
        until = time.monotonic() + patience
        while not ready() and time.monotonic() < until and self._moving():
            time.sleep(_TICK)

    def _has_started(self, step: Step) -> bool:
        """Return whether the run that a step is done to has come as far as our program; a takeover need not wait for it."""
        return (
            step.action == "run"
            or not step.run
            or any(event.run == step.run and event.name == "start" for event in self._evidence.read())
        )

    def _do(self, step: Step) -> None:
        actions: dict[str, Callable[[Step], None]] = {
            "run": self._run,
            "await": self._await,
            "finish off": lambda step: self._finish_off(),
            "stall": self._stall,
            "wake": self._wake,
            "halt": self._await_halt,
            "kill": lambda step: self._signal(step, "KILL"),
            "terminate": lambda step: self._signal(step, "TERM"),
            "interrupt": lambda step: self._signal(step, "INT"),
            "request": self._request,
            "requeue": self._requeue,
        }
        if step.action in actions:
            actions[step.action](step)
        else:
            self._break_disk(step.action)

    def _run(self, step: Step, pause: float = _PAUSE) -> None:
        assert step.launch is not None
        kind = self._schedule.setting.kind
        seconds = pause * step.launch.ranks
        run = start(kind, step.run, step.launch, self._settings, self._installed, self._evidence, seconds)
        self.played.runs.append(run)

    def _await(self, step: Step) -> None:
        """Wait until all runs have ended; one whose ranks all stand still is a dead one, and is removed."""
        until = time.monotonic() + self._patience
        while living := self._living():
            for run in living:
                self._bury(run)
            if time.monotonic() > until:
                for run in living:
                    run.hung = True
                    states = ", ".join(f"{pid} {state_of(pid)}" for pid in run.processes())
                    self.played.notes.append(f"{run.letter} did not end: processes {states}")
                    for pid in run.ranks().values():
                        send(pid, "USR2")  # it prints where it is
                time.sleep(0.5)
                break
            time.sleep(_TICK)
        self._finish_off()
        self._disk.repair()

    def _bury(self, run: Run) -> None:
        """Kill what is left of a run if its ranks were stalled by a step and not woken; wake those that halted after it."""
        stopped = {pid for (letter, _), pids in self._stopped.items() if letter == run.letter for pid in pids}
        left = run.processes()
        for pid in {*left} - stopped:
            if state_of(pid) == "T":
                send(pid, "CONT")
        ranks = {*run.ranks().values()} & {*left}
        if stopped and left and stopped >= (ranks or {*left}):
            run.signals.add("KILL")
            for pid in left:
                send(pid, "KILL")

    def _finish_off(self) -> None:
        """Kill all that is left."""
        for run in self._living():
            run.signals.add("KILL")
            if isinstance(run, JobRun):
                run.signal_all("KILL")
        while left := marked(self._settings):
            for pid in left:
                send(pid, "KILL")
            time.sleep(_TICK)
        until = time.monotonic() + 30.0
        while self._living():
            if time.monotonic() > until:
                raise TimeoutError(f"{[run.letter for run in self._living()]} did not end though all their processes were killed")
            time.sleep(_TICK)
        self._stopped.clear()

    def _stall(self, step: Step) -> None:
        run, pids = self._targets(step)
        run.signals.add("STOP")
        self._stopped[step.run, step.target] = {*pids}
        for pid in pids:
            send(pid, "STOP")

    def _await_halt(self, step: Step) -> None:
        """Wait until a process of a run has stopped itself, as the run was started to do."""
        run = next(run for run in self.played.runs if run.letter == step.run)

        def halted() -> set[int]:
            events = self._evidence.read()
            return {event.pid for event in events if event.run == run.letter and event.name == "halt"}

        self._until(lambda: bool(halted()), _STEP_PATIENCE)
        run.signals.add("STOP")
        self._stopped[step.run, step.target] = halted()

    def _wake(self, step: Step) -> None:
        for pid in self._stopped.pop((step.run, step.target), ()):
            send(pid, "CONT")

    def _signal(self, step: Step, name: str) -> None:
        run, pids = self._targets(step)
        if not run.alive:
            return
        if step.target == "launcher" and run.launcher is None:
            run.signals.add(name)
            run.signal_all(name)
            return
        if {*pids} & {run.launcher, *run.ranks().values()} or not run.ranks():
            run.signals.add(name)
        for pid in pids:
            send(pid, name)

    def _targets(self, step: Step) -> tuple[Run, list[int]]:
        """Return the processes of a run that a step is done to; all of them while the one that is meant has not started."""
        run = next(run for run in self.played.runs if run.letter == step.run)
        if step.target == "launcher" and run.launcher is not None:
            return run, [run.launcher] if run.alive else []
        if step.target == "evaluator" and (evaluator := run.evaluator()) is not None:
            return run, [evaluator]
        ranks = run.ranks()
        if step.target.startswith("rank") and ranks:
            number = int(step.target.removeprefix("rank ")) % len(ranks)
            return run, [ranks[sorted(ranks)[number]]]
        return run, run.processes()

    def _request(self, step: Step) -> None:
        """Do what `hyperspace stop` does."""
        from hyperspace.journal.stop_request import request_stop

        try:
            request_stop(self._disk.study)
        except StudyError as error:
            self.played.notes.append(f"hyperspace stop: {error}")
            for key in [*self._stopped]:  # nobody has asked the ranks to end, so that they wait for what stands still
                for pid in self._stopped.pop(key):
                    send(pid, "CONT")
            return
        for run in self._living():
            run.signals.add("request")

    def _requeue(self, step: Step) -> None:
        run = next(run for run in self.played.runs if run.letter == step.run)
        if isinstance(run, JobRun) and run.alive:
            run.signals.add("TERM")
            run.requeue()

    def _break_disk(self, action: str) -> None:
        now = time.monotonic()
        if action in ("fail", "remove"):
            if self._disk.study.exists():
                getattr(self._disk, action)()
                self.played.windows.append((action, now, float("inf")))
            return
        if action in _LASTING:
            self._lasting[action] = now
            getattr(self._disk, action)()
            return
        fault = next(name for name, undo in _LASTING.items() if undo == action)
        getattr(self._disk, action.replace(" ", "_"))()
        self.played.windows.append((fault, self._lasting.pop(fault), time.monotonic()))

    def _settle(self) -> None:
        """End all runs and repair the disk, so that the last run finds what is on record."""
        self._finish_off()
        self._disk.repair()
        self._look()

    def _look(self) -> None:
        """Read the study as anybody may at any time, but not on a disk that is broken."""
        if {*self._lasting} & {"rename"} or self._disk.failed:
            return
        try:
            load_results(self._disk.study)
        except StudyError as error:
            if "holds no study" not in str(error):
                self.played.unreadable.append(str(error))
        except Exception as error:
            self.played.unreadable.append(f"{type(error).__name__}: {error}")

    def _moving(self) -> bool:
        """Return whether a run is alive that does not stand still by a step."""
        stalled = {letter for letter, _ in self._stopped}
        return any(run.letter not in stalled for run in self._living())

    def _living(self) -> list[Run]:
        living = []
        for run in self.played.runs:
            with suppress(ProcessLookupError):
                living += [run] * run.alive
        return living

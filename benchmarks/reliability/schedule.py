"""Random schedules: which study is run how, and what is done to its processes and its disk, and when.

A schedule is a function of a seed and a number, so that each can be repeated alone. When a step is due is counted in evaluations
and seconds since the step before, so that a schedule does much the same on a slow machine as on a fast one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

SERIAL, MPICH, OPENMPI, FILES, SLURM = "serial", "mpich", "openmpi", "files", "slurm"
KINDS = (SERIAL, MPICH, OPENMPI, FILES, SLURM)
_TURNS = (SERIAL, MPICH, FILES, OPENMPI, MPICH, SERIAL, FILES, OPENMPI, MPICH, SLURM)  # kinds of numbers 0, 1, ..., 9, 10, ...

FAULTS = {
    "stall": "SIGSTOP of a rank, an evaluating process, a launcher or all; most are woken after more than a lease",
    "halt": "a process stops itself in front of one of its writes to a journal, and is woken when another run has taken over",
    "kill": "SIGKILL of a rank, an evaluating process, a launcher or all",
    "takeover": "the same program is started beside a run, as on this host or as on another one",
    "terminate": "SIGTERM of a rank, a launcher or all",
    "interrupt": "SIGINT of a rank, a launcher or all",
    "request": "`hyperspace stop`",
    "requeue": "`scontrol requeue`",
    "fill": "no space on the disk, for up to 3 s",
    "exhaust": "no inodes on the disk, for up to 3 s",
    "protect": "the disk is remounted read-only, for up to 3 s",
    "fail": "the disk becomes read-only for good, by an error of ext4, and is checked and mounted again afterwards",
    "rename": "the study's folder is renamed, and renamed back after up to 2 s",
    "remove": "the study's folder is removed",
}
EXPIRY, HEARTBEAT = 1.5, 0.3  # seconds of a lease, shortened from minutes
_LONGER_THAN_A_LEASE = (2.0, 3.0)
_SHORTER_THAN_A_LEASE = (0.2, 0.8)
HERE, OTHER = "here", "other"  # the host that a run takes itself to be on
PLAIN, TMPFS, EXT4 = "a plain folder", "a tmpfs of 4 MiB", "an ext4 of 8 MiB"


@dataclass(frozen=True, slots=True)
class Setting:
    """The study of a schedule.

    Attributes:
        kind: what runs it: one of `KINDS`.
        exchange: how its drives share.
        model: its surrogate.
        drives: how many.
        calls: evaluations planned in all.
        isolate: whether it evaluates in processes of their own.
        disk: where its folder stands.
    """

    kind: str
    exchange: str
    model: str
    drives: int
    calls: int
    isolate: bool
    disk: str

    def __str__(self) -> str:
        """Describe it in one line."""
        apart = ", isolated" if self.isolate else ""
        return f"{self.kind}, {self.exchange}, {self.model}, {self.drives} drives, {self.calls} calls{apart}, on {self.disk}"


@dataclass(frozen=True, slots=True)
class Launch:
    """How one run is started.

    Attributes:
        ranks: of an MPI run; 1 for a process of its own.
        host: `HERE`, or `OTHER` for a process that takes itself to be on another host.
        exchange: how it shares.
        deadline: seconds; None for none.
        slow: the rank whose evaluations take five times as long; None for none.
        by_hand: whether a process of its own is started although the schedule's kind is MPI or Slurm.
        mpirun: whether a job of Slurm starts its ranks with mpirun, and not with srun.
        halts: the write to a journal before which rank 0 stops itself; None for none.
    """

    ranks: int
    host: str = HERE
    exchange: str = ""
    deadline: float | None = None
    slow: int | None = None
    by_hand: bool = False
    mpirun: bool = True
    halts: int | None = None

    def __str__(self) -> str:
        """Describe it in a few words."""
        words = [f"{self.exchange} on {self.ranks}" if self.ranks > 1 else self.exchange]
        words += ["by hand"] * self.by_hand + ["on another host"] * (self.host == OTHER)
        words += ["by srun"] * (not self.mpirun)
        words += [] if self.deadline is None else [f"deadline {self.deadline:.1f} s"]
        words += [] if self.slow is None else [f"rank {self.slow} slow"]
        words += [] if self.halts is None else [f"halts before write {self.halts}"]
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done.

    Attributes:
        action: what: a name of a method of `benchmarks.reliability.play.Player`.
        run: the letter of the run that it is done to, or that is started.
        target: which of its processes: "rank 1", "launcher", "evaluator" or "all".
        evaluations: how many have to return first, since the step before.
        seconds: how long to wait then.
        launch: of a run that is started.
    """

    action: str
    run: str = ""
    target: str = ""
    evaluations: int = 0
    seconds: float = 0.0
    launch: Launch | None = None

    def __str__(self) -> str:
        """Describe it in a few words."""
        when = [f"{self.evaluations} evaluations"] * (self.evaluations > 0) + [f"{self.seconds:.2f} s"] * (self.seconds > 0)
        what = " ".join(word for word in (self.action, self.target and f"{self.target} of", self.run) if word)
        how = f" ({self.launch})" if self.launch is not None else ""
        return f"after {' and '.join(when)} {what}{how}" if when else f"{what}{how}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A study and what is done to it."""

    seed: int
    number: int
    setting: Setting
    steps: tuple[Step, ...]
    last: Launch  # of the run that completes the study afterwards, undisturbed

    def __str__(self) -> str:
        """Describe it in one line."""
        return f"{self.number} [{self.setting}] {'; '.join(map(str, self.steps))}; finish ({self.last})"

    @property
    def tried(self) -> dict[str, int]:
        """How often each thing is done; a run beside runs that have not been awaited counts as a takeover."""
        counts: Counter[str] = Counter()
        alone = True
        for step in self.steps:
            if step.action in ("await", "finish off"):
                alone = True
            elif step.action == "run":
                counts["takeover"] += not alone
                alone = False
            elif step.action in FAULTS:
                counts[step.action] += 1
        return dict(+counts)

    @property
    def needs_root(self) -> bool:
        """Whether it mounts a disk, or pretends to be another host."""
        launches = [step.launch for step in self.steps if step.launch is not None]
        return self.setting.disk != PLAIN or any(launch.host == OTHER for launch in launches)


def kind_of(number: int) -> str:
    """Return the kind of the schedule of this number, whatever the seed."""
    return _TURNS[number % len(_TURNS)]


def draw(seed: int, number: int) -> Schedule:
    """Return a schedule: the same for the same seed and number."""
    return _Draw(seed, number).schedule()


class _Draw:
    """Draws one schedule."""

    def __init__(self, seed: int, number: int) -> None:
        self._seed, self._number = seed, number
        self._rng = random.Random(f"schedule {seed} {number}")
        self._letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        self._steps: list[Step] = []
        kind = kind_of(number)
        choices = {SERIAL: ["round", "round", "async", "none"], FILES: ["files"], SLURM: ["round", "async", "files"]}
        exchanges = choices.get(kind, ["round", "async", "async", "none"])
        self._faults = self._draw_faults(kind)
        self.setting = Setting(
            kind=kind,
            exchange=self._rng.choice(exchanges),
            model=self._rng.choice(["RAND", "RAND", "GP"]),
            drives=self._rng.choice([2, 4, 4]),
            calls=self._rng.choice([40, 56, 72]),
            isolate=self._rng.random() < 0.2,
            disk=EXT4 if "fail" in self._faults else TMPFS if {*self._faults} & {"fill", "exhaust", "protect"} else PLAIN,
        )

    def _draw_faults(self, kind: str) -> list[str]:
        names = {"stall": 5, "kill": 5, "takeover": 3, "hang": 2, "terminate": 2, "interrupt": 2, "request": 1}
        disks = {"fill": 2, "exhaust": 2, "protect": 1, "fail": 1, "remove": 1, "rename": 2}
        if kind == SLURM:
            names |= {"requeue": 3}
        names |= disks | {"halt": 4}
        return self._rng.choices(list(names), list(names.values()), k=self._rng.choice([1, 2, 2, 3]))

    def schedule(self) -> Schedule:
        """Return the schedule."""
        rng = self._rng
        cut = rng.randint(1, len(self._faults))
        for faults in (self._faults[:cut], self._faults[cut:]):
            if faults:
                self._scene(faults)
        return Schedule(self._seed, self._number, self.setting, tuple(self._steps), self._last())

    def _scene(self, faults: list[str]) -> None:
        """Start runs, do something to them, and await their end or bring it about."""
        halts = self._rng.randint(1, 30) if "halt" in faults else None
        runs = [self._start(rest=number > 0, halts=halts if number == 0 else None) for number in range(self._count())]
        if halts is not None:
            self._add("halt", runs[0], "all")
            self._start(rest=True, elsewhere=True)
            self._add("wake", runs[0], "all", evaluations=self._rng.choice([1, 3, 6]), seconds=self._rng.uniform(0.0, 0.5))
        for fault in faults:
            if fault != "halt":
                self._do(fault, self._rng.choice(runs))
        killed = self._rng.random() < 0.2 and "hang" not in faults  # that a hang is bounded is seen at the end
        self._add("finish off" if killed else "await")

    def _count(self) -> int:
        return self._rng.choice([2, 3]) if self.setting.kind == FILES else 1

    def _do(self, fault: str, run: str) -> None:
        rng = self._rng
        soon = {"evaluations": rng.choice([0, 1, 2, 4, 8]), "seconds": rng.uniform(0.0, 0.3)}
        if rng.random() < 0.2:  # while it starts
            soon = {"evaluations": 0, "seconds": rng.uniform(0.0, 1.2)}
        if fault == "stall":
            target = self._target("all", "rank", "rank 0", "launcher", "evaluator")
            self._add("stall", run, target, **soon)
            self._while_it_lasts()
            lasts = rng.uniform(*rng.choice([_LONGER_THAN_A_LEASE, _LONGER_THAN_A_LEASE, _SHORTER_THAN_A_LEASE]))
            self._add("wake", run, target, evaluations=rng.choice([0, 1, 3, 6]), seconds=lasts)
        elif fault == "hang":
            self._add("stall", run, self._target("rank", "rank 0"), **soon)
            self._add(*rng.choice([("request", "", ""), ("terminate", run, "launcher"), ("terminate", run, "all")]), seconds=0.5)
        elif fault == "kill":
            self._add("kill", run, self._target("all", "rank", "rank 0", "launcher", "evaluator"), **soon)
            if rng.random() < 0.5:
                self._takeover(rng.choice([0.0, 0.2]))
        elif fault in ("terminate", "interrupt"):
            self._add(fault, run, self._target("launcher", "rank", "all"), **soon)
            if rng.random() < 0.3:
                self._add(fault, run, self._target("launcher", "rank", "all"), seconds=rng.choice([0.1, 1.2]))
        elif fault == "takeover":
            self._takeover(**soon)
        elif fault == "request":
            self._add("request", **soon)
        elif fault == "requeue":
            self._add("requeue", run, **soon)
        elif fault in ("fail", "remove"):  # for good
            self._add(fault, **soon)
        else:
            self._add(fault, **soon)
            if fault != "rename":  # a run that began meanwhile would make another study of the name
                self._while_it_lasts()
            self._add({"rename": "rename back"}.get(fault, f"un{fault}"), seconds=rng.uniform(0.3, 2.0))

    def _while_it_lasts(self) -> None:
        """Perhaps do something else while a fault lasts."""
        what = self._rng.random()
        if what < 0.6:
            self._takeover(self._rng.choice([0.0, 0.5, 1.0]))
        elif what < 0.75:
            self._add(self._rng.choice(["terminate", "kill"]), "A", "launcher", seconds=0.3)

    def _takeover(self, seconds: float, evaluations: int = 0) -> None:
        self._start(rest=True, seconds=seconds, evaluations=evaluations)

    def _start(self, rest: bool, elsewhere: bool = False, halts: int | None = None, **when: float) -> str:
        """Start a run, the first one of a scene or one of the `rest`; return its letter."""
        letter = next(self._letters)
        launch = replace(self._launch(rest), halts=halts)
        if elsewhere:
            launch = replace(launch, host=OTHER, by_hand=True, ranks=1, mpirun=True, slow=None, deadline=None)
        self._add("run", letter, launch=launch, **when)
        return letter

    def _launch(self, rest: bool) -> Launch:
        rng, setting = self._rng, self.setting
        exchange, by_hand = setting.exchange, False
        if rest and rng.random() < 0.15:
            exchange = {"files": "round"}.get(exchange, "files")
        if rest and setting.kind != FILES and rng.random() < 0.2:
            by_hand = True
        parallel = setting.kind == SLURM or (setting.kind in (MPICH, OPENMPI) and exchange != "files")
        ranks = rng.choice([2, 3, 4]) if parallel and not by_hand else 1
        host = rng.choice([HERE, OTHER, OTHER]) if rest else rng.choice([HERE, HERE, OTHER])
        return Launch(
            ranks=ranks,
            host=HERE if setting.kind == SLURM and not by_hand else host,
            exchange=exchange,
            deadline=rng.uniform(0.5, 3.0) if rng.random() < 0.1 else None,
            slow=rng.randrange(ranks) if rng.random() < 0.15 else None,
            by_hand=by_hand,
            mpirun=setting.kind != SLURM or by_hand or rng.random() < 0.5,
        )

    def _last(self) -> Launch:
        kind = self.setting.kind
        again = self._rng.random() < 0.3
        return Launch(
            ranks=self._rng.choice([2, 3]) if kind in (MPICH, OPENMPI) and again else 1,
            exchange=self.setting.exchange,
            by_hand=True,
        )

    def _target(self, *names: str) -> str:
        name = self._rng.choice(names)
        return f"rank {self._rng.randrange(1, 4)}" if name == "rank" else name

    def _add(self, action: str, run: str = "", target: str = "", **more: object) -> None:
        self._steps.append(Step(action, run, target, **more))


def schedules(seed: int, count: int, kinds: tuple[str, ...] = KINDS) -> Iterator[Schedule]:
    """Yield the first `count` schedules of a seed, without those of other kinds."""
    return (draw(seed, number) for number in range(count) if kind_of(number) in kinds)

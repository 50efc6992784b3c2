"""An objective that fails in every way there is: parameters["do"] says how. Workers import it."""

import ctypes
import errno
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HELD = []


def segfault():
    ctypes.string_at(0)


ANSWERS = {
    "value": 2.5,
    "metrics": {"loss": 0.5, "curve": [1, 2.0], "odd": math.nan},
    "none": None,
    "text": "1.0",
    "nan": math.nan,
    "inf": math.inf,
    "no number": [None],
    "wrong metric": {"accuracy": 1.0, "speed": 2.0},
}


def behave(parameters, trial):
    do = parameters["do"]
    if do in ANSWERS:
        return ANSWERS[do]
    return globals()[do.replace(" ", "_")](parameters, trial)


TURNS = ["value", "raises", "leaves", "crashes", "hangs", "is killed", "nan"]


def fails_in_turn(parameters, trial):
    """Do one of `TURNS`, by the iteration; return what that returns."""
    return behave({"do": TURNS[int(trial.id.split("-")[1])]}, trial)


def raises(parameters, trial):
    raise ZeroDivisionError("no mesh")


def interrupts(parameters, trial):
    raise KeyboardInterrupt


def exits(parameters, trial):
    sys.exit("enough")


def leaves(parameters, trial):
    os._exit(7)


def crashes(parameters, trial):
    print("before the crash", file=sys.stderr)
    segfault()


def is_killed(parameters, trial):
    if trial.attempt < parameters.get("attempts", 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return float(trial.attempt)


def hangs(parameters, trial):
    """Never return, and leave a child that would not either; their numbers stand in a file that appears whole."""
    child = subprocess.Popen(["sleep", "1000"])
    numbers = trial.folder / "processes.tmp"
    numbers.write_text(f"{os.getpid()} {child.pid}")
    numbers.rename(trial.folder / "processes")
    time.sleep(1000)


def writes_where_its_answers_go(parameters, trial):
    """Write what is no answer to every pipe of this process, as a library does with a descriptor that it believes its own."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                os.write(int(name), parameters["bytes"])
        except OSError:
            pass
    return 1.0


def forks(parameters, trial):
    """Fork a child that comes back from the objective, in the way that parameters["child"] says."""
    child = os.fork()
    if child == 0:
        if parameters["child"] == "returns":
            return 99.0
        if parameters["child"] == "reports":
            trial.report(1, 99.0)
        raise {"raises": ValueError, "exits": SystemExit, "interrupts": KeyboardInterrupt}[parameters["child"]]("the child")
    os.waitpid(child, 0)
    return 1.0


def has_a_full_disk(parameters, trial):
    if trial.attempt < parameters["attempts"]:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "model.bin")
        except OSError as error:
            raise RuntimeError("the checkpoint cannot be written") from error
    return 1.0


def tells_much(parameters, trial):
    raise ValueError("x" * parameters["size"] + "the end")


def leaves_daemons(parameters, trial):
    """Leave a daemon and a child; return the number of the daemon."""
    shell = "(setsid sh -c 'echo $$ > daemon.tmp; mv daemon.tmp daemon; exec sleep 1000' > /dev/null 2>&1 &)"
    subprocess.run(["sh", "-c", shell], cwd=trial.folder, check=True)
    while not (trial.folder / "daemon").exists():
        time.sleep(0.01)
    HELD.append(subprocess.Popen(["sleep", "1000"]))
    (trial.folder / "child").write_text(str(HELD[-1].pid))
    return float((trial.folder / "daemon").read_text())


def raises_what_cannot_be_printed(parameters, trial):
    raise SyntaxError("no text", (5, 1, 2, 3))


def leaves_files_open(parameters, trial):
    HELD.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(parameters["files"]))
    return 1.0


def leaks(parameters, trial):
    HELD.append(bytearray(os.urandom(1 << 20) * parameters["megabytes"]))
    return float(os.getpid())


def tells_process(parameters, trial):
    return float(os.getpid())


def tells_handle(parameters, trial):
    Path(trial.folder, "handle").write_text(f"{trial.id} {trial.attempt} {trial.budget}")
    return float(trial.seed)


def tells_environment(parameters, trial):
    return float(sum(name.startswith(("PMI", "OMPI", "SLURM_STEP")) for name in os.environ))


def reports(parameters, trial):
    for step, value in enumerate((3.0, math.nan, 1.0), start=1):
        trial.report(step, {"loss": value})
    return trial.last


def prints(parameters, trial):
    print("from Python")
    print("to the error stream", file=sys.stderr)
    ctypes.CDLL(None).puts(b"from C")
    subprocess.run(["echo", "from a child"], check=True)
    return 0.0


def tells_type(parameters, trial):
    return float(parameters["value"] == (1, "two") and parameters["function"] is raises)

"""Remaining time of a Slurm job, the default deadline of a study.

Slurm's forms of a duration are minutes, minutes:seconds, hours:minutes:seconds, or days-hours with or without the smaller parts
(sbatch(1), --time).
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping

from hyperspace.system.terminal import tell

_ENDLESS = ("UNLIMITED", "INFINITE", "NOT_SET", "INVALID", "N/A", "")
_PATTERN = re.compile(r"(?:(?P<days>\d+)-(?P<day_parts>\d+(?::\d+){0,2})|(?P<parts>\d+(?::\d+){0,2}))")
_DAY = (3600, 60, 1)
_UNITS = {1: (60,), 2: (60, 1), 3: _DAY}  # seconds of each part, by the number of parts
_LEAST_MARGIN, _MOST_MARGIN, _SHARE = 5.0, 60.0, 0.05  # bounds in seconds of the time for the merge, and its share
_PATIENCE = 30.0  # time limit of squeue in seconds


def seconds_left(
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], float] = time.time,
    ask: Callable[[str], str] | None = None,
    say: Callable[[str], object] | None = None,
) -> float | None:
    """Return the seconds that this process's Slurm job has left for evaluations; None without a job or a limit.

    Newer versions of Slurm give a job's end in SLURM_JOB_END_TIME; for others squeue is called. An end in the past most likely
    belongs to an earlier job of this terminal. It is ignored with a message on stderr, unless squeue reports that the job runs. A
    twentieth, between 5 s and a minute, is reserved for merging the results.

    Args:
        environment: environment variables; None for those of this process.
        clock: returns seconds since the epoch.
        ask: returns squeue's remaining time of a job; None calls squeue.
        say: shows a sentence to the user; None writes it to stderr.
    """
    environment = os.environ if environment is None else environment
    job = environment.get("SLURM_JOB_ID", "")
    if not job.isdigit():
        return None
    end = environment.get("SLURM_JOB_END_TIME", "")
    told = float(end) - clock() if end.isdigit() and int(end) > 0 else None
    left = told if told is not None and told > 0.0 else parse_duration((ask or _ask_squeue)(job))
    if told is not None and told <= 0.0 and not left:
        (say or tell)(
            f"SLURM_JOB_END_TIME is the end of job {job}, {_ago(-told)} ago; it is left out, and the study has no deadline. "
            f"Unset SLURM_JOB_ID in a terminal of a job that has ended, or pass deadline="
        )
        return None
    if left is None:
        return None
    return max(left - min(max(_SHARE * left, _LEAST_MARGIN), _MOST_MARGIN), 0.0)


def parse_duration(text: str) -> float | None:
    """Return the seconds of a duration in Slurm's form, e.g. "1-02:30:00" or "59:12"; None for an unlimited one.

    Raises:
        ValueError: `text` is not a duration.
    """
    text = text.strip()
    if text.upper() in _ENDLESS:
        return None
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"no duration of Slurm's: {text!r}")
    parts = [int(part) for part in (match["day_parts"] or match["parts"]).split(":")]
    units = _DAY if match["days"] else _UNITS[len(parts)]
    return float(86400 * int(match["days"] or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False)))


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds:.0f} seconds"


def _ask_squeue(job: str) -> str:
    """Return squeue's remaining time of `job`, or an empty text if squeue fails: the job then has no deadline here."""
    command = ["squeue", "--noheader", "--jobs", job, "--format", "%L"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout.strip()
        parse_duration(answer)
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    return answer

"""Words of a command line: split as by a shell, without the rest of its language, and the files that they name."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Container, Sequence

from hyperspace.errors import InputError
from hyperspace.system.terminal import printable

# A word with its quotes, which protect shell operators.
_RAW = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""", re.DOTALL)
# Redirections, pipes and command separators: > out.txt, 2>&1, | tee, && echo, cd run; &
_OPERATOR = re.compile(r"\d*>{1,2}|\d*<{1,3}|&>{1,2}|\|{1,2}|&&|&(?=$)|;")
_JOINED = re.compile(r"[^\\](;|&)$")
_WORDS_OF_SHELLS = {
    ".",
    "alias",
    "cd",
    "eval",
    "exec",
    "export",
    "for",
    "if",
    "module",
    "pushd",
    "set",
    "source",
    "ulimit",
    "while",
}
SCRIPTS = frozenset((".py", ".sh", ".pl", ".R", ".r", ".jl", ".m", ".rb", ".lua", ".jar"))
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*|bash|sh|zsh|ksh|dash|perl|ruby|julia|Rscript|lua|java|octave")
_LAUNCHERS = {"env", "mpiexec", "mpirun", "nice", "nohup", "numactl", "prlimit", "srun", "stdbuf", "taskset", "time", "timeout"}
# Programs whose following words are names of another machine or container.
_ELSEWHERE = {"apptainer", "chroot", "conda", "docker", "podman", "sarus", "shifter", "singularity", "ssh", "udocker"}
_NO_SCRIPT = re.compile(r"-(\w*[ceE]|m)")  # options of interpreters with code or a module instead of a file, such as bash -lc
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


def split_line(line: str) -> list[str]:
    """Return the words of a command line; a leading ~/ outside quotes is the home folder.

    Raises:
        InputError: shell syntax other than words and quotes.
        ValueError: unbalanced quotes.
    """
    words = shlex.split(line)
    raw = _RAW.findall(line)
    for word in raw:
        if operator := _OPERATOR.match(word) or _JOINED.search(word):
            sign = operator[operator.lastindex or 0]
            raise InputError(
                f"the command has a {sign!r} that only a shell understands, and it runs without one; write sh -c '...' around "
                f"it, or a script (in quotes, {sign!r} is passed on to the program)"
            )
    if len(raw) != len(words):  # quotes that the pattern above does not cover
        return words
    return [_with_home(word) if quoted.startswith("~/") else word for word, quoted in zip(words, raw, strict=True)]


def _with_home(word: str) -> str:
    """Return a word with the home folder instead of its ~; braces in that folder's name are not placeholders."""
    home = os.path.expanduser("~").replace("{", "{{").replace("}", "}}")
    return home + word[1:]


def not_found(program: str) -> InputError:
    """Return the error for a missing program."""
    if program in _WORDS_OF_SHELLS or _ASSIGNMENT.fullmatch(program):
        return InputError(
            f"the command begins with {program!r}, a word of a shell's, and it runs without a shell; write sh -c '...' around "
            f"it, or a script"
        )
    return InputError(
        f"the command's program {program!r} was not found; give its path, or see that it is executable (there is no shell that "
        f"knows other commands)"
    )


def missing_script(words: Sequence[str | None], origin: str, own: Container[str]) -> str | None:
    """Return the script of an interpreter that is missing, such as sim.py in `python sim.py`; None if there is none.

    Args:
        words: the words of the command; None for words with values.
        origin: the folder in which names are looked up.
        own: names of files in the trial's folder.
    """
    for position, word in enumerate(words):
        name = os.path.basename(word or "")
        if name in _ELSEWHERE or (position == 0 and name not in _LAUNCHERS and not _INTERPRETER.fullmatch(name)):
            return None
        if _INTERPRETER.fullmatch(name):
            for argument in words[position + 1 :]:
                if argument is None or _NO_SCRIPT.fullmatch(argument) or " " in argument:
                    return None
                if os.path.splitext(argument)[1] in SCRIPTS:
                    there = os.path.normpath(argument) in own or os.path.exists(os.path.join(origin, argument))
                    return None if there else argument
            return None
    return None


def as_written(text: str) -> str:
    """Return a text in quotes for a message, as the user wrote it, without doubled backslashes."""
    return f"'{printable(text)}'"


def file_of(word: str) -> str:
    """Return the part of a word that may name a file: all of it, or the part after the = of --option=FILE."""
    return word.partition("=")[2] if word.startswith("-") and "=" in word else word


def with_absolute_file(word: str, origin: str, own: Container[str], is_program: bool = False) -> str:
    """Return a word with the absolute name of its file in a folder; any other word unchanged.

    Args:
        word: a word of a command.
        origin: the folder.
        own: names of files in the trial's folder.
        is_program: whether it is the first word. Without a slash it is looked up in PATH; with one it always names a file.
    """
    name = word if is_program else file_of(word)
    if not name or os.path.normpath(name) in own or (is_program and os.sep not in name):
        return word
    path = os.path.join(origin, name.removeprefix("./"))
    return word[: len(word) - len(name)] + path if is_program or os.path.isfile(path) else word

"""Errors with a message for the user: the expected value, the actual one, and a remedy."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from hyperspace.system.terminal import printable

_MOST_SHOWN = 200  # characters of a value in a message
_DEEPEST = 6  # largest depth of nested containers in a message
_LONGEST_INTEGER = 400  # bits of an integer that is shown in digits, about 120 digits


class HyperSpaceError(Exception):
    """Base of every error that this package raises itself; its message can be shown on any terminal.

    Attributes:
        raised_by_all: the ranks that all raise it together; None if this process may be the only one.
        told_by_rank_0: whether rank 0 reports it, so that this rank prints no traceback.
    """

    raised_by_all: object = None
    told_by_rank_0: bool = False

    def __str__(self) -> str:
        """Return the message with escaped control characters: it may quote names and texts from any source."""
        return printable(super().__str__(), lines=True)


class InputError(HyperSpaceError, ValueError):
    """Invalid argument, search space or answer of the objective."""


class ArgumentError(InputError, TypeError):
    """Call with an unknown name of an argument."""


class NotBuiltError(HyperSpaceError, NotImplementedError):
    """Option of the signature that this version does not implement."""


class StudyError(HyperSpaceError, RuntimeError):
    """Unusable study folder: it holds another study, is damaged, or cannot be written.

    Attributes:
        result: the Result of the known evaluations when a run ended with this error, if there were any; else None.
    """

    result: Any = None


class LaunchError(HyperSpaceError, RuntimeError):
    """Wrong start of the process: another MPI, or none."""


def refuse_class(argument: str, value: object) -> None:
    """Refuse a class that was passed instead of an object of it.

    Raises:
        InputError: `value` is a class.
    """
    if isinstance(value, type):
        raise InputError(f"{argument} is the class {value.__name__}; pass an object of it, {value.__name__}(...)")


def how_to_install(extra: str) -> str:
    """Return a hint on how to install the libraries of an extra, as the end of a sentence.

    The package is installed from a clone. The name hyperspace on PyPI belongs to another project.
    """
    return f'run pip install ".[{extra}]" in your clone of HyperSpace'


def traceback_of(error: BaseException, frames: TracebackType | None) -> str:
    """Return an exception's traceback, also if it has attributes that Python itself cannot print.

    Args:
        error: the exception.
        frames: start of the traceback.
    """
    try:
        return "".join(traceback.format_exception(type(error), error, frames))
    except KeyboardInterrupt:
        raise
    except BaseException:
        return "".join([*traceback.format_tb(frames), f"{type(error).__qualname__}: {message_of(error)}\n"])


def message_of(error: BaseException) -> str:
    """Return str(error), also for user classes with a `__str__` that fails."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return "<its message cannot be shown>"


def shown(value: object, most: int = _MOST_SHOWN) -> str:
    """Return repr(value) for a message: one printable line of about `most` characters, for any value.

    A long value is cut. A very long integer is described by its number of digits, and a value without a repr by its type.
    """
    text = _sketch(value, most, _DEEPEST)
    if not text.isprintable():
        text = re.sub(r"\s*\n\s*", " ", text)
        text = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return text if len(text) <= most + 3 else f"{text[:most]}..."


def shown_all(values: Iterable[object], most: int = 5 * _MOST_SHOWN) -> str:
    """Return a list of choices for a message, each as `shown` returns it, separated by commas."""
    return _joined((shown(value) for value in values), most)


def _sketch(value: object, most: int, depth: int) -> str:
    # Exact types: a subclass may have its own repr.
    if type(value) is int:
        bits = value.bit_length()
        return repr(value) if bits <= _LONGEST_INTEGER else f"an integer of about {bits * 30103 // 100000 + 1} digits"
    if isinstance(value, (str, bytes)) and type(value) in (str, bytes):
        return repr(value) if len(value) <= most else f"{value[:most]!r}..."
    if isinstance(value, (list, tuple, dict, set, frozenset)) and type(value) in (list, tuple, dict, set, frozenset) and value:
        return _sketch_container(value, most, depth)
    try:
        return repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # an exception of user code, or a RecursionError
        return f"<{type(value).__qualname__}>"


def _sketch_container(
    value: list[object] | tuple[object, ...] | dict[object, object] | set[object] | frozenset[object], most: int, depth: int
) -> str:
    head, tail = {list: "[]", tuple: "()", frozenset: ("frozenset({", "})")}.get(type(value), "{}")
    if depth == 0:
        return f"{head}...{tail}"
    if isinstance(value, dict):
        pairs = value.items()
        body = _joined((f"{_sketch(key, most, depth - 1)}: {_sketch(element, most, depth - 1)}" for key, element in pairs), most)
    else:
        body = _joined((_sketch(element, most, depth - 1) for element in value), most)
    return f"{head}{body}{',' if type(value) is tuple and len(value) == 1 else ''}{tail}"


def _joined(parts: Iterable[str], most: int) -> str:
    """Join parts by commas; an ellipsis replaces those beyond `most` characters."""
    kept: list[str] = []
    length = 0
    for part in parts:
        if length > most:
            kept.append("...")
            break
        kept.append(part)
        length += len(part) + 2
    return ", ".join(kept)

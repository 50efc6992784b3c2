"""Text for terminals, files and labels: characters that cannot be shown or encoded are escaped.

Names, categories and error texts come from any source. A terminal executes escape sequences and directional marks in them, and no
encoding supports lone surrogates. Shown text is converted by `printable`, stored text by `well_formed`.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from typing import TextIO
from unicodedata import category

_HANDLER = "hyperspace.signs"  # name of the handler of encoding errors
_ASCII = {
    "━": "=",
    "╸": "=",
    "╺": "-",
    "…": "...",
    "×": "x",
    "–": "-",
    "—": "-",
    "−": "-",
    "“": '"',
    "”": '"',
    "’": "'",
}
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # categories of Unicode: control, format, surrogate, line and paragraph separators
_silent: ContextVar[bool] = ContextVar("hyperspace_silent", default=False)  # whether messages are dropped
# Harmless format characters: they join or separate letters.
_HARMLESS = "\u00ad\u200b\u200c\u200d\u2060"


def printable(text: object, lines: bool = False) -> str:
    r"""Return `text` with escapes such as \x1b and \u202e for control characters, directional marks and lone surrogates.

    Args:
        text: any object; its str() is used.
        lines: whether to keep line breaks and tabs.
    """
    words = str(text)
    if lines:
        words = words.replace("\r\n", "\n")
    if words.isprintable():
        return words
    kept = _HARMLESS + "\n\t" if lines else _HARMLESS
    return "".join(_escape(c) if category(c) in _UNSEEN and c not in kept else c for c in words)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def well_formed(text: str) -> str:
    r"""Return `text` with escapes such as \udc80 for lone surrogates, which files and terminals do not accept."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fitting(text: object, stream: TextIO | None, lines: bool = False) -> str:
    """Return the printable form of `text` in the encoding of `stream`."""
    words = printable(text, lines)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        return words.encode(encoding, _HANDLER).decode(encoding)
    except LookupError:  # an unknown encoding
        return words.encode("ascii", _HANDLER).decode("ascii")


def duration(seconds: float) -> str:
    """Return seconds as 0:01:15, or 2 days, 0:01:15."""
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def silence(on: bool) -> Iterator[None]:
    """Drop the messages of `tell` in this block, if `on`; in a silent block, an inner one is silent, too."""
    token = _silent.set(on or _silent.get())
    try:
        yield
    finally:
        _silent.reset(token)


def tell(text: object) -> None:
    """Print a message to standard error, except in silence; if it cannot be written, it is lost without an error."""
    stream = sys.stderr
    if stream is not None and not _silent.get():
        with suppress(OSError, ValueError):  # ValueError: a closed stream
            stream.write(fitting(f"hyperspace: {text}", stream, lines=True) + "\n")
            stream.flush()


def take_any_text() -> None:
    """Make standard output and standard error of this process accept any text: unsupported characters are escaped."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # a user's stream, or a closed one
            stream.reconfigure(errors=_HANDLER)  # type: ignore[union-attr]


def write_out() -> bool:
    """Flush standard output; return whether all was written.

    A closed pipe is not an error. Any other failure is reported.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return lose_output(error)
    except ValueError:  # a closed stream
        pass
    return True


def lose_output(error: OSError) -> bool:
    """Report a failure of standard output, and discard the rest of it; return whether the failure is harmless."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    if error.errno == errno.EPIPE:
        return True
    tell(f"standard output cannot be written: {error.strerror}")
    return False


def _signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ASCII.get(c) or _escape(c) for c in error.object[error.start : error.end]), error.end


codecs.register_error(_HANDLER, _signs)

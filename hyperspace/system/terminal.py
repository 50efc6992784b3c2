"""Text for terminals, files and labels: what cannot be shown or encoded becomes a visible sign.

Names, categories and error texts come from anywhere. A terminal obeys escape sequences and writing marks within them, and no
encoding has lone surrogates. What is shown passes through `printable`, what is stored as text through `well_formed`.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TextIO
from unicodedata import category

_HANDLER = "hyperspace.signs"  # of encoding errors
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
# Format characters that do no harm: they join or part letters.
_HARMLESS = "\u00ad\u200b\u200c\u200d\u2060"


def printable(text: object, lines: bool = False) -> str:
    r"""Return `text` with escapes such as \x1b and \u202e for control characters, writing marks and lone surrogates.

    Args:
        text: anything; its str() is taken.
        lines: keep line breaks and tabs, for texts of several lines.
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
    r"""Return `text` with escapes such as \udc80 for lone surrogates, which no file or terminal takes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def fitting(text: object, stream: TextIO | None, lines: bool = False) -> str:
    """Return what of `text` is printable, in the encoding of `stream`."""
    words = printable(text, lines)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        return words.encode(encoding, _HANDLER).decode(encoding)
    except LookupError:  # an encoding that Python does not know
        return words.encode("ascii", _HANDLER).decode("ascii")


def duration(seconds: float) -> str:
    """Return seconds as 0:01:15, or 2 days, 0:01:15."""
    return str(timedelta(seconds=round(seconds)))


def tell(text: object) -> None:
    """Print a message to standard error; one that cannot be written is lost, and nothing else."""
    stream = sys.stderr
    if stream is not None:
        with suppress(OSError, ValueError):  # ValueError: it was closed
            stream.write(fitting(f"hyperspace: {text}", stream, lines=True) + "\n")
            stream.flush()


def take_any_text() -> None:
    """Let standard output and standard error of this process take any text: what they cannot encode becomes a sign."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # a stream of somebody's own, or a closed one
            stream.reconfigure(errors=_HANDLER)  # type: ignore[union-attr]


def write_out() -> bool:
    """Write what standard output still holds; return whether all was written.

    A reader that has gone has seen enough. Anything else that keeps it from being written is told.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return lose_output(error)
    except ValueError:  # it was closed
        pass
    return True


def lose_output(error: OSError) -> bool:
    """Tell that standard output could not be written, and let the rest of it get lost; return whether nobody misses it."""
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

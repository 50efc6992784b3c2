import io
import sys

import pytest

from hyperspace.errors import InputError
from hyperspace.system.terminal import fitting, printable, tell, well_formed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢 👩‍💻", "plain ü 漢 👩‍💻"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\x9b2J\x7f", "\\x9b2J\\x7f"),
        ("a\u202eb\u2066c\u200fd", "a\\u202eb\\u2066c\\u200fd"),
        ("a\u2028b\ufeff", "a\\u2028b\\ufeff"),
        ("bad \udc80", "bad \\udc80"),
    ],
)
def test_what_a_terminal_obeys_is_shown_as_signs(text, shown):
    assert printable(text) == shown


def test_a_text_of_several_lines_keeps_them():
    assert printable("a\r\nb\n\tc\rd", lines=True) == "a\nb\n\tc\\rd"


def test_text_for_files_has_no_lone_surrogates():
    assert well_formed("ü \udc80").encode() == "ü \\udc80".encode()


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "\\xfc == ..."), ("latin-1", "ü == ..."), ("utf-8", "ü ━━ …")])
def test_text_fits_the_encoding(encoding, shown):
    assert fitting("ü ━━ …", io.TextIOWrapper(io.BytesIO(), encoding=encoding)) == shown


def test_telling_outlives_a_stream_that_is_gone(monkeypatch):
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        tell("anything")


def test_an_error_shows_no_escape_sequences():
    assert str(InputError("got \x1b[2J and \udc80\nand more")) == "got \\x1b[2J and \\udc80\nand more"

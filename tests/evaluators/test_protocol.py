"""What counts as an answer of a worker."""

import json

import pytest

from hyperspace.evaluators.protocol import Lines, NoAnswer, parse_answer

FINISHED = {
    "process": 4711,
    "trial": 8,
    "event": "finished",
    "status": "ok",
    "metrics": {"loss": 0.5, "curve": [1, 2.0], "odd": float("nan")},
    "seconds": 0.2,
    "error": None,
    "fault": None,
    "fatal": None,
    "again": False,
    "note": None,
    "memory": 10**9,
}


def test_an_answer_is_read():
    assert str(parse_answer(json.dumps(FINISHED).encode())) == str(FINISHED)
    for answer in (
        {"process": 1, "trial": 0, "event": "ready"},
        {"process": 1, "trial": 0, "event": "refused", "reason": "no module"},
        {"process": 1, "trial": 3, "event": "reported", "step": -1, "metrics": {"loss": 0.5}},
    ):
        assert parse_answer(json.dumps(answer).encode()) == answer


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"123",
        b"null",
        b"{}",
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"event": "ready"}',
        b'{"event": ["ready"]}',
        b"9" * 5000,
        b'{"event": "finished"',
        json.dumps(FINISHED).encode() * 2,
        *[
            json.dumps(FINISHED | change).encode()
            for change in (
                {"process": "4711"},
                {"trial": -1},
                {"trial": True},
                {"event": "gone"},
                {"status": "running"},
                {"metrics": [0.5]},
                {"metrics": {"loss": "0.5"}},
                {"metrics": {"loss": [[1.0]]}},
                {"metrics": {"loss": True}},
                {"seconds": -1.0},
                {"seconds": float("nan")},
                {"error": 5},
                {"fault": "nobody"},
                {"fatal": True},
                {"fatal": "OSError"},
                {"again": None},
                {"memory": 0.5},
                {"more": 1},
            )
        ],
    ],
)
def test_anything_else_is_none(line):
    with pytest.raises(NoAnswer) as refused:
        parse_answer(line)
    assert len(str(refused.value)) < 300


def test_lines_come_in_pieces():
    lines = Lines()
    assert lines.add(b"ab") == []
    assert lines.add(b"c\nde\n\nf") == [b"abc", b"de", b""]
    assert lines.add(b"") == []
    assert lines.add(b"\n") == [b"f"]


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("hyperspace.evaluators.protocol._LONGEST", 10)
    lines = Lines()
    assert lines.add(b"0123456789") == []
    with pytest.raises(NoAnswer, match="more than 10 bytes"):
        lines.add(b"0")

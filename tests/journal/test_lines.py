import json
import zlib

import pytest

from hyperspace.journal import decode_line, encode_line

RECORD = {"event": "started", "drive": 3, "x": [0.1, 4, "é", None, True], "model": {"a": {"b": []}}, "crc": "its own"}


def test_strict_json_only():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_line({"x": float("nan")})
    assert decode_line(encode_line({"x": 0.1})[:-1])["x"] == 0.1


def test_what_strict_json_cannot_write_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        encode_line({"x": {1}})


def test_a_line_is_json_that_ends_with_the_checksum_of_the_text_before_it():
    line = encode_line(RECORD)
    assert line.count(b"\n") == 1
    assert line.isascii()  # whatever an editor takes the file for
    body, mark, crc = line.rpartition(b',"crc":"')
    assert mark
    assert crc == f'{zlib.crc32(body):08x}"}}\n'.encode()
    assert json.loads(line) == RECORD | {"crc": f"{zlib.crc32(body):08x}"}


def test_a_line_is_decoded_to_its_record():
    assert decode_line(encode_line(RECORD)[:-1]) == RECORD


def test_a_newline_in_a_text_does_not_end_the_line():
    line = encode_line({"error": "one\ntwo\r\N{LINE SEPARATOR}three"})
    assert line.splitlines(keepends=True) == [line]
    assert decode_line(line[:-1])["error"] == "one\ntwo\r\N{LINE SEPARATOR}three"


def test_numbers_come_back_bit_by_bit():
    numbers = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 2**80]
    assert list(map(repr, decode_line(encode_line({"x": numbers})[:-1])["x"])) == list(map(repr, numbers))


def test_any_flipped_bit_is_found():
    line = encode_line({"event": "started", "x": [0.5, "a"]})[:-1]
    for position in range(len(line)):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[position] ^= 1 << bit
            with pytest.raises(ValueError, match="checksum"):
                decode_line(bytes(damaged))


def test_any_cut_is_found():
    line = encode_line({"event": "started", "x": [0.5, "a"]})[:-1]
    for size in range(len(line)):
        with pytest.raises(ValueError, match="checksum"):
            decode_line(line[:size])


def test_a_checksum_that_fits_makes_no_json_of_another_text():
    body = b'{"event":"started",'
    with pytest.raises(ValueError, match="property name"):
        decode_line(body + f',"crc":"{zlib.crc32(body):08x}"}}'.encode())

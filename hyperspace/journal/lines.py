"""Lines of a journal: one JSON object each, with the CRC32 of the preceding text."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from hyperspace.trials.records import Record

FORMAT = 1  # format number of a study's files
_CRC = ',"crc":"'
_CRC_BYTES = len(_CRC) + 8 + len('"}')


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Return `record` as one line with its checksum.

    Raises:
        ValueError: a value that strict JSON cannot represent.
    """
    body = json.dumps(record, separators=(",", ":"), allow_nan=False)[:-1]
    return f'{body}{_CRC}{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def decode_line(line: bytes) -> Record:
    """Return the record of a line of `encode_line` (without its newline).

    Raises:
        ValueError: a wrong checksum, or a line that is not JSON.
    """
    body, mark = line[:-_CRC_BYTES], line[-_CRC_BYTES:]
    if mark != f'{_CRC}{zlib.crc32(body):08x}"}}'.encode():
        raise ValueError("its checksum does not fit")
    record: Record = json.loads(body + b"}")  # JSON that ends with a brace is an object
    return record

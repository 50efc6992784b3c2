"""A drive's append-only log of events, its checkpoint; together the journals are the study.

A journal is a text file, one JSON object a line, each with a sequence number and the CRC32 of the line before it is added:

    {"event":"study","format":1,"study":"5d1c...","drive":3,"follows":{},"sequence":0,"crc":"c2a5..."}
    {"event":"started","drive":3,"iteration":0,"x":[4,0.17,7],"arm":"design",...,"sequence":1,"crc":"..."}
    {"event":"finished","drive":3,"iteration":0,"status":"ok","metrics":{"objective":1.5},"seconds":0.2,...}

Each run writes segments of its own, named by the number of its lease; their headers tell how many lines of the earlier ones
count. A line is on disk (fsync) before anyone hears of it. A last line without its end was torn by a kill and is left out; any
other damage is an error that names file and line. Nothing is ever pickled: reading a study cannot run code.
"""

from hyperspace.journal.folder import StudyFolder
from hyperspace.journal.lease import Claim, LeaseLostError, Leases, join_study, take_study
from hyperspace.journal.lines import FORMAT, decode_line, encode_line
from hyperspace.journal.reader import DriveReader, JournalReader, read_journal
from hyperspace.journal.writer import Journal, open_journal

__all__ = [
    "FORMAT",
    "Claim",
    "DriveReader",
    "Journal",
    "JournalReader",
    "LeaseLostError",
    "Leases",
    "StudyFolder",
    "decode_line",
    "encode_line",
    "join_study",
    "open_journal",
    "read_journal",
    "take_study",
]

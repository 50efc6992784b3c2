"""Journals: append-only logs of the drives' events. A drive's journal is its checkpoint; all journals together are the study.

A journal is a text file with one JSON object a line. Each line ends with a sequence number and the CRC32 of the preceding text:

    {"event":"study","format":1,"study":"5d1c...","drive":3,"follows":{},"sequence":0,"crc":"c2a5..."}
    {"event":"started","drive":3,"iteration":0,"x":[4,0.17,7],"arm":"design",...,"sequence":1,"crc":"..."}
    {"event":"finished","drive":3,"iteration":0,"status":"ok","metrics":{"objective":1.5},"seconds":0.2,...}

Each run writes its own segments, named by the number of its lease. Their headers give the number of valid lines of earlier
segments. A line is on disk (fsync) before its event is shared. An incomplete last line, cut by a kill, is ignored. Any other
damage is an error with file and line. Nothing is pickled: reading a study cannot run code.
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

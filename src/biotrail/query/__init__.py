"""Questions to a log: records read and opened, and found by what is personal.

Reads what lies in a store as it lies there. Each record is held against itself (entry, payload,
commitments); that the log as a whole holds is for `biotrail.verify`.
"""

from biotrail.query.gone import Gone
from biotrail.query.look_up import Answers
from biotrail.query.reader import RecordReader, open_records
from biotrail.query.record import Record, Unreadable
from biotrail.query.where import Where

__all__ = ["Answers", "Gone", "Record", "RecordReader", "Unreadable", "Where", "open_records"]

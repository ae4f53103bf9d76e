"""Questions to a log: records read and opened, found by what they say, and proven.

`LogQuery` holds every answer against a signed checkpoint. `RecordReader` reads what lies in a store
as it lies there: each record is held against itself (entry, payload, commitments); that the log as
a whole holds is for `biotrail.verify`.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.query.asking import FieldName, field
from biotrail.query.condition import And, Condition, Not, Or
from biotrail.query.follow import Follower
from biotrail.query.gone import Gone
from biotrail.query.log_query import LogQuery, open_query
from biotrail.query.look_up import Answers
from biotrail.query.places import Near, Within
from biotrail.query.reader import RecordReader, open_records
from biotrail.query.record import Record, Unreadable
from biotrail.query.syntax import parse_condition
from biotrail.query.terms import Compare, Exists, OneOf, StartsWith
from biotrail.query.tree import AuthenticatedTree
from biotrail.query.verified import FacetValue, Page, TimeBucket, VerifiedEntry
from biotrail.query.where import Where

if TYPE_CHECKING:
    from biotrail.query.follow_async import AsyncFollower

__all__ = [
    "And",
    "Answers",
    "AsyncFollower",
    "AuthenticatedTree",
    "Compare",
    "Condition",
    "Exists",
    "FacetValue",
    "FieldName",
    "Follower",
    "Gone",
    "LogQuery",
    "Near",
    "Not",
    "OneOf",
    "Or",
    "Page",
    "Record",
    "RecordReader",
    "StartsWith",
    "TimeBucket",
    "Unreadable",
    "VerifiedEntry",
    "Where",
    "Within",
    "field",
    "open_query",
    "open_records",
    "parse_condition",
]

# It imports asyncio, which not every reader needs.
__getattr__ = load_when_used(__name__, {"AsyncFollower": "biotrail.query.follow_async"})

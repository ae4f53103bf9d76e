"""What a question is answered with: entries that were proven, and pages of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

import attrs

from biotrail.canonical import Entry
from biotrail.events import Event
from biotrail.query.record import Record
from biotrail.signing import SignedCheckpoint
from biotrail.tlog import ProofFile

__all__ = ["FacetValue", "Page", "TimeBucket", "VerifiedEntry"]


@attrs.frozen(eq=False)
class VerifiedEntry:
    """An entry that is in the log: its leaf was held against the root of a signed checkpoint.

    Made by `LogQuery` alone, once the check has passed.

    Attributes:
        record: The record: the entry decoded, and what could be opened of its payload.
        checkpoint: The signed checkpoint that vouches for it.
    """

    record: Record
    checkpoint: SignedCheckpoint
    _prove: Callable[[Record, SignedCheckpoint, Collection[str]], ProofFile] = attrs.field(
        repr=False
    )

    @property
    def index(self) -> int:
        """Its index in the log."""
        return self.record.index

    @property
    def entry(self) -> Entry:
        """The entry, decoded."""
        return self.record.entry

    @property
    def event(self) -> Event | None:
        """The event, with the personal fields that were opened; None for other kinds."""
        return self.record.event

    def proof(self, *, fields: Collection[str] = ()) -> ProofFile:
        """The proof file that shows this to anybody, against the same checkpoint.

        Args:
            fields: Names of personal fields to show with it: these and no others.

        Raises:
            BiotrailError: As `biotrail.RecordReader.prove`.
        """
        return self._prove(self.record, self.checkpoint, fields)


@attrs.frozen(eq=False)
class Page:
    """One page of answers.

    Attributes:
        records: The answers, in the order that was asked for.
        next: The cursor of the page that follows; None where there is nothing more to look
            through. (The last page may be empty: what is left may hold no answer.)
        checkpoint: The signed checkpoint that every answer was proven against.
        misleading: Indices to which columns beside the log led, and which are no answer. If there
            are any, somebody has changed the store.
    """

    records: tuple[VerifiedEntry, ...]
    next: str | None
    checkpoint: SignedCheckpoint
    misleading: tuple[int, ...] = ()


@attrs.frozen
class FacetValue:
    """A value of a field, and how many answers have it.

    Attributes:
        value: The value, in words.
        count: How many.
    """

    value: str
    count: int


@attrs.frozen
class TimeBucket:
    """A stretch of time, and how many answers were recorded in it.

    Attributes:
        start: Its beginning, in UTC.
        count: How many.
        by: For each value of the field that was asked for, in words, how many of them.
    """

    start: datetime
    count: int
    by: dict[str, int] = attrs.field(factory=dict)

"""One question to one log, at one checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from biotrail.canonical import parse_time
from biotrail.query.answering import Answering
from biotrail.query.columns import Bits, Columns, Plan
from biotrail.query.cursor import Position
from biotrail.query.plan import microseconds, span_mask
from biotrail.query.record import Record
from biotrail.query.walk import Candidate, Sort, bits_of, runs, walk
from biotrail.signing import SignedCheckpoint
from biotrail.stores.postings import SEGMENT

__all__ = ["Found", "Question"]

_MOST_AT_ONCE = 512
_FEWEST_AT_ONCE = 16


class Found(NamedTuple):
    """The answers of one page.

    Attributes:
        records: The answers, in order.
        last: The last candidate that was looked at, if there is another after it.
        misleading: Indices to which columns led that do not know better.
    """

    records: list[Record]
    last: Position | None
    misleading: list[int]


class Question:
    """Finds the answers to one question.

    Attributes:
        checkpoint: The checkpoint up to which is asked.
        columns: The log's columns.
    """

    def __init__(
        self, checkpoint: SignedCheckpoint, plan: Plan, columns: Columns, answering: Answering
    ) -> None:
        """Ask.

        Args:
            checkpoint: The checkpoint up to which is asked.
            plan: Where answers can be.
            columns: The log's columns.
            answering: Decides.
        """
        self.checkpoint = checkpoint
        self.columns = columns
        self._plan = plan
        self._answering = answering

    def page(self, sort: Sort, limit: int, after: Position | None) -> Found:
        """The first answers after a position.

        Args:
            sort: The order.
            limit: How many.
            after: The position; None for the beginning.
        """
        found = Found([], None, [])
        size = self.checkpoint.size
        candidates = walk(self._plan, self.columns, sort, size, after)
        many = max(limit, _FEWEST_AT_ONCE)
        waiting = list(islice(candidates, many))
        while waiting:
            following = list(islice(candidates, 1))
            last = self._take(found, waiting, sort, limit, more=bool(following))
            if last is not None or len(found.records) == limit:
                return found._replace(last=last)
            many = min(2 * many, _MOST_AT_ONCE)
            waiting = [*following, *islice(candidates, many - 1)] if following else []
        return found

    def _take(
        self, found: Found, some: Sequence[Candidate], sort: Sort, limit: int, *, more: bool
    ) -> Position | None:
        """Decide about candidates; returns where the page ended, if there are more."""
        admitted = {one.index: one for one in self._answering.admitted([one.index for one in some])}
        for place, one in enumerate(some, 1):
            record = admitted.get(one.index)
            if record is not None and (not sort.endswith("occurred") or _key(record) == one.key):
                found.records.append(record)
            elif one.sure or record is not None:
                found.misleading.append(one.index)
            if len(found.records) == limit and (more or place < len(some)):
                return Position(one.key, one.index)
        return None

    def records(self) -> Iterator[Record]:
        """All answers, in order; opened only where that is needed to decide."""
        size = self.checkpoint.size
        candidates = walk(self._plan, self.columns, "index", size, None)
        while some := [one.index for one in islice(candidates, _MOST_AT_ONCE)]:
            yield from self._answering.decided(some)

    def at(self, indices: Sequence[int]) -> list[Record]:
        """The answers among the entries at some indices, opened."""
        return self._answering.admitted(indices)

    def every_record(self) -> Iterator[Record]:
        """The same, by looking at every entry of the log instead of by its columns."""
        size = self.checkpoint.size
        for start in range(0, size, _MOST_AT_ONCE):
            yield from self._answering.decided(range(start, min(start + _MOST_AT_ONCE, size)))

    def bitmaps(self, start: int, stop: int) -> Iterator[tuple[int, Sequence[int]]]:
        """The answers in a range of indices, as bitmaps of a few segments at a time.

        What columns are sure of is not looked at.

        Returns:
            Number of the first segment, and the bitmap of it and of those after it.
        """
        for first, last in runs(start, stop):
            bits = self._plan(first, last)
            yield (
                first,
                [
                    self._settled(number, one, span_mask(number, start, stop))
                    for number, one in zip(range(first, last), bits, strict=True)
                ],
            )

    def _settled(self, number: int, bits: Bits, mask: int) -> int:
        settled = bits.sure & mask
        first = number * SEGMENT
        doubtful = [first + one for one in bits_of(bits.possible & mask & ~settled)]
        for record in self._answering.decided(doubtful) if doubtful else ():
            settled |= 1 << record.index - first
        return settled


def _key(record: Record) -> int:
    """By what a record is sorted among others, in time."""
    if record.kind != "event":
        return microseconds(record.recorded)
    content: Any = record.content
    return microseconds(parse_time(content["occurred"]))

"""Postings in SQLite: rows at the right edge of their tables, written once for 4,096 entries.

Specified for other readers in ``docs/spec/sqlite.md``. Segments are written in order, without a
gap. What is not written yet, readers calculate from the look-up columns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from biotrail.stores._sqlite_sealed import SealedReading, in_groups
from biotrail.stores.base import Lookup
from biotrail.stores.postings import SEGMENT, Segment, segment_of

__all__ = ["POSTINGS_SINCE", "PostingsReading", "Recent", "complete_segments", "segments_missing"]

POSTINGS_SINCE = 4
_MOST_AT_ONCE = 16
_FAULTS = 10
_LAST = "SELECT coalesce(max(segment), -1) FROM posting_times"
_LOOKUPS = (
    f"SELECT {', '.join(Lookup._fields)} FROM entries "  # noqa: S608 - names of our own columns
    "WHERE idx >= ? AND idx < ? ORDER BY idx"
)
_INSERT = "INSERT INTO postings (segment, field, value, positions) VALUES (?, ?, ?, ?)"
_INSERT_TIMES = "INSERT INTO posting_times (segment, occurred) VALUES (?, ?)"
_STRAY = "SELECT 1 FROM postings WHERE segment NOT IN (SELECT segment FROM posting_times) LIMIT 1"


class Recent:
    """Look-up columns of the newest entries, for who wrote them: they need not be read back."""

    def __init__(self) -> None:
        """Nothing is known."""
        self.first = 0
        self.lookups: list[Lookup] = []

    def take(self, first: int, lookups: Iterable[Lookup]) -> None:
        """Take those of a batch."""
        if self.first + len(self.lookups) != first:
            self.first, self.lookups = first, []
        self.lookups.extend(lookups)

    def whole(self, number: int) -> list[Lookup] | None:
        """Those of a segment, if all of them are known."""
        start = number * SEGMENT - self.first
        found = self.lookups[start : start + SEGMENT] if start >= 0 else []
        return found if len(found) == SEGMENT else None

    def drop_before(self, index: int) -> None:
        """Forget what lies before an index."""
        if index > self.first:
            del self.lookups[: index - self.first]
            self.first = index


def segments_missing(connection: sqlite3.Connection) -> int:
    """How many segments a log has that are not written yet."""
    (size,) = connection.execute("SELECT coalesce(max(size), 0) FROM head").fetchone()
    (last,) = connection.execute(_LAST).fetchone()
    return max(int(size) // SEGMENT - int(last) - 1, 0)


def complete_segments(connection: sqlite3.Connection, size: int, recent: Recent) -> int:
    """Write segments of a log of so many entries that are not written yet, the oldest 16.

    Returns:
        How many were written.
    """
    (last,) = connection.execute(_LAST).fetchone()
    written = 0
    for number in range(last + 1, min(last + 1 + _MOST_AT_ONCE, size // SEGMENT)):
        lookups = recent.whole(number) or _read(connection, number)
        if len(lookups) < SEGMENT:  # a log with a hole in it; what readers do is say so
            break
        _write(connection, segment_of(number, lookups))
        written += 1
    recent.drop_before(size // SEGMENT * SEGMENT)
    return written


def _read(connection: sqlite3.Connection, number: int) -> list[Lookup]:
    first = number * SEGMENT
    try:
        rows = connection.execute(_LOOKUPS, (first, first + SEGMENT)).fetchall()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode"):
            raise
        return []  # text that somebody has made something else: readers can cope with it
    return [Lookup._make(row) for row in rows]


def _write(connection: sqlite3.Connection, segment: Segment) -> None:
    rows = sorted(segment.postings.items())
    connection.executemany(
        _INSERT, [(segment.number, *place, positions) for place, positions in rows]
    )
    connection.execute(_INSERT_TIMES, (segment.number, segment.occurred))


class PostingsReading(SealedReading):
    """Reads postings; a file of an earlier schema version has none."""

    lookups: Callable[[int, int], Iterator[tuple[int, Lookup]]]

    def _posting_rows(self, query: str, values: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        return self._rows(query, values) if self._is_of(POSTINGS_SINCE) else iter(())

    def segments(self, start: int, stop: int) -> Iterator[int]:
        """Numbers, in order, of the segments of a range that are kept."""
        query = "SELECT segment FROM posting_times WHERE segment >= ? AND segment < ? ORDER BY 1"
        return (int(row[0]) for row in self._posting_rows(query, (start, stop)))

    def postings(
        self, field: str, value: str, start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        """Number and positions of the segments of a range in which a column has a value."""
        # One look-up for each segment: a range would read all that lies between.
        for some, marks in in_groups(range(max(start, 0), stop)):
            query = (
                f"SELECT segment, positions FROM postings WHERE segment IN ({marks}) "  # noqa: S608
                "AND field = ? AND value = ? ORDER BY segment"
            )
            yield from self._posting_rows(query, (*some, field, value))

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        """Number, value and positions for every value of a column in the segments of a range."""
        for some, marks in in_groups(range(max(start, 0), stop)):
            query = (
                "SELECT segment, value, positions FROM postings "  # noqa: S608 - our own words
                f"WHERE segment IN ({marks}) AND field = ? ORDER BY segment, value"
            )
            yield from self._posting_rows(query, (*some, field))

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and times of the segments of a range."""
        query = (
            "SELECT segment, occurred FROM posting_times "
            "WHERE segment >= ? AND segment < ? ORDER BY segment"
        )
        return self._posting_rows(query, (start, stop))

    def posting_faults(self) -> list[str]:
        """Segments whose postings are not those of the look-up columns; empty if all are.

        It reads the columns of the whole log again (5 s for 1,000,000 entries), and nothing that
        is verified rests on postings: so it is asked for by itself, and is no part of
        `structure_faults`. `biotrail.stores.SQLiteStore.renew_postings` mends them.
        """
        if not self._is_of(POSTINGS_SINCE):
            return []
        numbers = [int(row[0]) for row in self._rows("SELECT segment FROM posting_times")]
        stray = (one for one in numbers if self._is_stray(one))
        faults = [
            f"postings of entries {one * SEGMENT} to {one * SEGMENT + SEGMENT - 1} are altered"
            for one in islice(stray, _FAULTS)
        ]
        return faults + ["there are postings of no segment"] * (self._one(_STRAY) is not None)

    def _is_stray(self, number: int) -> bool:
        if not 0 <= number < 2**50:
            return True
        first = number * SEGMENT
        lookups = [one for _, one in self.lookups(first, first + SEGMENT)]
        if len(lookups) != SEGMENT:
            return True
        query = "SELECT field, value, positions FROM postings WHERE segment = ?"
        found = {(row[0], row[1]): row[2] for row in self._rows(query, (number,))}
        times = next((data for _, data in self.occurred(number, number + 1)), b"")
        return Segment(number, found, times) != segment_of(number, lookups)

"""Look-up columns as bitmaps over segments of 4,096 entries: stored ones, and calculated ones.

None of it is trusted. What lies here can hide an answer, and can never make one.
"""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from biotrail.errors import MissingError
from biotrail.stores import StoreReader
from biotrail.stores.positions import Among, count_positions
from biotrail.stores.postings import SEGMENT, SegmentBuilder, decode_occurred, decode_positions

__all__ = ["Bits", "Columns", "Plan", "Times"]

_SEGMENTS_KEPT = 512


class Times(NamedTuple):
    """When the entries of a segment occurred, in microseconds since 1970.

    Attributes:
        at: For each position.
        least: The earliest.
        greatest: The latest.
    """

    at: array[int]
    least: int
    greatest: int


class Bits(NamedTuple):
    """Positions of a segment: those that fit for sure, and those that possibly do."""

    sure: int
    possible: int


Plan: TypeAlias = Callable[[int, int], Sequence[Bits]]
"""Called with two segment numbers; returns the bits of each segment from the one to the other."""


class Columns:
    """The columns of one log. Not thread-safe: `LogQuery` sees to that.

    Attributes:
        size: Up to which index they are asked for; never goes back.
    """

    def __init__(self, store: StoreReader) -> None:
        """Nothing is read yet."""
        self._store: Any = store
        self._searchable = hasattr(store, "field_postings")
        self._stored: set[int] = set()
        self._built: OrderedDict[int, SegmentBuilder] = OrderedDict()
        self._times: OrderedDict[int, Times] = OrderedDict()
        self.size = 0

    def bitmaps(self, field: str, value: str, start: int, stop: int) -> list[int]:
        """Where a column has a value, for each segment with ``start <= number < stop``."""
        found = [0] * (stop - start)
        absent = self._absent(start, stop)
        if len(absent) < stop - start:
            for number, written in self._store.postings(field, value, start, stop):
                found[number - start] = decode_positions(written)
        for number in absent:
            found[number - start] = self._builder(number).bitmaps[field].get(value, 0)
        return found

    def values(self, field: str, start: int, stop: int) -> list[dict[str, int]]:
        """For every value of a column where it stands, for each segment of a range."""
        found: list[dict[str, int]] = [{} for _ in range(start, stop)]
        absent = self._absent(start, stop)
        if len(absent) < stop - start:
            for number, value, written in self._store.field_postings(field, start, stop):
                found[number - start][value] = decode_positions(written)
        for number in absent:
            found[number - start] = self._builder(number).bitmaps[field]
        return found

    def counts(self, field: str, start: int, bitmaps: Sequence[int]) -> Counter[str]:
        """How often each value of a column stands in places of segments, from one on."""
        counted: Counter[str] = Counter()
        stop = start + len(bitmaps)
        absent = self._absent(start, stop)
        if len(absent) < stop - start:
            among = [Among(one) for one in bitmaps]
            for number, value, written in self._store.field_postings(field, start, stop):
                counted[value] += count_positions(written, among[number - start])
        for number in absent:
            bitmap = bitmaps[number - start]
            for value, bits in self._builder(number).bitmaps[field].items():
                counted[value] += (bits & bitmap).bit_count()
        return counted

    def times(self, number: int) -> Times:
        """When the entries of a segment occurred."""
        known = self._times.get(number)
        last = min(self.size - number * SEGMENT, SEGMENT)
        if known is not None and len(known.at) >= last:
            self._times.move_to_end(number)
            return known
        at = self._read_times(number)
        found = self._times[number] = Times(at, min(at), max(at))
        _bound(self._times)
        return found

    def _read_times(self, number: int) -> array[int]:
        if not self._absent(number, number + 1):
            for _, written in self._store.occurred(number, number + 1):
                return decode_occurred(written)
        return array("q", self._builder(number).occurred)

    def _absent(self, start: int, stop: int) -> list[int]:
        """Segments of a range that the store does not keep."""
        absent = [one for one in range(start, stop) if one not in self._stored]
        if absent and self._searchable:
            self._stored.update(self._store.segments(absent[0], absent[-1] + 1))
            absent = [one for one in absent if one not in self._stored]
            for one in range(start, stop):
                if one in self._stored:
                    self._built.pop(one, None)
        return absent

    def _builder(self, number: int) -> SegmentBuilder:
        builder = self._built.get(number)
        if builder is None:
            builder = self._built[number] = SegmentBuilder(number)
            _bound(self._built)
        else:
            self._built.move_to_end(number)
        stop = min(self.size, builder.first + SEGMENT)
        if builder.first + builder.count < stop:
            builder.extend(self._lookups(builder.first + builder.count, stop))
        return builder

    def _lookups(self, start: int, stop: int) -> Iterator[Any]:
        expected = start
        for index, lookup in self._store.lookups(start, stop):
            if index != expected:
                break
            yield lookup
            expected += 1
        if expected != stop:
            raise MissingError(f"entry {expected} is missing", index=expected)


def _bound(kept: OrderedDict[int, Any]) -> None:
    if len(kept) > _SEGMENTS_KEPT:
        kept.popitem(last=False)

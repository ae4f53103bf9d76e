"""Segments of the store in memory: calculated when they are first asked for, and then kept."""

from __future__ import annotations

from collections.abc import Iterator

from biotrail.stores._memory_sealed import SealedMemory
from biotrail.stores.base import Lookup
from biotrail.stores.postings import SEGMENT, Segment, segment_of

__all__ = ["SegmentedMemory"]


class SegmentedMemory(SealedMemory):
    """Keeps segments: whoever writes does not wait for them."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._lookups: list[Lookup] = []
        self._segments: dict[int, Segment] = {}

    def segments(self, start: int, stop: int) -> Iterator[int]:
        """Numbers of the whole segments of a range."""
        return iter(range(max(start, 0), min(stop, len(self._lookups) // SEGMENT)))

    def postings(
        self, field: str, value: str, start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        """Number and positions of the segments of a range in which a column has a value."""
        for number in self.segments(start, stop):
            written = self._segment(number).postings.get((field, value))
            if written is not None:
                yield number, written

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        """Number, value and positions for every value of a column in the segments of a range."""
        for number in self.segments(start, stop):
            for (name, value), written in sorted(self._segment(number).postings.items()):
                if name == field:
                    yield number, value, written

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and times of the segments of a range."""
        return ((number, self._segment(number).occurred) for number in self.segments(start, stop))

    def _segment(self, number: int) -> Segment:
        found = self._segments.get(number)
        if found is None:
            first = number * SEGMENT
            found = segment_of(number, self._lookups[first : first + SEGMENT])
            self._segments[number] = found
        return found

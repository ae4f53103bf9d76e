"""The index over look-up columns: for each value, at which of 4,096 entries it stands.

A *segment* is 4,096 entries, the first of which has an index that is a multiple of 4,096. Its
*postings* say for every column in `COLUMNS` and every value there at which positions (0 to 4,095)
the value stands. In memory positions are one whole number, used as a bitmap: bit n stands for
position n. `biotrail.stores.positions` says what they are as bytes.

All of it is calculated from look-up columns, which are not trusted; it can be dropped and built
anew at any time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

from biotrail.stores.base import Lookup, StoreReader
from biotrail.stores.positions import (
    EVERY_POSITION,
    LONGEST_LIST,
    SEGMENT,
    decode_occurred,
    decode_positions,
    encode_list,
    encode_occurred,
    encode_positions,
)

__all__ = [
    "COLUMNS",
    "EVERY_POSITION",
    "SEGMENT",
    "SearchableStore",
    "Segment",
    "SegmentBuilder",
    "decode_occurred",
    "decode_positions",
    "encode_occurred",
    "encode_positions",
    "segment_of",
]

COLUMNS = (
    "kind",
    "action",
    "target",
    "modality",
    "decision",
    "outcome",
    "reason",
    "tenant",
    "matcher",
)
"""The look-up columns whose values have postings."""

_FEW_VALUES = 64
_PLACES = tuple((name, Lookup._fields.index(name)) for name in COLUMNS)
_RECORDED, _OCCURRED = Lookup._fields.index("recorded"), Lookup._fields.index("occurred")


class Segment(NamedTuple):
    """The index over one whole segment.

    Attributes:
        number: Its number: its first entry is ``4096 * number``.
        postings: For each column and value the positions, as bytes.
        occurred: For each position the time of occurrence, or of recording for an entry that is no
            event: microseconds since 1970, as signed 64-bit integers, little endian; 32,768 bytes.
    """

    number: int
    postings: dict[tuple[str, str], bytes]
    occurred: bytes


@runtime_checkable
class SearchableStore(StoreReader, Protocol):
    """A store that keeps segments. Those of the newest entries may be absent, and so may others.

    What is absent is calculated from the look-up columns by whoever asks.
    """

    def segments(self, start: int, stop: int) -> Iterator[int]:
        """Numbers, in order, of the segments with ``start <= number < stop`` that are kept."""
        ...

    def postings(
        self, field: str, value: str, start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        """Number and positions of the segments of a range in which a column has a value."""
        ...

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        """Number, value and positions for every value of a column in the segments of a range."""
        ...

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and times (see `Segment`) of the segments of a range."""
        ...


class SegmentBuilder:
    """The postings of a segment that still grows, with its positions as bitmaps.

    Attributes:
        first: Index of its first entry.
        count: How many entries were taken so far.
        bitmaps: For each column and value the positions.
        occurred: For each position the time, as in `Segment`.
    """

    def __init__(self, number: int) -> None:
        """Begin the segment of this number, empty."""
        self.number = number
        self.first = number * SEGMENT
        self.count = 0
        self.bitmaps: dict[str, dict[str, int]] = {name: {} for name in COLUMNS}
        self.occurred = array("q")

    def extend(self, lookups: Iterable[Lookup]) -> None:
        """Take the look-up columns of the entries that follow.

        Raises:
            ValueError: There are more than fit.
        """
        places = [(at, self.bitmaps[name]) for name, at in _PLACES]
        for lookup in lookups:
            if self.count == SEGMENT:
                raise ValueError(f"a segment has {SEGMENT} entries")
            bit = 1 << self.count
            for at, found in places:
                value: Any = lookup[at]
                if value is not None:
                    found[value] = found.get(value, 0) | bit
            self.occurred.append(lookup.recorded if lookup.occurred is None else lookup.occurred)
            self.count += 1

    def segment(self) -> Segment:
        """The segment, which must be whole.

        Raises:
            ValueError: It is not.
        """
        if self.count != SEGMENT:
            raise ValueError(f"a segment has {SEGMENT} entries, not {self.count}")
        postings = {
            (name, value): encode_positions(bitmap)
            for name, values in self.bitmaps.items()
            for value, bitmap in values.items()
        }
        return Segment(self.number, postings, encode_occurred(self.occurred))


def segment_of(number: int, lookups: Iterable[Lookup]) -> Segment:
    """The index over the 4,096 entries of a segment.

    Args:
        number: Number of the segment.
        lookups: Their look-up columns, in order.

    Raises:
        ValueError: They are not 4,096.
    """
    rows = list(lookups)
    if len(rows) != SEGMENT:
        raise ValueError(f"a segment has {SEGMENT} entries, not {len(rows)}")
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    postings = {
        (name, value): positions
        for name, at in _PLACES
        for value, positions in _positions_in(columns[at])
    }
    recorded, occurred = columns[_RECORDED], columns[_OCCURRED]
    times = [one if two is None else two for one, two in zip(recorded, occurred, strict=True)]
    return Segment(number, postings, encode_occurred(array("q", times)))


def _positions_in(column: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    """The values of a whole column, with their positions as bytes."""
    values = set(column) - {None}
    if len(values) > _FEW_VALUES:
        positions: dict[Any, list[int]] = {one: [] for one in (*values, None)}
        for place, value in enumerate(column):
            positions[value].append(place)
        for value in values:
            found = positions[value]
            short = len(found) <= LONGEST_LIST
            bits = sum(1 << one for one in found) if not short else 0
            yield value, encode_list(found) if short else encode_positions(bits)
        return
    numbers = {None: 0, **{value: number for number, value in enumerate(values, 1)}}
    written = bytes(map(numbers.__getitem__, reversed(column)))
    for value in values:
        yield value, encode_positions(int(written.translate(_digits(numbers[value])), 2))


@cache
def _digits(number: int) -> bytes:
    """Turns the bytes of this number into the digit 1, and all others into 0."""
    return bytes(49 if one == number else 48 for one in range(256))

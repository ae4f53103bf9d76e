"""The index over look-up columns: bitmaps and their bytes."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import MalformedError
from biotrail.stores import Lookup
from biotrail.stores.positions import Among, count_positions
from biotrail.stores.postings import (
    COLUMNS,
    EVERY_POSITION,
    SEGMENT,
    SegmentBuilder,
    decode_occurred,
    decode_positions,
    encode_occurred,
    encode_positions,
    segment_of,
)


def _lookup(number: int) -> Lookup:
    if number % 100 == 0:
        return Lookup("log_read", number)
    outcome = "success" if number % 3 else "failure"
    return Lookup("event", number, occurred=-number, action="door.open", outcome=outcome)


@given(st.sets(st.integers(0, SEGMENT - 1), min_size=1, max_size=600))
def test_positions(positions: set[int]) -> None:
    """Positions come back from their bytes, which are never more than a bitmap's."""
    bitmap = sum(1 << one for one in positions)
    written = encode_positions(bitmap)
    assert decode_positions(written) == bitmap
    assert len(written) == (2 * len(positions) if len(positions) < 256 else 512)


_some = st.sets(st.integers(0, SEGMENT - 1), min_size=1, max_size=600)


@given(_some, _some | st.just(set(range(SEGMENT))))
def test_counted_positions(positions: set[int], among: set[int]) -> None:
    """Positions are counted among others as their bitmaps would be."""
    written = encode_positions(sum(1 << one for one in positions))
    those = Among(sum(1 << one for one in among))
    assert count_positions(written, those) == len(positions & among)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x10", bytes(512)])
def test_malformed_counted_positions(data: bytes) -> None:
    """Bytes that are no positions are not counted."""
    with pytest.raises(MalformedError):
        count_positions(data, Among(1))


@pytest.mark.parametrize("bitmap", [0, -1, EVERY_POSITION + 1])
def test_no_positions(bitmap: int) -> None:
    """No position, and one beyond the segment, cannot be written."""
    with pytest.raises(ValueError, match="positions"):
        encode_positions(bitmap)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"\x00\x10", bytes(512), b"\x01" + bytes(511), bytes(range(256)) * 2 + b"\0\0"],
)
def test_malformed_positions(data: bytes) -> None:
    """Bytes in any other form are refused."""
    with pytest.raises(MalformedError):
        decode_positions(data)


def test_segment() -> None:
    """A segment holds, for each column and value, exactly the positions where it stands."""
    lookups = [_lookup(number) for number in range(SEGMENT)]
    segment = segment_of(7, lookups)
    assert segment.number == 7
    for (column, value), written in segment.postings.items():
        bitmap = decode_positions(written)
        where = [n for n, one in enumerate(lookups) if getattr(one, column) == value]
        assert bitmap == sum(1 << one for one in where)
    assert {column for column, _ in segment.postings} == {"kind", "action", "outcome"}
    times = decode_occurred(segment.occurred)
    assert times[1:3] == array("q", [-1, -2])
    assert times[100] == 100
    assert set(COLUMNS) <= set(Lookup._fields)


def test_segment_grows() -> None:
    """A segment that grows in steps is the same as one that is built at once; it must be whole."""
    lookups = [_lookup(number) for number in range(SEGMENT)]
    builder = SegmentBuilder(0)
    builder.extend(lookups[:10])
    with pytest.raises(ValueError, match="4096"):
        builder.segment()
    builder.extend(lookups[10:])
    assert builder.segment() == segment_of(0, lookups)
    with pytest.raises(ValueError, match="4096"):
        builder.extend(lookups[:1])


def test_malformed_times() -> None:
    """Times must be as many as a segment has entries."""
    times = array("q", range(SEGMENT))
    assert decode_occurred(encode_occurred(times)) == times
    with pytest.raises(MalformedError):
        decode_occurred(encode_occurred(times)[:-8])

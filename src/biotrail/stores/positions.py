"""Positions in a segment, and times of its entries, as bytes.

A position is the place of an entry among the 4,096 of its segment. In memory many of them are one
whole number, used as a bitmap: bit n stands for position n. As bytes they are:

- up to 255 positions: each as two bytes, little endian, rising;
- more: the bitmap, 512 bytes, little endian. A list of 256 would have 512 bytes too: 512 bytes are
  always a bitmap.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from functools import cached_property

from biotrail.errors import MalformedError

__all__ = [
    "EVERY_POSITION",
    "LONGEST_LIST",
    "SEGMENT",
    "Among",
    "count_positions",
    "decode_occurred",
    "decode_positions",
    "encode_list",
    "encode_occurred",
    "encode_positions",
]

SEGMENT = 4_096
"""Entries in a segment."""

EVERY_POSITION = (1 << SEGMENT) - 1
"""The bitmap of a segment's positions, all of them."""

LONGEST_LIST = 255
"""How many positions are written as a list, at the most."""

_BITMAP_BYTES = SEGMENT // 8
_BITS = tuple([one for one in range(8) if byte >> one & 1] for byte in range(256))
_ONE_OR_ZERO = bytes.maketrans(b"01", b"\0\1")


def encode_positions(bitmap: int) -> bytes:
    """Positions as bytes.

    Args:
        bitmap: The positions, at least one; bit n stands for position n.

    Raises:
        ValueError: There is none, or one beyond 4,095.
    """
    if not 0 < bitmap <= EVERY_POSITION:
        raise ValueError("positions are from 0 to 4095, at least one")
    written = bitmap.to_bytes(_BITMAP_BYTES, "little")
    if bitmap.bit_count() > LONGEST_LIST:
        return written
    return encode_list(
        [8 * at + one for at, byte in enumerate(written) if byte for one in _BITS[byte]]
    )


def encode_list(positions: Sequence[int]) -> bytes:
    """Up to 255 rising positions as bytes."""
    return _little(array("H", positions)).tobytes()


def decode_positions(data: bytes) -> int:
    """Positions as a bitmap.

    Raises:
        MalformedError: The bytes are not what `encode_positions` writes.
    """
    if len(data) == _BITMAP_BYTES:
        bitmap = int.from_bytes(data, "little")
    else:
        bits = bytearray(_BITMAP_BYTES)
        for position in _listed(data):
            if position >= SEGMENT:
                raise MalformedError(f"a position is {position}, beyond the segment")
            bits[position >> 3] |= 1 << (position & 7)
        bitmap = int.from_bytes(bits, "little")
    if not bitmap or (len(data) == _BITMAP_BYTES) != (bitmap.bit_count() > LONGEST_LIST):
        raise MalformedError("positions are not written as they must be")
    return bitmap


def count_positions(data: bytes, among: Among) -> int:
    """How many positions are among others, without making a bitmap of a list.

    Raises:
        MalformedError: The bytes are not what `encode_positions` writes, as far as is looked.
    """
    if len(data) == _BITMAP_BYTES:
        return (decode_positions(data) & among.bitmap).bit_count()
    listed = _listed(data)
    if among.bitmap == EVERY_POSITION:
        return len(listed)
    try:
        return sum(map(among.table.__getitem__, listed))
    except IndexError:
        raise MalformedError("a position is beyond the segment") from None


class Among:
    """Positions that others are looked for among.

    Attributes:
        bitmap: They, as a bitmap.
    """

    def __init__(self, bitmap: int) -> None:
        """Look for them among these."""
        self.bitmap = bitmap

    @cached_property
    def table(self) -> bytes:
        """For each position 1 or 0."""
        return f"{self.bitmap:0{SEGMENT}b}".encode().translate(_ONE_OR_ZERO)[::-1]


def _listed(data: bytes) -> array[int]:
    if type(data) is not bytes or not data or len(data) % 2:
        raise MalformedError("positions are not written as they must be")
    found = array("H")
    found.frombytes(data)
    return _little(found)


def encode_occurred(times: array[int]) -> bytes:
    """Times as bytes: signed 64-bit integers, little endian."""
    return _little(array("q", times)).tobytes()


def decode_occurred(data: bytes) -> array[int]:
    """Times from their bytes.

    Raises:
        MalformedError: They are not 4,096.
    """
    if type(data) is not bytes or len(data) != 8 * SEGMENT:
        raise MalformedError(f"a segment has {SEGMENT} times")
    times = array("q")
    times.frombytes(data)
    return _little(times)


def _little(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values

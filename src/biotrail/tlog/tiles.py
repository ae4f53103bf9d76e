"""Tiles: the tree cut into files of 256 hashes (C2SP tlog-tiles, height 8).

Tile ``n`` of tile level ``L`` holds the hashes of tree level ``8 * L``, from index ``256 * n`` on.
A full tile has 256 of them and never changes again; a partial tile, at the right edge, has fewer.
Hashes of the seven tree levels between two tile levels are calculated when needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from biotrail.errors import MalformedError
from biotrail.tlog._text import MAX_SIZE
from biotrail.tlog.hashing import HASH_SIZE

__all__ = [
    "MAX_ENTRY_BYTES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "Tile",
    "decode_entry_bundle",
    "decode_tile",
    "encode_entry_bundle",
    "encode_tile",
    "entries_path",
    "tile_path",
    "tile_root",
    "tile_width",
    "tiles_of",
]

TILE_HEIGHT = 8
"""Tree levels between two tile levels."""

TILE_WIDTH = 256
"""Hashes in a full tile, and entries in a full entry bundle."""

_PAIRS = [Struct(f"{2 * HASH_SIZE}s" * (1 << one)) for one in reversed(range(TILE_HEIGHT))]

MAX_ENTRY_BYTES = 65_535
"""Longest entry that fits an entry bundle, in bytes."""

_MAX_TILE_LEVEL = 63


class Tile(NamedTuple):
    """One tile: where it lies, and its hashes.

    Attributes:
        level: Tile level; 0 holds leaf hashes.
        number: Its index in its level, zero-based.
        data: Its hashes, one after the other.
    """

    level: int
    number: int
    data: bytes


def tile_width(level: int, index: int, size: int) -> int:
    """Return how many hashes a tile has in a tree of a size: 0 (no such tile) to 256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield the level, index and width of every tile of a tree of a size, lowest level first."""
    level = 0
    while count := size >> (TILE_HEIGHT * level):
        for index in range((count + TILE_WIDTH - 1) // TILE_WIDTH):
            yield level, index, tile_width(level, index, size)
        level += 1


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return a tile's path in a published log, such as ``tile/0/x001/234.p/112``.

    Raises:
        ValueError: The level is not 0..63, the index negative, or the width not 1..256.
    """
    if not 0 <= level <= _MAX_TILE_LEVEL:
        raise ValueError(f"tile level {level} is not from 0 to {_MAX_TILE_LEVEL}")
    return f"tile/{level}/{_numbered_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return an entry bundle's path in a published log, such as ``tile/entries/x001/234``.

    Raises:
        ValueError: The index is negative, or the width is not 1..256.
    """
    return f"tile/entries/{_numbered_path(index, width)}"


def _numbered_path(index: int, width: int) -> str:
    """Return groups of three digits, all but the last behind an x; a partial width at the end."""
    if not 0 <= index <= MAX_SIZE or not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"no tile has index {index} and width {width}")
    path = f"{index % 1000:03d}"
    while index := index // 1000:
        path = f"x{index % 1000:03d}/{path}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def encode_entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as one bundle: each behind its length in two bytes, big endian.

    Args:
        entries: From 1 to 256 entries.

    Raises:
        ValueError: There are none or too many, or an entry is longer than 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise ValueError(f"an entry bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    if max(map(len, entries)) > MAX_ENTRY_BYTES:
        raise ValueError(f"an entry is longer than {MAX_ENTRY_BYTES} bytes")
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2), entry))


def tile_root(data: bytes) -> bytes:
    """Return the root hash over a full tile: `perfect_root` of what `decode_tile` returns.

    Written out on whole levels at a time, since a reader waits for it at every tile that it meets.

    Args:
        data: The tile.

    Raises:
        MalformedError: It is not one of 256 hashes.
    """
    if len(data) != TILE_WIDTH * HASH_SIZE:
        raise MalformedError(f"tile has {len(data)} bytes, not {TILE_WIDTH} hashes of {HASH_SIZE}")
    for level in _PAIRS:
        data = b"".join([sha256(b"\x01" + pair).digest() for pair in level.unpack(data)])
    return data


def decode_entry_bundle(data: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """Return the entries of a bundle.

    Args:
        data: The bundle.
        width: How many entries it must have, 1 to 256.

    Raises:
        MalformedError: It does not hold exactly that many entries.
    """
    entries: list[bytes] = []
    position = 0
    while position < len(data) and len(entries) <= width:
        begin = position + 2
        position = begin + int.from_bytes(data[position:begin])
        entries.append(data[begin:position])
    if position != len(data) or len(entries) != width or not 1 <= width <= TILE_WIDTH:
        raise MalformedError(f"entry bundle does not hold exactly {width} entries")
    return entries


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Return hashes as tile bytes.

    Raises:
        ValueError: There are none or more than 256, or one is not 32 bytes.
    """
    data = b"".join(hashes)
    if not 1 <= len(hashes) <= TILE_WIDTH or any(len(one) != HASH_SIZE for one in hashes):
        raise ValueError(f"a tile has 1 to {TILE_WIDTH} hashes of {HASH_SIZE} bytes")
    return data


def decode_tile(data: bytes, width: int = TILE_WIDTH) -> list[bytes]:
    """Return the hashes of a tile.

    Args:
        data: The tile.
        width: How many hashes it must have, 1 to 256.

    Raises:
        MalformedError: It does not have exactly that many.
    """
    if not 1 <= width <= TILE_WIDTH or len(data) != width * HASH_SIZE:
        raise MalformedError(f"tile has {len(data)} bytes, not {width} hashes of {HASH_SIZE}")
    return [data[begin : begin + HASH_SIZE] for begin in range(0, len(data), HASH_SIZE)]

"""Tags in blocks: which records share a device or an address, in rows that never move.

An index over tags would be split and joined all over, and SQLite leaves copies of cells where it
does so. What is here is written once, at the end of its table, and overwritten where it lies.
Specified for other readers in ``docs/spec/sqlite.md``.

A *block* is 4,096 entries. The *cell* of a tag is the tag and the entry's place in its block,
counted from 1; a cell of zeros is one that was forgotten. The cells of a block are divided by one
byte of the tag into 256 *parts*, each a row.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from struct import Struct
from typing import Any

__all__ = [
    "ADDRESSES",
    "BLOCK",
    "DEVICES",
    "TagKind",
    "block_of",
    "complete_blocks",
    "forget",
    "stray_tags",
]

BLOCK = 4_096
_PARTS = 256
_KINDS = 2
_ROWS = _KINDS * _PARTS

_INSERT = "INSERT INTO sealed_tags (id, cells) VALUES (?, ?)"
_LAST = "SELECT max(id) FROM sealed_tags"
_TAGGED = "SELECT idx, device, ip FROM sealed WHERE idx >= ? AND idx < ?"
_IN_ORDER = f"{_TAGGED} ORDER BY idx"
# In one statement, so that no erasure falls between the two.
_BOTH = (
    f"SELECT 1, idx, device, ip FROM ({_TAGGED}) "  # noqa: S608 - our own words
    "UNION ALL SELECT 0, id, cells, NULL FROM sealed_tags WHERE id >= ? AND id < ?"
)
TaggedRow = tuple[int, Any, Any]
Query = Callable[[str, tuple[int, ...]], Iterable[tuple[Any, ...]]]


class TagKind:
    """Tags of devices, or of addresses.

    Attributes:
        column: The column of `sealed` that holds the tag as well.
        size: Bytes of a tag.
    """

    def __init__(self, number: int, column: str, size: int, byte: int) -> None:
        self.column = column
        self.size = size
        self._first_part = number * _PARTS
        self._byte = byte
        self._cell = Struct(f">{size}sH")

    def is_tag(self, tag: Any) -> bool:
        """Whether a value has the form of a tag."""
        return isinstance(tag, bytes) and len(tag) == self.size

    def place(self, index: int, tag: bytes) -> int:
        """The row that a tag of the entry at this index belongs to."""
        return index // BLOCK * _ROWS + self._first_part + tag[self._byte]

    def cell(self, index: int, tag: bytes) -> bytes:
        """The cell of a tag of the entry at this index."""
        return self._cell.pack(tag, index % BLOCK + 1)

    def places(self, block: int) -> tuple[int, int]:
        """The first row of a block that has tags of this kind, and the one after the last."""
        first = block * _ROWS + self._first_part
        return first, first + _PARTS

    def rows(self, block: int, prefix: bytes) -> range:
        """The rows of a block in which tags may begin so."""
        first = block * _ROWS + self._first_part
        if len(prefix) <= self._byte:
            return range(first, first + _PARTS)
        return range(first + prefix[self._byte], first + prefix[self._byte] + 1)

    def indices(self, place: int, cells: Any, prefix: bytes) -> Iterator[int]:
        """Indices of the entries whose tag, in this row, begins so.

        The row is not trusted: what is no cell of the block is passed by.
        """
        size = self._cell.size
        if not isinstance(cells, bytes) or len(cells) % size:
            return
        before = block_of(place) * BLOCK - 1
        # Most cells do not begin so, and are passed by without being taken apart.
        found = cells.find(prefix)
        while 0 <= found < len(cells):  # what is empty is found at the end, too
            if found % size:
                found = cells.find(prefix, found + 1)
                continue
            _, at = self._cell.unpack_from(cells, found)
            if 0 < at <= BLOCK:
                yield before + at
            found = cells.find(prefix, found + size)

    def without(self, cells: bytes, gone: Iterable[bytes]) -> bytes:
        """The same cells, some of them overwritten by zeros."""
        size, kept = self._cell.size, bytearray(cells)
        for cell in gone:
            at = kept.find(cell)
            while at % size and at >= 0:
                at = kept.find(cell, at + 1)
            if at >= 0:
                kept[at : at + size] = bytes(size)
        return bytes(kept)

    def living(self, cells: bytes) -> bytes:
        """The cells that are not forgotten."""
        size = self._cell.size
        forgotten = bytes(size)
        if forgotten not in cells:
            return cells
        each = [cells[at : at + size] for at in range(0, len(cells), size)]
        return b"".join(cell for cell in each if cell != forgotten)


DEVICES = TagKind(0, "device", 16, 0)
# By the third of the prefixes: /24, and /64 of version 6.
ADDRESSES = TagKind(1, "ip", 20, 8)


def complete_blocks(connection: sqlite3.Connection, size: int) -> None:
    """Write the blocks that a log of so many entries has, and that are not written yet."""
    (last,) = connection.execute(_LAST).fetchone()
    for block in range(0 if last is None else block_of(last) + 1, size // BLOCK):
        rows = connection.execute(_IN_ORDER, (block * BLOCK, (block + 1) * BLOCK))
        parts = _parts(rows)
        parts.setdefault(block * _ROWS, b"")  # so that it is known of every block that it is there
        connection.executemany(_INSERT, sorted(parts.items()))


def block_of(place: int) -> int:
    """The block of a row."""
    return place // _ROWS


def forget(connection: sqlite3.Connection, rows: Iterable[TaggedRow]) -> None:
    """Overwrite the cells of some entries, given their tags."""
    for number, kind in enumerate((DEVICES, ADDRESSES)):
        gone: defaultdict[int, list[bytes]] = defaultdict(list)
        for index, *tags in rows:
            if kind.is_tag(tags[number]):
                gone[kind.place(index, tags[number])].append(kind.cell(index, tags[number]))
        for place, cells in gone.items():
            query = "SELECT cells FROM sealed_tags WHERE id = ?"
            for (there,) in connection.execute(query, (place,)).fetchall():
                query = "UPDATE sealed_tags SET cells = ? WHERE id = ?"
                connection.execute(query, (kind.without(there, cells), place))


def stray_tags(block: int, query: Query) -> bool:
    """Whether the tags in a block are others than those beside its payloads.

    Args:
        block: Which block.
        query: Returns the rows of a statement with its values.
    """
    first, place = block * BLOCK, block * _ROWS
    tagged, found = [], {}
    for is_row, one, two, three in query(_BOTH, (first, first + BLOCK, place, place + _ROWS)):
        if is_row:
            tagged.append((one, two, three))
        elif isinstance(two, bytes) and (living := _kind_of(one).living(two)):
            found[one] = living
    return found != _parts(sorted(tagged, key=itemgetter(0)))


def _parts(rows: Iterable[TaggedRow]) -> dict[int, bytes]:
    """The parts of a block by their rows, given index and tags of its entries in order."""
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    for index, device, ip in rows:
        if DEVICES.is_tag(device):
            found[DEVICES.place(index, device)].append(DEVICES.cell(index, device))
        if ADDRESSES.is_tag(ip):
            found[ADDRESSES.place(index, ip)].append(ADDRESSES.cell(index, ip))
    return {place: b"".join(cells) for place, cells in found.items()}


def _kind_of(place: int) -> TagKind:
    return DEVICES if place % _ROWS < _PARTS else ADDRESSES

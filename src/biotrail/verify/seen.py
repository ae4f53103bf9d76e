"""What a slow walk over a log has seen so far, and whom it can ask about an entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from biotrail.canonical import FIRST_PREV, Head, split_entry
from biotrail.errors import BiotrailError, StoreBusyError, StoreError, VerificationError
from biotrail.signing import VerifierKey
from biotrail.stores import StoreReader
from biotrail.tlog import CompactRange, leaf_hash, unverified_checkpoint
from biotrail.tlog.tiles import TILE_WIDTH
from biotrail.trust import KeyHistory

__all__ = ["Row", "Seen", "read_rows"]


@attrs.define
class Row:
    """One row of entries, whatever is in it.

    Attributes:
        index: The place where it stands.
        data: The entry; empty where the cell holds no bytes.
        note: The checkpoint, if there is one; empty where the cell holds no text.
        head: The entry's head, if it can be read.
        leaf: The entry's leaf hash.
        fault: Why the store cannot read it, if it cannot; there is no row after it.
    """

    index: int
    data: bytes
    note: str | None
    head: Head | None
    leaf: bytes
    fault: str = ""


def read_rows(store: StoreReader, start: int, stop: int) -> Iterator[Row]:
    """Rows in order of index, the last of them one that cannot be read, if there is such a one."""
    expected = start
    try:
        for index, data, note in store.raw_entries(start, stop):
            yield _row(index, data, note)
            expected = index + 1
    except StoreBusyError:
        raise
    except StoreError as error:
        yield Row(expected, b"", None, None, leaf_hash(b""), str(error))


def _row(index: int, data: object, note: object) -> Row:
    entry = data if isinstance(data, bytes) else b""
    text = note if isinstance(note, str) or note is None else ""
    try:
        head: Head | None = split_entry(entry)
    except BiotrailError:
        head = None
    return Row(index, entry, text, head, leaf_hash(entry))


@attrs.define
class Seen:
    """The log up to some entry, as it was found; and the witnesses besides.

    Attributes:
        store: The store.
        size: How many entries are looked at.
        head: The size that the head names.
        trusted: The auditor's keys.
        history: The log's keys so far.
        tree: The tree so far.
        prior: The tree without the last entry.
        before: Leaf hash of the last entry but one.
        prev: Leaf hash of the last entry.
        recorded: Time of recording of the last entry.
        good: Size of the last checkpoint that held: all entries below it are proven.
        proven: The tree of that size.
        pending: A checkpoint after that, not yet compared, and the tree at its place.
        suspicion: Index and verdict of an entry after that, if it was recorded as it stands here.
    """

    store: StoreReader
    size: int
    head: int
    trusted: Sequence[VerifierKey]
    history: KeyHistory
    tree: CompactRange = attrs.field(factory=CompactRange)
    prior: CompactRange = attrs.field(factory=CompactRange)
    before: bytes = FIRST_PREV
    prev: bytes = FIRST_PREV
    recorded: str = ""
    good: int = 0
    proven: CompactRange = attrs.field(factory=CompactRange)
    pending: tuple[str, CompactRange] | None = None
    suspicion: tuple[int, VerificationError] | None = None
    _tile: tuple[int, bytes | None] = (-1, None)

    def take(self, row: Row) -> None:
        """Go on by one entry that follows on the last."""
        assert row.head is not None
        self.before, self.prev, self.recorded = self.prev, row.leaf, row.head.recorded
        self.prior = self.tree.copy()
        self.tree.append(row.leaf)

    def suspect(self, index: int, error: VerificationError) -> None:
        """Keep a verdict that holds only if the entry was recorded like this: the first of them."""
        self.suspicion = self.suspicion or (index, error)

    def hold(self, tree: CompactRange, key: VerifierKey) -> None:
        """Take note that a checkpoint of this tree, signed by this key, holds.

        Raises:
            VerificationError: The suspicion, since now it is known to be true; or the key may not
                report what an entry reports.
        """
        self.history.settle(tree.size, key)
        self.good, self.proven = tree.size, tree
        if self.suspicion is not None and self.suspicion[0] < tree.size:
            raise self.suspicion[1]

    def tree_at(self, size: int) -> CompactRange:
        """The tree of the first so many rows, at least as many as are proven, as they stand."""
        tree = self.proven.copy()
        tree.extend(row.leaf for row in read_rows(self.store, self.good, size))
        return tree

    def tile_leaf(self, index: int) -> bytes | None:
        """The leaf hash at an index as the stored tile has it, if there is a whole tile."""
        number, offset = divmod(index, TILE_WIDTH)
        if self._tile[0] != number:
            tile = self.store.tile(0, number)
            whole = isinstance(tile, bytes) and len(tile) == 32 * TILE_WIDTH
            self._tile = number, tile if whole else None
        tile = self._tile[1]
        return None if tile is None else tile[offset * 32 : offset * 32 + 32]

    def witness(self, index: int, following: Row | None) -> bytes | None:
        """What others say the leaf hash at an index is: the tile, or the entry after it."""
        tile = self.tile_leaf(index)
        if tile is not None:
            return tile
        if following is None or following.head is None or following.head.index != index + 1:
            return None
        return following.head.prev

    def is_contradicted(self, row: Row, following: Row | None) -> bool:
        """Whether anything beside an entry that was taken says that it was recorded otherwise."""
        witness = self.witness(row.index, following)
        if witness is not None or row.note is None:
            return witness is not None and witness != row.leaf
        with_it = self.tree.copy()
        if with_it.size == row.index:
            with_it.append(row.leaf)
        try:
            return unverified_checkpoint(row.note).root != with_it.root()
        except BiotrailError:
            return True

    def displacement(self) -> int:
        """How many more entries the last checkpoint speaks for than stand before it."""
        last = self.store.checkpoint_from(self.size)
        if last is None or not isinstance(last[1], str):
            return 0
        try:
            return unverified_checkpoint(last[1]).size - last[0]
        except BiotrailError:
            return 0

    def first_unlike_tile(self, start: int, stop: int) -> int | None:
        """The first entry of a range whose tile has another leaf hash."""
        for row in read_rows(self.store, start, stop):
            true = self.tile_leaf(row.index)
            if true is not None and true != row.leaf:
                return row.index
        return None

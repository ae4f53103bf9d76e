"""The tree of a log, authenticated: a leaf is checked in one hash, at any size that was signed.

Tiles come from a store that is not trusted. Each is held against the hash of the level above, up to
a signed root, before it is kept. A tree at one size is the beginning of every later one, so that
one set of tiles serves all checkpoints.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from biotrail.errors import AlteredError, ForkedError, MissingError
from biotrail.stores import StoreReader
from biotrail.stores.tree import range_of_edges, stored_edges
from biotrail.tlog import CompactRange, TileBuilder, TileNodes, inclusion_proof, leaf_hash
from biotrail.tlog.hashing import HASH_SIZE
from biotrail.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, tile_root

__all__ = ["AuthenticatedTree"]

_TILES_KEPT = 8_192
_AT_ONCE = 8_192
_FEW = 65_536


class AuthenticatedTree:
    """The tree of one log as far as a signed root vouches for it.

    Not thread-safe: `LogQuery` sees to that.

    Attributes:
        size: Number of leaves.
    """

    def __init__(self, store: StoreReader, *, kept: int = _TILES_KEPT) -> None:
        """Begin with the empty tree.

        Args:
            store: Where tiles and entries lie.
            kept: How many tiles are kept, of 8,192 bytes each.
        """
        self._store = store
        self._kept = kept
        self._builder = TileBuilder()
        self._tiles: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._nodes: TileNodes | None = None
        self._root: bytes | None = None  # at the present size
        self._ready: dict[int, bytes] = {}  # tiles of leaves, read and not looked at yet

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._builder.size

    def grow(self, size: int, root: bytes) -> None:
        """Take the tree of a later size, if it goes on from this one and has this root.

        A tree that is much larger is read from its tiles, and must begin with this one.

        Args:
            size: Size of the later tree.
            root: Its root, which a checkpoint vouches for.

        Raises:
            AlteredError: The entries that are stored do not lead to the root. (That a log which is
                signed twice goes on in another way is for the caller to tell apart.)
            MissingError: An entry or tile is missing.
            MalformedError: A tile has not its form.
        """
        goes_on = self.size > 0 and size - self.size <= _FEW
        builder = self._gone_on(size) if goes_on else self._read(size)
        found = range_of_edges(builder.edges).root()
        if found != root:
            raise AlteredError(
                f"the entries and tiles that are stored do not lead to the root of the checkpoint "
                f"of size {size}: `biotrail verify` says where",
                expected=root.hex(),
                found=found.hex(),
            )
        before, self._builder, self._nodes = self._builder, builder, None
        self._root = None
        if not goes_on:
            self._check_begins_with(before)
        self._root = root

    def _gone_on(self, size: int) -> TileBuilder:
        builder = TileBuilder(self.size, self._builder.edges)
        for start in range(self.size, size, _AT_ONCE):
            builder.extend(self._leaves(start, min(start + _AT_ONCE, size)))
        return builder

    def _read(self, size: int) -> TileBuilder:
        return TileBuilder(size, stored_edges(self._store, size))

    def _check_begins_with(self, before: TileBuilder) -> None:
        """A consistency check: the earlier root again, from tiles under the later one alone."""
        kept, self._tiles = self._tiles, OrderedDict()
        root = range_of_edges(before.edges).root()
        try:
            if self.root_at(before.size) == root:
                return
            raise ForkedError(
                f"at size {before.size} the log has another history than was seen before",
                index=before.size - 1,
                expected=root.hex(),
            )
        except BaseException:
            self._builder, self._nodes, self._tiles = before, None, kept
            raise

    def check_all(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Check entries at some indices, as `check`; their tiles are read in one go.

        Raises:
            VerificationError: As of `check`.
        """
        whole = self.size >> TILE_HEIGHT
        numbers = {index >> TILE_HEIGHT for index, _ in rows}
        absent = [one for one in numbers if one < whole and (0, one) not in self._tiles]
        at_once: Any = getattr(self._store, "tiles_at", None)
        if at_once is not None and len(absent) > 1:
            self._ready = at_once(0, sorted(absent))
        try:
            for index, data in rows:
                self.check(index, data)
        finally:
            self._ready = {}

    def check(self, index: int, entry: bytes) -> None:
        """Check that an entry is the leaf at an index.

        Raises:
            AlteredError: It is not.
            MissingError: A tile that says so is missing.
            MalformedError: A tile has not its form.
        """
        found = leaf_hash(entry)
        if found != self.leaf(index):
            raise AlteredError(
                f"entry {index} is not the one that the checkpoint vouches for",
                index=index,
                expected=self.leaf(index).hex(),
                found=found.hex(),
            )

    def leaf(self, index: int) -> bytes:
        """The leaf hash at an index of the tree."""
        return self._hash(0, index)

    def root_at(self, size: int) -> bytes:
        """The root that the tree has, or had at an earlier size."""
        if size == self.size and self._root is not None:
            return self._root
        tree, node = CompactRange(), self.node
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                tree.append_subtree(node(level, tree.size >> level), level)
        return tree.root()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that an index is in the tree of a size, which is not above the present one."""
        return inclusion_proof(index, size, self.node)

    def node(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree, authenticated."""
        if self._nodes is None:
            edges = self._builder.edges
            self._nodes = TileNodes(
                self.size,
                self._tile,
                lambda: edges[0],
                edge=lambda level: edges[level] if level < len(edges) else (),
            )
        return self._nodes(level, index)

    def _hash(self, level: int, index: int) -> bytes:
        """The hash of a tile level: from the edge, or from a full tile."""
        number, at = divmod(index, TILE_WIDTH)
        edges = self._builder.edges
        if level < len(edges) and number == self.size >> (TILE_HEIGHT * (level + 1)):
            return edges[level][at]
        tile = self._tile(level, number)
        return tile[at * HASH_SIZE : (at + 1) * HASH_SIZE]

    def _tile(self, level: int, number: int) -> bytes:
        """A full tile, held against the hash of it one tile level up."""
        known = self._tiles.get((level, number))
        if known is not None:
            self._tiles.move_to_end((level, number))
            return known
        ready = self._ready.pop(number, None) if level == 0 else None
        tile = self._store.tile(level, number) if ready is None else ready
        first = number << (TILE_HEIGHT * (level + 1))
        if tile is None:
            raise MissingError(f"tile {number} of level {level} is missing", index=first)
        if tile_root(tile) != self._hash(level + 1, number):
            raise AlteredError(f"tile {number} of level {level} was changed", index=first)
        self._tiles[level, number] = tile
        if len(self._tiles) > self._kept:
            self._tiles.popitem(last=False)
        return tile

    def _leaves(self, start: int, stop: int) -> Sequence[bytes]:
        rows = list(self._store.raw_entries(start, stop))
        if [one[0] for one in rows] != list(range(start, stop)):
            raise MissingError(f"an entry from {start} to {stop - 1} is missing", index=start)
        return [leaf_hash(one[1]) for one in rows]

"""From tiles to the nodes that a proof asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from biotrail.errors import MalformedError, ProofError
from biotrail.tlog.hashing import HASH_SIZE, parents, perfect_root
from biotrail.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, decode_tile, tile_width

__all__ = ["TileNodes"]


class TileNodes:
    """The function ``node(level, index)`` for proofs, over stored full tiles and a ragged edge.

    Fetched tiles and calculated edges are kept for as long as the object lives: use one for the
    proofs of one checkpoint, then drop it.
    """

    __slots__ = ("_edge", "_edges", "_fetch_tile", "_size", "_tail", "_tiles")

    def __init__(
        self,
        size: int,
        fetch_tile: Callable[[int, int], bytes],
        tail: Callable[[], Sequence[bytes]],
        *,
        edge: Callable[[int], Sequence[bytes]] | None = None,
    ) -> None:
        """Prepare to read; nothing is fetched yet.

        Args:
            size: Size of the tree; nodes that reach beyond it are refused.
            fetch_tile: Returns the bytes of a full tile (8,192), by tile level and index.
            tail: Returns the leaf hashes from ``size // 256 * 256`` on, at least up to the size.
            edge: Returns, for a tile level of 1 or more, the hashes of that level from its last
                full tile on. Without it they are calculated from the full tiles one level below,
                of which up to 255 are then fetched and hashed (about 0.1 ms each).
        """
        self._size = size
        self._fetch_tile = fetch_tile
        self._tail = tail
        self._edge = edge
        self._tiles: dict[tuple[int, int], list[Sequence[bytes]]] = {}
        self._edges: dict[int, list[Sequence[bytes]]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of the perfect subtree of ``2**level`` leaves at ``index * 2**level``.

        Raises:
            ProofError: The subtree is not wholly in the tree.
            MalformedError: A fetched tile or edge does not have the length that it must have.
        """
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise ProofError(f"no node {index} of level {level} in a tree of size {self._size}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << height, TILE_WIDTH)
        full = tile_width(tile_level, tile_index, self._size) == TILE_WIDTH
        levels = self._full_tile(tile_level, tile_index) if full else self._ragged_tile(tile_level)
        while len(levels) <= height:
            levels.append(parents(levels[-1]))
        return levels[height][offset >> height]

    def _full_tile(self, tile_level: int, tile_index: int) -> list[Sequence[bytes]]:
        """Return a tile's hashes, and those of the levels above that were calculated so far."""
        key = tile_level, tile_index
        if key not in self._tiles:
            self._tiles[key] = [decode_tile(self._fetch_tile(tile_level, tile_index))]
        return self._tiles[key]

    def _ragged_tile(self, tile_level: int) -> list[Sequence[bytes]]:
        """Return the same for the hashes that fill no tile of their level."""
        if tile_level not in self._edges:
            self._edges[tile_level] = [self._read_edge(tile_level)]
        return self._edges[tile_level]

    def _read_edge(self, tile_level: int) -> Sequence[bytes]:
        """Return the hashes of a tile level that no full tile of that level holds."""
        count = self._size >> (TILE_HEIGHT * tile_level)
        first = count - count % TILE_WIDTH
        if tile_level == 0:
            hashes = self._tail()
        elif self._edge is not None:
            hashes = self._edge(tile_level)
        else:
            lower = tile_level - 1
            hashes = [perfect_root(self._full_tile(lower, one)[0]) for one in range(first, count)]
        if len(hashes) < count - first or any(len(one) != HASH_SIZE for one in hashes):
            raise MalformedError(f"edge of tile level {tile_level} has {len(hashes)} hashes")
        return hashes

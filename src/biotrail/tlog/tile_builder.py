"""From leaf hashes to tiles, as a log grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from biotrail.tlog.hashing import check_hashes, perfect_root
from biotrail.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, encode_tile

__all__ = ["TileBuilder"]


class TileBuilder:
    """Turns leaf hashes into full tiles, as a log grows.

    Attributes:
        size: Number of leaves so far.
        edges: For each tile level, the hashes that do not yet fill a tile.
    """

    __slots__ = ("edges", "size")

    def __init__(self, size: int = 0, edges: Sequence[Sequence[bytes]] = ()) -> None:
        """Take up a log where it was left, or start an empty one.

        Args:
            size: Number of leaves.
            edges: The hashes of each tile level, lowest first, that do not yet fill a tile.

        Raises:
            ValueError: A level does not have as many hashes as the size leaves over.
        """
        self.size = size
        levels = max(len(edges), (size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT, 1)
        expected = [(size >> (TILE_HEIGHT * level)) % TILE_WIDTH for level in range(levels)]
        self.edges = [list(edge) for edge in edges] or [[]]
        if size < 0 or [len(edge) for edge in self.edges] != expected:
            raise ValueError(f"a log of size {size} leaves over {expected} hashes per tile level")

    def extend(self, leaf_hashes: Iterable[bytes]) -> list[Tile]:
        """Append leaf hashes in order.

        Returns:
            The tiles that got full, in the order in which they did.

        Raises:
            ValueError: A hash is not 32 bytes. Leaves up to some point before it are in.
        """
        if isinstance(leaf_hashes, list) and len(leaf_hashes) < TILE_WIDTH - len(self.edges[0]):
            # Most often: a few leaves, and no tile gets full.
            check_hashes(leaf_hashes)
            self.size += len(leaf_hashes)
            self.edges[0] += leaf_hashes
            return []
        full: list[Tile] = []
        remaining = iter(leaf_hashes)
        while chunk := list(islice(remaining, TILE_WIDTH - len(self.edges[0]))):
            check_hashes(chunk)
            self.size += len(chunk)
            self.edges[0].extend(chunk)
            full.extend(self._close(0))
        return full

    def _close(self, level: int) -> Iterator[Tile]:
        """Take a full edge away as a tile, and hand its root one tile level up."""
        edge = self.edges[level]
        if len(edge) < TILE_WIDTH:
            return
        self.edges[level] = []
        yield Tile(level, (self.size >> (TILE_HEIGHT * (level + 1))) - 1, encode_tile(edge))
        if level + 1 == len(self.edges):
            self.edges.append([])
        self.edges[level + 1].append(perfect_root(edge))
        yield from self._close(level + 1)

    def partial_tiles(self) -> Iterator[Tile]:
        """Yield the partial tiles of the right edge, lowest level first."""
        for level, edge in enumerate(self.edges):
            if edge:
                index = self.size >> (TILE_HEIGHT * (level + 1))
                yield Tile(level, index, encode_tile(edge))

"""From leaf hashes to tiles, as a log grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from biotrail.tlog.hashing import perfect_root
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
        self.edges = [list(edge) for edge in edges]
        levels = max(len(self.edges), (size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)
        expected = [(size >> (TILE_HEIGHT * level)) % TILE_WIDTH for level in range(levels)]
        if [len(edge) for edge in self.edges] != expected:
            raise ValueError(f"a log of size {size} leaves over {expected} hashes per tile level")

    def extend(self, leaf_hashes: Iterable[bytes]) -> Iterator[Tile]:
        """Append leaf hashes in order; yield each tile as it gets full, lower levels first."""
        for leaf_hash in leaf_hashes:
            self.size += 1
            yield from self._append(0, leaf_hash)

    def _append(self, level: int, one_hash: bytes) -> Iterator[Tile]:
        if level == len(self.edges):
            self.edges.append([])
        edge = self.edges[level]
        edge.append(one_hash)
        if len(edge) == TILE_WIDTH:
            self.edges[level] = []
            index = (self.size >> (TILE_HEIGHT * (level + 1))) - 1
            yield Tile(level, index, encode_tile(edge))
            yield from self._append(level + 1, perfect_root(edge))

    def partial_tiles(self) -> Iterator[Tile]:
        """Yield the partial tiles of the right edge, lowest level first."""
        for level, edge in enumerate(self.edges):
            if edge:
                index = self.size >> (TILE_HEIGHT * (level + 1))
                yield Tile(level, index, encode_tile(edge))

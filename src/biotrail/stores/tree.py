"""The tree over a store's entries: from stored tiles and the entries that no tile covers yet.

Nothing here is trusted: whoever uses a hash from here checks it against a signed root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from biotrail.errors import MissingError
from biotrail.stores.base import StoreReader
from biotrail.tlog import CompactRange, TileNodes, leaf_hash
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, decode_tile

__all__ = ["node_reader", "range_of_edges", "stored_edges", "tail_hashes"]


def tail_hashes(store: StoreReader, size: int) -> list[bytes]:
    """Leaf hashes, from the entries themselves, of those that no full tile covers.

    Raises:
        MissingError: An entry is not there.
    """
    first = size - size % TILE_WIDTH
    hashes = [leaf_hash(one.entry) for one in store.entries(first, size)]
    if len(hashes) != size - first:
        raise MissingError("an entry below the head is missing", index=first + len(hashes))
    return hashes


def stored_edges(store: StoreReader, size: int) -> list[list[bytes]]:
    """For each tile level, lowest first, the hashes that do not fill a tile at this size."""
    edges = [tail_hashes(store, size)]
    level = 1
    while size >> (TILE_HEIGHT * level):
        count = size >> (TILE_HEIGHT * level)
        first = count - count % TILE_WIDTH
        edges.append([perfect_root(_hashes(store, level - 1, i)) for i in range(first, count)])
        level += 1
    return edges if size else []


def range_of_edges(edges: Sequence[Sequence[bytes]]) -> CompactRange:
    """The compact range of a tree, from the edges of its tile levels.

    A hash in the edge of level n stands for a perfect subtree of ``256 ** n`` leaves, and taken
    from the highest level down they lie side by side from the first leaf to the last.
    """
    tree = CompactRange()
    for level in range(len(edges) - 1, 0, -1):
        for one in edges[level]:
            tree.append_subtree(one, TILE_HEIGHT * level)
    tree.extend(edges[0] if edges else ())
    return tree


def node_reader(
    store: StoreReader, size: int, *, edges: Sequence[Sequence[bytes]] | None = None
) -> Callable[[int, int], bytes]:
    """The function ``node(level, index)`` that proofs at this size need.

    Args:
        store: Where tiles and entries lie.
        size: Size of the tree.
        edges: Edges of the tile levels at this size, where they are known already.
    """

    def fetch(level: int, index: int) -> bytes:
        return _tile(store, level, index)

    if edges is None:
        return TileNodes(size, fetch, lambda: tail_hashes(store, size))
    known = edges
    return TileNodes(
        size, fetch, lambda: known[0], edge=lambda level: known[level] if level < len(known) else ()
    )


def _tile(store: StoreReader, level: int, index: int) -> bytes:
    tile = store.tile(level, index)
    if tile is None:
        raise MissingError(
            f"tile {index} of level {level} is missing", index=index << (TILE_HEIGHT * (level + 1))
        )
    return tile


def _hashes(store: StoreReader, level: int, index: int) -> list[bytes]:
    return decode_tile(_tile(store, level, index))

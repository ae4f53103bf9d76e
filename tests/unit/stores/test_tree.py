"""The tree over a store: from tiles and the entries that no tile covers, as by definition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from biotrail.errors import MissingError
from biotrail.stores import (
    Lookup,
    MemoryStore,
    StoredEntry,
    StoredTile,
    WrittenEntry,
)
from biotrail.stores.tree import node_reader, range_of_edges, stored_edges, tail_hashes
from biotrail.testing import sample_batch
from biotrail.tlog import TileBuilder, inclusion_proof, leaf_hash, verify_inclusion
from tests.reference import rfc6962

SIZES = (1, 2, 3, 255, 256, 257, 511, 512, 600)


def filled(size: int, *, step: int = 100) -> MemoryStore:
    """Return a store with entries up to a size, appended in batches with their tiles."""
    store, builder = MemoryStore(), TileBuilder()
    for first in range(0, size, step):
        batch = sample_batch(first, min(step, size - first))
        tiles = builder.extend(leaf_hash(one.entry) for one in batch.entries)
        full = [StoredTile._make(tile) for tile in tiles]
        store.append(batch._replace(tiles=full))
    return store


def entries_of(store: MemoryStore, size: int) -> list[bytes]:
    """Return the entries below a size."""
    return [one.entry for one in store.entries(0, size)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("beyond", [0, 300])
def test_root(size: int, beyond: int) -> None:
    """The range over the stored edges has the root of RFC 6962, also of a size long past."""
    store = filled(size + beyond)
    tree = range_of_edges(stored_edges(store, size))
    assert tree.size == size
    assert tree.root() == rfc6962.mth(entries_of(store, size))


def test_an_empty_log() -> None:
    """At size zero there is nothing, and the root is that of the empty tree."""
    assert stored_edges(MemoryStore(), 0) == []
    assert range_of_edges([]).root() == rfc6962.mth([])


@pytest.mark.parametrize("size", SIZES)
def test_proofs(size: int) -> None:
    """Proofs from the stored tree lead to the root, with and without known edges."""
    store = filled(600)
    entries = entries_of(store, size)
    root, edges = rfc6962.mth(entries), stored_edges(store, size)
    for node in (node_reader(store, size), node_reader(store, size, edges=edges)):
        for index in {0, size // 2, size - 1}:
            proof = inclusion_proof(index, size, node)
            assert proof == rfc6962.path(index, entries)
            verify_inclusion(leaf_hash(entries[index]), index, size, proof, root)


def test_two_levels_of_tiles() -> None:
    """Above 65,536 entries the tiles' own tiles are used, and the root is still right."""
    size = 65_536 + 300
    store, builder = MemoryStore(), TileBuilder()
    entry = WrittenEntry(b"entry", None, Lookup("log_read", 0))
    tiles = builder.extend([leaf_hash(b"entry")] * size)
    full = [StoredTile._make(tile) for tile in tiles]
    store.append(sample_batch(0)._replace(entries=[entry] * size, tiles=full))
    edges = stored_edges(store, size)
    assert [len(edge) for edge in edges] == [44, 1, 1]
    assert edges == builder.edges
    tree = range_of_edges(edges)
    expected = range_of_edges(())
    expected.extend([leaf_hash(b"entry")] * size)
    assert tree.root() == expected.root()
    proof = inclusion_proof(65_535, size, node_reader(store, size))
    verify_inclusion(leaf_hash(b"entry"), 65_535, size, proof, tree.root())


class _Lossy(MemoryStore):
    """A store from which one entry has gone."""

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        return (one for one in super().entries(start, stop) if one.index != 258)


def test_missing_entries() -> None:
    """Where an entry in the tail is not there, an error says so."""
    store = _Lossy()
    store.append(sample_batch(0, 300, tiles=[StoredTile(0, 0, bytes(8_192))]))
    with pytest.raises(MissingError):
        tail_hashes(store, 300)


def test_missing_tiles() -> None:
    """Where a tile is not there, the error names its first entry."""
    store = MemoryStore()
    store.append(sample_batch(0, 600, tiles=[StoredTile(0, 0, bytes(8_192))]))
    with pytest.raises(MissingError) as caught:
        stored_edges(store, 600)
    assert caught.value.index == 256
    with pytest.raises(MissingError):
        inclusion_proof(300, 600, node_reader(store, 600))

"""Tiles against the tree they are cut from."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.errors import MalformedError
from biotrail.tlog import (
    CompactRange,
    TileBuilder,
    TileNodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from biotrail.tlog.tiles import (
    decode_entry_bundle,
    encode_entry_bundle,
    tile_path,
    tile_width,
    tiles_of,
)

MOST = 140_000
PROBES = (1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 131_072, 139_999)
sizes = st.one_of(st.integers(1, 1000), st.integers(1, MOST), st.sampled_from(PROBES))


@cache
def leaves() -> list[bytes]:
    """Return many leaf hashes."""
    return [leaf_hash(b"entry %d" % number) for number in range(MOST)]


@cache
def full_tiles() -> dict[tuple[int, int], bytes]:
    """Return all full tiles of the leaves; those of a smaller tree are among them."""
    builder = TileBuilder()
    return {(tile.level, tile.number): tile.data for tile in builder.extend(leaves())}


def nodes(size: int) -> TileNodes:
    """Return the node function of a log that stores full tiles and its last entries."""
    first = size // 256 * 256
    return TileNodes(size, lambda *key: full_tiles()[key], lambda: leaves()[first:size])


def root(size: int) -> bytes:
    """Return the root of the first leaves."""
    tree = CompactRange()
    tree.extend(leaves()[:size])
    return tree.root()


@settings(deadline=None)
@given(st.data(), sizes)
def test_proofs_from_tiles_verify(data: st.DataObject, size: int) -> None:
    """Inclusion and consistency are proven from full tiles and the leaves that fill none."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    node, new_root = nodes(size), root(size)
    verify_inclusion(leaves()[index], index, size, inclusion_proof(index, size, node), new_root)
    verify_consistency(old, root(old), size, new_root, consistency_proof(old, size, node))


@settings(deadline=None, max_examples=30)
@given(st.data(), sizes)
def test_a_stored_edge_gives_the_same_proofs(data: st.DataObject, size: int) -> None:
    """Hashes handed in for the ragged edge stand for those that would be calculated."""
    builder = TileBuilder()
    builder.extend(leaves()[:size])
    fetched: list[tuple[int, int]] = []

    def fetch(level: int, number: int) -> bytes:
        fetched.append((level, number))
        return full_tiles()[level, number]

    stored = TileNodes(size, fetch, lambda: builder.edges[0], edge=lambda one: builder.edges[one])
    index = data.draw(st.integers(0, size - 1))
    assert inclusion_proof(index, size, stored) == inclusion_proof(index, size, nodes(size))
    assert len(fetched) <= 3
    assert len(fetched) == len(set(fetched))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3000), max_size=5))
def test_a_builder_taken_up_again_gives_the_same_tiles(pieces: list[int]) -> None:
    """Stopping and starting changes no tile."""
    tiles, builder = {}, TileBuilder()
    for piece in pieces:
        builder = TileBuilder(builder.size, builder.edges)
        for tile in builder.extend(leaves()[builder.size : builder.size + piece]):
            tiles[tile.level, tile.number] = tile.data
    expected = {key: data for key, data in full_tiles().items() if covered(key, builder.size)}
    assert tiles == expected


def covered(key: tuple[int, int], size: int) -> bool:
    """Tell whether a tile is full in a tree of a size."""
    return tile_width(*key, size) == 256


@given(st.integers(0, 2**40))
def test_a_tree_has_as_many_hashes_in_a_level_as_its_size_says(size: int) -> None:
    """The widths at the right edge are floor(size / 256^level) mod 256, and no tile is empty."""
    for level in range(6):
        count = size >> (8 * level)
        assert tile_width(level, count // 256, size) == count % 256
        assert tile_width(level, count // 256 + 1, size) == 0


@settings(deadline=None)
@given(st.integers(0, 200_000))
def test_every_tile_has_its_own_path(size: int) -> None:
    """No two tiles of a tree are published under one name."""
    paths = [tile_path(*tile) for tile in tiles_of(size)]
    assert len(paths) == len(set(paths))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entry_bundles_come_back(entries: list[bytes]) -> None:
    """Reading a bundle gives the entries that it was made of."""
    assert decode_entry_bundle(encode_entry_bundle(entries), len(entries)) == entries


@given(st.binary(max_size=600), st.integers(-1, 300))
def test_any_bundle_is_what_it_would_be_written_as(data: bytes, width: int) -> None:
    """Bytes are refused by name, or are exactly the bundle of the entries read from them."""
    try:
        entries = decode_entry_bundle(data, width)
    except MalformedError:
        return
    assert encode_entry_bundle(entries) == data


def test_an_edge_that_is_too_short_is_refused() -> None:
    """A store that hands out fewer hashes than the size says is found out."""
    node = TileNodes(300, lambda *key: full_tiles()[key], list)
    with pytest.raises(MalformedError, match="edge of tile level 0 has 0 hashes"):
        node(0, 299)

"""Tiles: what is refused, and how little is fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from biotrail.errors import MalformedError, ProofError
from biotrail.tlog import TileBuilder, TileNodes, inclusion_proof, leaf_hash
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import (
    decode_entry_bundle,
    decode_tile,
    encode_entry_bundle,
    encode_tile,
    entries_path,
    tile_path,
    tile_root,
    tiles_of,
)

A = leaf_hash(b"a")

REFUSED: list[Callable[[], Any]] = [
    lambda: tile_path(64, 0),
    lambda: tile_path(-1, 0),
    lambda: tile_path(0, -1),
    lambda: tile_path(0, 2**63),
    lambda: tile_path(0, 0, 0),
    lambda: tile_path(0, 0, 257),
    lambda: entries_path(-1),
    lambda: entries_path(0, 0),
    lambda: encode_entry_bundle([]),
    lambda: encode_entry_bundle([b""] * 257),
    lambda: encode_entry_bundle([bytes(65_536)]),
    lambda: encode_tile([]),
    lambda: encode_tile([A] * 257),
    lambda: encode_tile([A, b"short"]),
    lambda: TileBuilder(-1),
    lambda: TileBuilder(1),
    lambda: TileBuilder(0, [[A]]),
    lambda: TileBuilder(256, [[]]),
    lambda: TileBuilder().extend([A, b"short"]),
]


@pytest.mark.parametrize("call", REFUSED, ids=range(len(REFUSED)))
def test_what_has_no_form_is_not_written(call: Callable[[], Any]) -> None:
    """Numbers and lengths out of range raise ValueError."""
    with pytest.raises(ValueError, match=r"tile|entry|log of size|32 bytes"):
        call()


@pytest.mark.parametrize(
    ("data", "width"),
    [(b"", 0), (b"", 1), (bytes(31), 1), (bytes(33), 1), (bytes(64), 1), (bytes(257 * 32), 257)],
)
def test_tiles_of_another_length_are_refused(data: bytes, width: int) -> None:
    """A tile has exactly the hashes that it must have."""
    with pytest.raises(MalformedError):
        decode_tile(data, width)


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (b"", 0),
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x01", 1),
        (b"\x00\x00\x00", 1),
        (b"\x00\x00" * 2, 1),
        (b"\x00\x00", 2),
        (b"\x00\x00" * 257, 257),
    ],
)
def test_bundles_that_do_not_hold_the_entries_are_refused(data: bytes, width: int) -> None:
    """A bundle that is cut short, or has bytes or entries too many or too few, is malformed."""
    with pytest.raises(MalformedError):
        decode_entry_bundle(data, width)


def test_the_longest_entry_fits() -> None:
    """65,535 bytes are allowed."""
    entry = bytes(65_535)
    assert decode_entry_bundle(encode_entry_bundle([entry]), 1) == [entry]


def test_seventy_thousand_entries_have_the_known_tiles() -> None:
    """273 full and one of 112 leaf hashes; one full and one of 17; and one of 1."""
    tiles = list(tiles_of(70_000))
    assert len(tiles) == 273 + 1 + 2 + 1
    assert tiles[273:] == [(0, 273, 112), (1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert list(tiles_of(0)) == []


def fetch_nothing(level: int, number: int) -> bytes:
    """Fail: no tile must be fetched."""
    raise AssertionError((level, number))


@pytest.mark.parametrize(("level", "index"), [(0, 300), (9, 0), (8, 1), (-1, 0), (0, -1), (300, 0)])
def test_nodes_beyond_the_tree_are_refused(level: int, index: int) -> None:
    """A node that is not wholly in the tree is not calculated, nor anything fetched for it."""
    with pytest.raises(ProofError, match="no node"):
        TileNodes(300, fetch_nothing, list)(level, index)


def test_a_tile_of_another_length_is_refused_when_fetched() -> None:
    """A store that hands out a cut tile is found out."""
    with pytest.raises(MalformedError, match="tile has 0 bytes"):
        TileNodes(300, lambda *_: b"", list)(0, 0)


def test_a_short_edge_is_refused() -> None:
    """An edge handed in must have the hashes that the size says, of 32 bytes."""
    for edge in ([], [b"short"]):
        node = TileNodes(256, fetch_nothing, list, edge=lambda _, edge=edge: edge)  # type: ignore[misc]
        with pytest.raises(MalformedError, match="edge of tile level 1"):
            node(8, 0)


def test_a_proof_in_a_large_log_fetches_each_tile_once() -> None:
    """With its edges stored, a proof among 16,777,216 needs one tile of each level."""
    fetched = []

    def fetch(level: int, number: int) -> bytes:
        fetched.append((level, number))
        return A * 256

    node = TileNodes(2**24, fetch, list)
    assert len(inclusion_proof(2**24 - 1, 2**24, node)) == 24
    assert sorted(fetched) == [(0, 65_535), (1, 255), (2, 0)]


def test_root_of_a_tile() -> None:
    """The root over a full tile is that over its hashes; another length is refused."""
    hashes = [leaf_hash(bytes((one,))) for one in range(256)]
    assert tile_root(b"".join(hashes)) == perfect_root(hashes)
    for length in (0, 8_160, 8_191, 8_193):
        with pytest.raises(MalformedError, match="256 hashes"):
            tile_root(bytes(length))

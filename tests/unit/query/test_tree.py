"""The authenticated tree: leaves in one hash, growth, earlier roots, and few tiles in memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotrail.errors import AlteredError, ForkedError, MissingError
from biotrail.query import AuthenticatedTree
from biotrail.query import tree as module
from biotrail.tlog import CompactRange, TileBuilder, leaf_hash, verify_inclusion


class _Store:
    """Entries and tiles of a log of short entries; a real store's reading half, as far as asked."""

    def __init__(self, size: int, flavour: bytes = b"") -> None:
        self.rows = [flavour + index.to_bytes(4, "big") for index in range(size)]
        full = TileBuilder().extend([leaf_hash(one) for one in self.rows])
        self.tiles = {(one.level, one.number): one.data for one in full}
        self.asked: list[tuple[int, int]] = []

    def root(self, size: int) -> bytes:
        tree = CompactRange()
        tree.extend(leaf_hash(one) for one in self.rows[:size])
        return tree.root()

    def raw_entries(self, start: int, stop: int) -> Any:
        return [
            (index, self.rows[index], None) for index in range(start, min(stop, len(self.rows)))
        ]

    def entries(self, start: int, stop: int) -> Any:
        from biotrail.stores import StoredEntry

        return (StoredEntry(*one) for one in self.raw_entries(start, stop))

    def tile(self, level: int, index: int) -> bytes | None:
        self.asked.append((level, index))
        return self.tiles.get((level, index))


_store = _Store(70_000)


@given(st.lists(st.integers(1, 70_000), min_size=1, max_size=4), st.data())
@settings(max_examples=25, deadline=None)
def test_grows(sizes: list[int], data: Any) -> None:
    """At every size each leaf is checked, and proves itself against each earlier root."""
    tree = AuthenticatedTree(_store, kept=4)  # type: ignore[arg-type] # as far as it is asked
    for size in sorted(sizes):
        tree.grow(size, _store.root(size))
        index = data.draw(st.integers(0, size - 1))
        tree.check(index, _store.rows[index])
        earlier = data.draw(st.integers(index + 1, size))
        root = tree.root_at(earlier)
        assert root == _store.root(earlier)
        leaf = leaf_hash(_store.rows[index])
        verify_inclusion(leaf, index, earlier, tree.inclusion(index, earlier), root)
        with pytest.raises(AlteredError):
            tree.check(index, b"another")


def test_one_tile_each() -> None:
    """A tile is fetched once, and checking its other leaves asks the store for nothing."""
    store = _Store(70_000)
    tree = AuthenticatedTree(store)  # type: ignore[arg-type] # as far as it is asked
    tree.grow(70_000, store.root(70_000))
    store.asked.clear()
    for index in range(256, 512):
        tree.check(index, store.rows[index])
    assert sorted(store.asked) == [(0, 1), (1, 0)]


class _AtOnce(_Store):
    """The same, of a store that reads several tiles in one go."""

    def tiles_at(self, level: int, indices: Any) -> dict[int, bytes]:
        found = {one: self.tile(level, one) for one in indices}
        return {one: data for one, data in found.items() if data is not None}


def test_tiles_at_once() -> None:
    """Tiles that are read in one go are held against the root as others are, and fetched once."""
    store = _AtOnce(70_000)
    tree = AuthenticatedTree(store)  # type: ignore[arg-type] # as far as it is asked
    tree.grow(70_000, store.root(70_000))
    store.asked.clear()
    rows = [(one, store.rows[one]) for one in (3, 300, 301, 69_999, 600)]
    tree.check_all(rows)
    tree.check_all(rows)
    assert sorted(store.asked) == [(0, 0), (0, 1), (0, 2), (1, 0)]
    with pytest.raises(AlteredError, match="entry 1000 is not"):
        tree.check_all([(800, store.rows[800]), (1_000, b"another")])
    store.tiles[0, 9] = bytes(32) + store.tiles[0, 9][32:]
    del store.tiles[0, 8]
    with pytest.raises(AlteredError, match="tile 9 of level 0"):
        tree.check_all([(one, store.rows[one]) for one in (7 * 256, 9 * 256)])
    with pytest.raises(MissingError, match="tile 8 of level 0"):
        tree.check_all([(one, store.rows[one]) for one in (8 * 256, 10 * 256)])


def test_another_root() -> None:
    """A root to which the stored entries do not lead is refused, and the tree stays as it was."""
    tree = AuthenticatedTree(_store)  # type: ignore[arg-type] # as far as it is asked
    with pytest.raises(AlteredError, match="do not lead to the root"):
        tree.grow(300, bytes(32))
    tree.grow(300, _store.root(300))
    with pytest.raises(AlteredError, match="do not lead to the root"):
        tree.grow(400, bytes(32))
    assert tree.size == 300
    tree.check(299, _store.rows[299])


def test_altered_tile() -> None:
    """A tile that was changed, or is missing, is found when it is first needed."""
    store = _Store(70_000)
    tree = AuthenticatedTree(store)  # type: ignore[arg-type] # as far as it is asked
    tree.grow(70_000, store.root(70_000))
    store.tiles[0, 3] = bytes(32) + store.tiles[0, 3][32:]
    del store.tiles[0, 4]
    with pytest.raises(AlteredError, match="tile 3 of level 0"):
        tree.check(3 * 256 + 9, store.rows[3 * 256 + 9])
    with pytest.raises(MissingError, match="tile 4 of level 0"):
        tree.check(4 * 256, store.rows[4 * 256])
    tree.check(5 * 256, store.rows[5 * 256])


def test_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger tree that does not begin with the earlier one is a fork, far or near."""
    other = _Store(70_000, b"other")
    tree = AuthenticatedTree(_store)  # type: ignore[arg-type] # as far as it is asked
    tree.grow(600, _store.root(600))
    tree.check(3, _store.rows[3])
    tree._store = other  # type: ignore[assignment] # likewise
    with pytest.raises(AlteredError):
        tree.grow(700, other.root(700))
    monkeypatch.setattr(module, "_FEW", 50)
    with pytest.raises(ForkedError, match="at size 600"):
        tree.grow(69_000, other.root(69_000))
    assert tree.size == 600
    tree.check(599, _store.rows[599])
    tree.check(3, _store.rows[3])


def test_missing_entry() -> None:
    """An entry that is missing where the tree grows is named."""
    store = _Store(40)
    tree = AuthenticatedTree(store)  # type: ignore[arg-type] # as far as it is asked
    tree.grow(30, store.root(30))
    root = store.root(40)
    store.rows.pop()
    with pytest.raises(MissingError):
        tree.grow(40, root)

"""Stores that answer strangely: what they say is never believed, and always gets a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from biotrail import AuditLogger, MemoryStore, verify_log
from biotrail.errors import (
    AlteredError,
    MalformedError,
    MissingError,
    StoreBusyError,
    StoreError,
    VerificationError,
)
from biotrail.stores import Extent, StoreReader
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import decode_tile
from biotrail.verify.completeness import check_upper_tiles
from tests.attacks._tools import event, key_of, signer

SIZE = 30


class Strange(MemoryStore):
    """A store in memory with faults to be set."""

    failure: StoreError | None = None
    failing_at = SIZE
    answer: Extent | None = None
    later: dict[int, bytes]

    def __init__(self) -> None:
        super().__init__()
        self.later = {}
        self.readings = 0

    def raw_entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes, str | None]]:
        """Fail at an index, or give other bytes once an entry has been read before."""
        self.readings += 1
        for index, entry, note in super().raw_entries(start, stop):
            if self.failure is not None and index == self.failing_at:
                raise self.failure
            yield index, self.later.get(index, entry) if self.readings > 1 else entry, note

    def extent(self) -> Extent:
        """Say what was set."""
        return self.answer or super().extent()


@pytest.fixture
def store() -> Strange:
    """A store with a log."""
    store = Strange()
    logger = AuditLogger(store, signer())
    for number in range(SIZE - 1):
        logger.record(event(number))
    store.readings = 0
    return store


@pytest.mark.parametrize("index", [0, 7, SIZE - 1])
def test_a_row_that_cannot_be_read(store: Strange, index: int) -> None:
    """A row that the store cannot read is malformed, at its index."""
    store.failure, store.failing_at = StoreError("damaged"), index
    with pytest.raises(MalformedError, match="damaged") as caught:
        verify_log(store, key_of())
    assert caught.value.index == index


def test_a_store_that_is_busy(store: Strange) -> None:
    """A store that is locked is no damage: the error says that it is busy."""
    store.failure, store.failing_at = StoreBusyError("locked"), 7
    with pytest.raises(StoreBusyError):
        verify_log(store, key_of())


def test_other_failures_are_malformed(store: Strange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else the store cannot read is malformed, without an index."""

    def fail(*_: object) -> Any:
        raise StoreError("no such table")

    for name in ("extent", "lookups", "payloads", "tiles", "structure_faults"):
        with monkeypatch.context() as context:
            context.setattr(store, name, fail)
            with pytest.raises(MalformedError, match="no such table"):
                verify_log(store, key_of())


@pytest.mark.parametrize(
    "answer",
    [Extent(-1, 30, 30, None), Extent("x", 30, 30, None), Extent(30, 1.5, 30, None)],  # type: ignore[arg-type]
)
def test_extents_that_are_none(store: Strange, answer: Extent) -> None:
    """Sizes that are no sizes are malformed."""
    store.answer = answer
    with pytest.raises(MalformedError):
        verify_log(store, key_of())


def test_a_checkpoint_only_in_the_extent(store: Strange) -> None:
    """A head whose checkpoint is in no row is not believed: the rows are what is checked."""
    store._entries[-1] = store._entries[-1]._replace(checkpoint=None)
    store.answer = Extent(SIZE, SIZE, SIZE, "anything")
    with pytest.raises(VerificationError) as caught:
        verify_log(store, key_of())
    assert caught.value.index == SIZE - 1


def test_an_entry_that_changes_between_two_readings(store: Strange) -> None:
    """What lies beside an entry is held against the bytes that were proven, not against others."""
    other = Strange()
    AuditLogger(other, signer()).record(event(6, action="door.shut"))
    store.later = {7: next(iter(other.entries(1, 2))).entry}
    with pytest.raises(AlteredError) as caught:
        verify_log(store, key_of())
    assert caught.value.index == 7


def test_a_look_up_row_that_is_missing(store: Strange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store whose look-up rows are fewer than its entries misses some."""
    true = list(store.lookups(0, SIZE))
    monkeypatch.setattr(store, "lookups", lambda start, stop: iter(true[:5] + true[6:]))
    with pytest.raises(MissingError) as caught:
        verify_log(store, key_of())
    assert caught.value.index == 5


class Tiles:
    """Tiles of a tree of 2**24 entries, all of which are the same."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {0: bytes(8192)}
        for level in (1, 2):
            self.kept[level] = perfect_root(decode_tile(self.kept[level - 1])) * 256
        self.top: bytes | None = self.kept[2]

    def tile(self, level: int, index: int) -> bytes | None:
        """A tile of the level, whatever its index."""
        return self.top if level == 2 else self.kept[level]

    def tiles(self) -> Iterator[tuple[int, int]]:
        """The topmost."""
        return iter([(2, 0)])

    def extent(self) -> Extent:
        """As many entries as it has."""
        return Extent(2**24, 2**24, 0, None)


def _check(tiles: Tiles) -> None:
    reader: StoreReader = tiles  # type: ignore[assignment] # what is asked of it here, it has
    check_upper_tiles(reader, 2**24)


def test_tiles_of_the_third_level() -> None:
    """A tile of level 2 is held against those of level 1."""
    tiles = Tiles()
    _check(tiles)
    tiles.top = bytes(8192)
    with pytest.raises(AlteredError, match="level 2"):
        _check(tiles)
    tiles.top = None
    with pytest.raises(MissingError, match="level 2"):
        _check(tiles)


def test_what_is_neither_a_path_nor_a_store() -> None:
    """It is refused by its type, at the door."""
    with pytest.raises(TypeError, match="a path or a store with its methods, not a int"):
        verify_log(cast("Any", 7), key_of())

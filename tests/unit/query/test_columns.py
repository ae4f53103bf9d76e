"""Columns as bitmaps: stored segments and calculated ones say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from biotrail import LogQuery, field
from biotrail.errors import MissingError
from biotrail.query import Condition
from biotrail.query.columns import Columns
from biotrail.stores import Lookup, MemoryStore
from biotrail.stores.postings import SEGMENT, Segment, segment_of
from tests.unit.query._questions import KEY, varied_log

_SIZE = 2 * SEGMENT + 300
_QUESTIONS: list[Condition | None] = [
    None,
    field("outcome") == "failure",
    ~(field("outcome") == "failure") & (field("tenant") == "north"),
    field("action").starts_with("door.") | (field("target") == "b"),
    field("occurred") > "2026-11-23T12:30:00Z",
    field("target").exists() & (field("label.floor") == 2),
    field("index").one_of(5, SEGMENT, _SIZE - 1),
]


class _Searchable:
    """A store that keeps the segments of some numbers; what it is asked for is noted."""

    def __init__(self, store: Any, kept: set[int]) -> None:
        self._inner = store
        self._kept: dict[int, Segment] = {}
        for number in kept:
            rows = store.lookups(number * SEGMENT, (number + 1) * SEGMENT)
            self._kept[number] = segment_of(number, (one for _, one in rows))
        self.lookups_of: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
        self.lookups_of.append((start, stop))
        found: Iterator[tuple[int, Lookup]] = self._inner.lookups(start, stop)
        return found

    def _range(self, start: int, stop: int) -> list[Segment]:
        return [self._kept[one] for one in sorted(self._kept) if start <= one < stop]

    def segments(self, start: int, stop: int) -> Iterator[int]:
        return (one.number for one in self._range(start, stop))

    def postings(
        self, field: str, value: str, start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        for one in self._range(start, stop):
            if (field, value) in one.postings:
                yield one.number, one.postings[field, value]

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        for one in self._range(start, stop):
            for (name, value), positions in one.postings.items():
                if name == field:
                    yield one.number, value, positions

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        return ((one.number, one.occurred) for one in self._range(start, stop))


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """A log of two whole segments and some entries more, in the clear."""
    found, _ = varied_log(_SIZE - 1, 11, sealed=False)
    assert isinstance(found, MemoryStore)
    return found


@pytest.mark.parametrize("kept", [{0, 1}, {0}, {1}, set()])
def test_stored(store: Any, kept: set[int]) -> None:
    """Whichever segments are stored, answers and counts are the same; those are not read anew."""
    searchable = _Searchable(store, kept)
    asked, plain = LogQuery(searchable, trusted=KEY), LogQuery(store, trusted=KEY)
    for question in _QUESTIONS:
        assert (
            asked.count(question) == plain.count(question) == plain.count(question, verified=True)
        )
        for sort in ("-index", "occurred"):
            page = asked.query(question, sort=sort, limit=70)
            same = plain.query(question, sort=sort, limit=70)
            assert [one.index for one in page.records] == [one.index for one in same.records]
            assert page.misleading == ()
        by = ("outcome", "target", "kind")
        assert asked.facets(question, by=by) == plain.facets(question, by=by)
        assert asked.timeline(question, by="action") == plain.timeline(question, by="action")
    read = {start // SEGMENT for start, _ in searchable.lookups_of}
    assert read == {0, 1, 2} - kept


def test_stored_later(store: Any) -> None:
    """A segment that was calculated, and is stored meanwhile, is taken from the store."""
    searchable = _Searchable(store, set())
    columns = Columns(searchable)
    columns.size = _SIZE
    before = columns.bitmaps("outcome", "failure", 0, 3), columns.values("action", 0, 3)
    searchable._kept = _Searchable(store, {0, 1})._kept
    searchable.lookups_of.clear()
    assert (columns.bitmaps("outcome", "failure", 0, 3), columns.values("action", 0, 3)) == before
    assert columns.times(1).at == Columns.times(_calculated(store), 1).at
    assert not [one for one in searchable.lookups_of if one[0] < 2 * SEGMENT]


def _calculated(store: Any) -> Columns:
    columns = Columns(store)
    columns.size = _SIZE
    return columns


def test_grows(store: Any) -> None:
    """The last segment is read on from where it was left."""
    columns = _calculated(store)
    columns.size = 2 * SEGMENT + 10
    first = columns.bitmaps("kind", "event", 2, 3)[0]
    assert first.bit_length() == 10
    columns.size = _SIZE
    assert columns.bitmaps("kind", "event", 2, 3)[0].bit_length() == 300
    assert len(columns.times(2).at) == 300


def test_missing_row(store: Any) -> None:
    """A row that is missing among the columns is an error: those after it would shift."""

    class Missing(_Searchable):
        def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
            return (one for one in super().lookups(start, stop) if one[0] != 70)

    asked = LogQuery(Missing(store, set()), trusted=KEY)
    with pytest.raises(MissingError, match="entry 70"):
        asked.query(field("outcome") == "failure", sort="index")

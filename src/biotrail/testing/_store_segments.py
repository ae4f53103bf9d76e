"""The contract of a store that keeps segments: what is kept is what the columns say."""

from __future__ import annotations

from typing import Any

from biotrail.stores.postings import COLUMNS, SEGMENT, SearchableStore, Segment, segment_of
from biotrail.testing._store_base import StoreCases
from biotrail.testing.samples import sample_batch

__all__ = ["SearchableCases"]

_FAR = 9  # beyond the segments of these cases
_RANGES = ((0, _FAR), (0, 1), (1, 2), (1, _FAR), (2, 9), (1, 1), (1, 0), (-3, 1))


class SearchableCases(StoreCases):
    """Cases about segments; `open_store` gives a `SearchableStore`."""

    def test_it_has_the_methods_of_a_searchable_store(self, store: SearchableStore) -> None:
        """The store is a `SearchableStore`."""
        assert isinstance(store, SearchableStore)

    def test_no_segment_before_it_is_whole(self, store: Any) -> None:
        """Of a store that is empty, or short of 4,096 entries, no segment is kept."""
        assert _kept(store) == {}
        store.append(sample_batch(0, SEGMENT - 1))
        assert _kept(store) == {}
        for field in COLUMNS:
            assert list(store.field_postings(field, 0, _FAR)) == []

    def test_a_range_holds_the_segments_in_it(self, store: Any) -> None:
        """Every answer is about segments with ``start <= number < stop``, in order."""
        _fill(store)
        for start, stop in _RANGES:
            self._check_range(store, start, stop)

    def _check_range(self, store: Any, start: int, stop: int) -> None:
        kept = [one for one in store.segments(0, _FAR) if start <= one < stop]
        assert list(store.segments(start, stop)) == kept
        assert [number for number, _ in store.occurred(start, stop)] == kept
        every = [tuple(one) for one in store.field_postings("kind", start, stop)]
        assert [(number, value) for number, value, _ in every] == sorted(
            (number, value) for number, value, _ in every
        )
        for value in {one[1] for one in every}:
            alone = [tuple(one) for one in store.postings("kind", value, start, stop)]
            assert alone == [(number, data) for number, one, data in every if one == value]

    def test_segments_are_those_of_the_columns(self, store: Any) -> None:
        """What is kept is what the look-up columns say, and of what is nowhere there is nothing."""
        _fill(store)
        lookups = [one for _, one in store.lookups(0, 3 * SEGMENT)]
        kept = _kept(store)
        assert list(kept) == [one for one in (0, 1) if one in kept]
        for number, segment in kept.items():
            first = number * SEGMENT
            assert segment == segment_of(number, lookups[first : first + SEGMENT])
        for field, value in (("action", "no.such"), ("no_column", "event"), ("kind", "'; --")):
            assert list(store.postings(field, value, 0, _FAR)) == []
        assert list(store.field_postings("no_column", 0, _FAR)) == []


def _fill(store: Any) -> None:
    """Two whole segments and a part of a third; one batch reaches from the first to the second."""
    store.append(sample_batch(0, 1, kind="genesis"))
    store.append(sample_batch(1, SEGMENT + 100))
    store.append(sample_batch(SEGMENT + 101, SEGMENT))


def _kept(store: Any) -> dict[int, Segment]:
    found = {}
    for number in store.segments(0, _FAR):
        postings = {
            (field, value): data
            for field in COLUMNS
            for _, value, data in store.field_postings(field, number, number + 1)
        }
        ((_, occurred),) = store.occurred(number, number + 1)
        found[number] = Segment(number, postings, occurred)
    return found

"""The segments of a store that fails when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from biotrail.stores.postings import SearchableStore
from biotrail.testing._faulty_sealed import FaultySealed

__all__ = ["FaultySegments"]


class FaultySegments(FaultySealed):
    """Hands on the steps of `biotrail.stores.SearchableStore`."""

    @property
    def _searchable(self) -> SearchableStore:
        return cast("SearchableStore", self.store)

    def segments(self, start: int, stop: int) -> Iterator[int]:
        """See `SearchableStore.segments`; empty where the store keeps none."""
        keeps = hasattr(self.store, "segments")
        return self._do(
            "segments", lambda: self._searchable.segments(start, stop) if keeps else iter(())
        )

    def postings(
        self, field: str, value: str, start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        """See `SearchableStore.postings`."""
        return self._do("postings", lambda: self._searchable.postings(field, value, start, stop))

    def field_postings(self, field: str, start: int, stop: int) -> Iterator[tuple[int, str, bytes]]:
        """See `SearchableStore.field_postings`."""
        return self._do(
            "field_postings", lambda: self._searchable.field_postings(field, start, stop)
        )

    def occurred(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """See `SearchableStore.occurred`."""
        return self._do("occurred", lambda: self._searchable.occurred(start, stop))

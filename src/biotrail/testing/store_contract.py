"""The contract of a store as tests: subclass, say how a store is opened, and run pytest.

For a store that lasts as long as its object::

    class TestMyStore(StoreContract):
        def open_store(self, folder):
            return MyStore()

For one that is there again when it is opened again, `DurableStoreContract`, whose further cases
open the log of one folder several times. For one that a vault can use, `SealedStoreContract`
besides; for one that keeps segments for
searches, `SearchableStoreContract`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biotrail.errors import EventIdTakenError, ForkedProcessError, HeadMovedError
from biotrail.stores import Store
from biotrail.testing._store_appending import AppendingCases
from biotrail.testing._store_base import everything
from biotrail.testing._store_reading import ReadingCases
from biotrail.testing._store_sealed import SealedCases
from biotrail.testing._store_segments import SearchableCases
from biotrail.testing._store_sharing import SharingCases, check_race, race
from biotrail.testing.samples import sample_batch, sample_entry, sample_event_id

__all__ = [
    "DurableStoreContract",
    "SealedStoreContract",
    "SearchableStoreContract",
    "StoreContract",
]


class StoreContract(ReadingCases, AppendingCases, SharingCases):
    """Every case that any store has to pass. Override `open_store`."""


class SealedStoreContract(SealedCases):
    """What a `biotrail.stores.SealedStore` has to pass beyond the others. Override `open_store`."""


class SearchableStoreContract(SearchableCases):
    """What a `biotrail.stores.SearchableStore` has to pass beyond them. Override `open_store`."""


class DurableStoreContract(StoreContract):
    """The same for stores that outlast their object: `open_store` finds the folder's log again."""

    def test_what_was_written_is_there_again(self, store: Store, tmp_path: Path) -> None:
        """After closing and opening again, everything is as it was."""
        store.append(sample_batch(0, 1, kind="genesis"))
        store.append(sample_batch(1, 5))
        before = everything(store)
        store.close()
        again = self.open_store(tmp_path)
        try:
            assert everything(again) == before
            again.append(sample_batch(6))
            assert again.head() == (7, sample_batch(6).checkpoint)
        finally:
            again.close()

    def test_a_second_opening_sees_the_first_ones_records(
        self, store: Store, tmp_path: Path
    ) -> None:
        """Two openings of one log see at once what the other has written."""
        other = self.open_store(tmp_path)
        try:
            for first in range(0, 6, 2):
                store.append(sample_batch(first))
                other.append(sample_batch(first + 1))
                assert everything(store) == everything(other)
        finally:
            other.close()

    def test_the_head_swap_holds_between_openings(self, store: Store, tmp_path: Path) -> None:
        """A stale head and a taken id are refused in whichever opening they come."""
        other = self.open_store(tmp_path)
        try:
            store.append(sample_batch(0, 2))
            with pytest.raises(HeadMovedError):
                other.append(sample_batch(0, 2, writer="late"))
            taken = sample_batch(2)._replace(entries=[sample_entry(1)])
            with pytest.raises(EventIdTakenError) as caught:
                other.append(taken)
            assert caught.value.taken == {sample_event_id(1): 1}
            assert store.extent().entries == 2
        finally:
            other.close()

    def test_openings_race(self, store: Store, tmp_path: Path) -> None:
        """What several openings wrote at once is all there, nothing twice and nothing mixed."""
        others = [self.open_store(tmp_path) for _ in range(2)]
        try:
            check_race(store, race([store, *others], 6))
        finally:
            for one in others:
                one.close()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
    def test_a_forked_child_writes_or_is_refused(self, store: Store) -> None:
        """A child either writes after `reopen_after_fork`, or is told that it cannot."""
        store.append(sample_batch(0))
        child = os.fork()
        if child == 0:
            os._exit(_write_in_child(store))
        _, status = os.waitpid(child, 0)
        written = {_WRITTEN: 2, _REFUSED: 1}.get(os.waitstatus_to_exitcode(status))
        assert written is not None, "the child failed in another way"
        assert store.extent().entries == written
        store.append(sample_batch(written))


_WRITTEN, _REFUSED, _FAILED = 10, 11, 12


def _write_in_child(store: Store) -> int:
    """Append in a forked child; answers as an exit code, and never returns an exception."""
    try:
        store.reopen_after_fork()
        store.append(sample_batch(1))
    except ForkedProcessError:
        return _REFUSED
    except BaseException:
        return _FAILED
    return _WRITTEN

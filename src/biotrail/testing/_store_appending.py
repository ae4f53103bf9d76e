"""The store contract: a batch is written whole, at the expected size, or not at all."""

from __future__ import annotations

import pytest

from biotrail.errors import EventIdTakenError, HeadMovedError, StoreError
from biotrail.stores import Batch, Store, StoredTile, SubjectReference
from biotrail.testing._store_base import StoreCases, everything
from biotrail.testing.samples import sample_batch, sample_entry, sample_event_id

__all__ = ["AppendingCases"]

_TILE = StoredTile(0, 0, bytes(8_192))
_SUBJECT = SubjectReference("", "somebody", bytes(16))


def _full(batch: Batch) -> Batch:
    """The same batch with a tile and a reference, so that a half-written one would show."""
    return batch._replace(tiles=[_TILE], subjects=[_SUBJECT])


class AppendingCases(StoreCases):
    """Cases about writing."""

    @pytest.mark.parametrize("first", [0, 2, 4, 100])
    def test_a_stale_head_is_refused_whole(self, store: Store, first: int) -> None:
        """A batch for another size than the log has is refused, and nothing of it is written."""
        store.append(sample_batch(0, 3))
        before = everything(store)
        with pytest.raises(HeadMovedError):
            store.append(_full(sample_batch(first, 2, writer="late")))
        assert everything(store) == before
        assert store.references("", "somebody") == []
        assert store.find_events([sample_event_id(first, writer="late")]) == {}

    def test_an_empty_store_begins_at_zero(self, store: Store) -> None:
        """The first batch begins at index 0; another is refused."""
        with pytest.raises(HeadMovedError):
            store.append(sample_batch(1))
        assert store.head() is None

    def test_taken_ids_are_refused_whole(self, store: Store) -> None:
        """Ids that are in the log are named with their indices, and nothing is written."""
        store.append(sample_batch(0, 4))
        before = everything(store)
        entries = [sample_entry(4), sample_entry(1), sample_entry(5), sample_entry(3)]
        with pytest.raises(EventIdTakenError) as caught:
            store.append(_full(sample_batch(4, 4)._replace(entries=entries)))
        assert caught.value.taken == {sample_event_id(1): 1, sample_event_id(3): 3}
        assert everything(store) == before
        assert store.references("", "somebody") == []
        assert store.find_events([sample_event_id(4)]) == {}

    def test_one_id_twice_in_a_batch_is_refused_whole(self, store: Store) -> None:
        """An id is unique within a batch as well; nothing of such a batch is written."""
        store.append(sample_batch(0, 2))
        before = everything(store)
        twice = sample_batch(2, 3)._replace(entries=[sample_entry(2), sample_entry(2)])
        with pytest.raises(StoreError):
            store.append(_full(twice))
        assert everything(store) == before

    def test_a_tile_is_written_once(self, store: Store) -> None:
        """A tile that is there is not replaced; a batch that brings it again is refused whole."""
        store.append(sample_batch(0, tiles=[_TILE]))
        before = everything(store)
        other = StoredTile(0, 0, bytes([1]) * 8_192)
        with pytest.raises(StoreError):
            store.append(sample_batch(1, tiles=[other]))
        assert everything(store) == before

    def test_the_log_goes_on_after_a_refusal(self, store: Store) -> None:
        """After each kind of refusal the next right batch is written."""
        store.append(sample_batch(0, 2))
        for wrong in (sample_batch(0), sample_batch(2)._replace(entries=[sample_entry(0)])):
            with pytest.raises(StoreError):
                store.append(wrong)
        store.append(sample_batch(2, 2))
        assert [one.entry for one in store.entries(0, 9)] == [
            sample_entry(index).entry for index in range(4)
        ]

    def test_known_references_are_no_error(self, store: Store) -> None:
        """A reference that is there already is kept once."""
        store.append(sample_batch(0, subjects=[_SUBJECT, _SUBJECT]))
        store.append(sample_batch(1, subjects=[_SUBJECT]))
        assert store.references("", "somebody") == [_SUBJECT.reference]

    def test_large_batches(self, store: Store) -> None:
        """A batch of thousands is one batch: one checkpoint, at its end."""
        store.append(sample_batch(0))
        large = sample_batch(1, 5_000)
        store.append(large)
        assert store.head() == (5_001, large.checkpoint)
        assert store.checkpoint_from(2) == (5_001, large.checkpoint)
        entries = [entry for _, entry, _ in store.raw_entries(1, 5_001)]
        assert entries == [one.entry for one in large.entries]

    def test_equal_entries_are_different_rows(self, store: Store) -> None:
        """The store compares event ids, not bytes: equal entries may follow each other."""
        plain = sample_entry(0, kind="log_read")
        store.append(sample_batch(0)._replace(entries=[plain, plain]))
        assert [one.entry for one in store.entries(0, 2)] == [plain.entry, plain.entry]

"""The store contract: what is read back is what was written."""

from __future__ import annotations

import pytest

from biotrail.stores import (
    Extent,
    Lookup,
    Store,
    StoredEntry,
    StoredTile,
    StoreReader,
    SubjectReference,
    TilesAtOnce,
    WrittenEntry,
)
from biotrail.testing._store_base import StoreCases
from biotrail.testing.samples import sample_batch, sample_entry, sample_event_id

__all__ = ["ReadingCases"]

_RANGES = ((0, 10), (0, 1), (3, 7), (9, 10), (5, 99), (10, 20), (99, 200), (4, 4), (7, 3), (-5, 2))
_LARGEST = 65_535


def _tile(level: int, index: int) -> StoredTile:
    return StoredTile(level, index, bytes((level, index)) * 4_096)


class ReadingCases(StoreCases):
    """Cases about reading."""

    def test_it_has_the_methods_of_a_store(self, store: Store) -> None:
        """The store is a `Store`, and so a `StoreReader` too."""
        assert isinstance(store, Store)
        assert isinstance(store, StoreReader)

    def test_an_empty_store_has_nothing(self, store: Store) -> None:
        """Before the first batch there is no head, no row, no tile and no checkpoint."""
        assert store.head() is None
        assert list(store.entries(0, 10)) == []
        assert list(store.raw_entries(0, 10)) == []
        assert list(store.lookups(0, 10)) == []
        assert list(store.payloads(0, 10)) == []
        assert list(store.tiles()) == []
        assert store.tile(0, 0) is None
        assert store.checkpoint_from(0) is None
        assert store.checkpoint_from(1) is None

    def test_an_empty_store_finds_nothing(self, store: Store) -> None:
        """Before the first batch nothing is found, and nothing is wrong."""
        assert store.find_events([]) == {}
        assert store.find_events([sample_event_id(0)]) == {}
        assert store.indices_of_other_kinds() == []
        assert store.references("", "nobody") == []
        assert store.extent() == Extent(0, 0, 0, None)
        assert store.structure_faults() == []

    def test_entries_come_back_byte_for_byte(self, store: Store) -> None:
        """Entries are read in order, and the last of each batch bears the batch's checkpoint."""
        first, second = sample_batch(0, 3), sample_batch(3, 2)
        store.append(first)
        store.append(second)
        expected = [
            StoredEntry(index, sample_entry(index).entry, checkpoint)
            for index, checkpoint in enumerate(
                [None, None, first.checkpoint, None, second.checkpoint]
            )
        ]
        assert list(store.entries(0, 5)) == expected
        assert [tuple(one) for one in store.raw_entries(0, 5)] == [tuple(one) for one in expected]

    @pytest.mark.parametrize(("start", "stop"), _RANGES)
    def test_a_range_holds_what_lies_in_it(self, store: Store, start: int, stop: int) -> None:
        """Every kind of row of a range has ``start <= index < stop``, whatever the two are."""
        store.append(sample_batch(0, 10))
        indices = [index for index in range(10) if start <= index < stop]
        assert [one.index for one in store.entries(start, stop)] == indices
        assert [one[0] for one in store.raw_entries(start, stop)] == indices
        assert [index for index, _ in store.lookups(start, stop)] == indices
        with_payload = [index for index in indices if sample_entry(index).payload is not None]
        assert [index for index, _ in store.payloads(start, stop)] == with_payload

    def test_lookups_come_back_whole(self, store: Store) -> None:
        """Every look-up column comes back as it was given, None where nothing was given."""
        batches = [sample_batch(0, 1, kind="genesis"), sample_batch(1, 3)]
        for batch in batches:
            store.append(batch)
        expected = [one.lookup for batch in batches for one in batch.entries]
        found = list(store.lookups(0, 4))
        assert [index for index, _ in found] == [0, 1, 2, 3]
        assert [lookup for _, lookup in found] == expected
        assert all(isinstance(lookup, Lookup) for _, lookup in found)

    def test_payloads_come_back_where_there_are_any(self, store: Store) -> None:
        """Payloads come back with their index; an entry without one is left out."""
        batch = sample_batch(0, 6)
        store.append(batch)
        expected = [(i, one.payload) for i, one in enumerate(batch.entries) if one.payload]
        assert [tuple(one) for one in store.payloads(0, 6)] == expected

    @pytest.mark.parametrize("entry", [b"\x00", b"\x00\xff" * 100, bytes(_LARGEST)])
    def test_bytes_are_opaque(self, store: Store, entry: bytes) -> None:
        """Zero bytes, bytes that are no text, and the largest entry come back unchanged."""
        written = WrittenEntry(entry, entry, Lookup("event", 0))
        store.append(sample_batch(0)._replace(entries=[written]))
        assert [one.entry for one in store.entries(0, 1)] == [entry]
        assert [payload for _, payload in store.payloads(0, 1)] == [entry]

    @pytest.mark.parametrize("moment", [-62_135_596_800_000_000, -1, 0, 253_402_300_799_999_999])
    def test_any_moment_of_the_calendar_is_kept(self, store: Store, moment: int) -> None:
        """Times from year 1 to year 9999 are kept to the microsecond, before 1970 too."""
        lookup = sample_entry(0).lookup._replace(recorded=moment, occurred=moment)
        store.append(sample_batch(0)._replace(entries=[WrittenEntry(b"entry", None, lookup)]))
        assert [one for _, one in store.lookups(0, 1)] == [lookup]

    def test_the_head_has_size_and_checkpoint(self, store: Store) -> None:
        """The head is the size after the last batch, with that batch's checkpoint."""
        for batch in (sample_batch(0, 2), sample_batch(2, 1)):
            store.append(batch)
            assert store.head() == (batch.size, batch.checkpoint)

    def test_the_first_checkpoint_at_or_above_a_size(self, store: Store) -> None:
        """`checkpoint_from` gives the smallest tree that is no smaller than asked, or None."""
        batches = [sample_batch(0, 3), sample_batch(3, 1), sample_batch(4, 4)]
        for batch in batches:
            store.append(batch)
        for size in range(10):
            large_enough = [one for one in batches if one.size >= max(size, 1)]
            expected = (large_enough[0].size, large_enough[0].checkpoint) if large_enough else None
            assert store.checkpoint_from(size) == expected

    def test_events_are_found_by_id(self, store: Store) -> None:
        """Ids are found at their indices, however many are asked for; unknown ones are left out."""
        store.append(sample_batch(0, 1, kind="genesis"))
        store.append(sample_batch(1, 1_500))
        known = {sample_event_id(index): index for index in range(1, 1_501)}
        unknown = [sample_event_id(index, writer="another") for index in range(700)]
        assert store.find_events([*unknown, *known]) == known
        assert store.find_events(unknown) == {}

    def test_other_kinds_are_listed(self, store: Store) -> None:
        """Entries that are not events are listed in order; many may go without an event id."""
        for first, kind in enumerate(["genesis", "event", "key_added", "event", "key_retired"]):
            store.append(sample_batch(first, kind=kind))
        assert store.indices_of_other_kinds() == [0, 2, 4]

    def test_tiles_are_kept(self, store: Store) -> None:
        """Tiles come back by level and index, and are listed in that order."""
        places = [(1, 0), (0, 1), (0, 0), (0, 2)]
        store.append(sample_batch(0, tiles=[_tile(*place) for place in places[:2]]))
        store.append(sample_batch(1, tiles=[_tile(*place) for place in places[2:]]))
        assert [tuple(place) for place in store.tiles()] == sorted(places)
        assert [store.tile(*place) for place in places] == [_tile(*p).hashes for p in places]
        assert store.tile(0, 3) is None
        if isinstance(store, TilesAtOnce):
            for level, indices in ((0, range(3_000)), (1, [0]), (0, [7, 2]), (0, []), (9, [0])):
                kept = {place[1]: _tile(*place).hashes for place in places if place[0] == level}
                expected = {one: kept[one] for one in indices if one in kept}
                assert store.tiles_at(level, indices) == expected

    def test_references_of_a_person_in_order(self, store: Store) -> None:
        """References come back in the order in which they were made, apart for each tenant."""
        one, two = bytes(16), bytes([255]) * 16
        for first, (tenant, identity, reference) in enumerate(
            [("", "ann", two), ("", "ann", one), ("bank", "ann", one), ("", "Ann", two)]
        ):
            subject = SubjectReference(tenant, identity, reference)
            store.append(sample_batch(first, subjects=[subject]))
        assert store.references("", "ann") == [two, one]
        assert store.references("bank", "ann") == [one]
        assert store.references("bank", "nobody") == []

    def test_extent_reaches_as_far_as_the_rows(self, store: Store) -> None:
        """The extent names the head, the ends of entries and payloads, and the last checkpoint."""
        batch = sample_batch(0, 3)
        store.append(batch)
        assert batch.entries[2].payload is None
        assert store.extent() == Extent(3, 3, 2, batch.checkpoint)

    def test_nothing_is_wrong_with_the_structure(self, store: Store) -> None:
        """A store that only `append` has written to finds no fault with itself."""
        store.append(sample_batch(0, 20, tiles=[_tile(0, 0)]))
        assert store.structure_faults() == []

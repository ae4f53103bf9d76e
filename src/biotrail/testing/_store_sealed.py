"""The contract of a store's sealed half: what is destroyed is gone, and fences hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from struct import iter_unpack

import pytest

from biotrail.errors import FenceMovedError, StoreError
from biotrail.stores import (
    Batch,
    DeviceCells,
    Fence,
    SealedPayload,
    SealedStore,
    SubjectReference,
    WrappedKey,
)
from biotrail.testing._store_base import StoreCases, everything
from biotrail.testing.samples import sample_batch

__all__ = ["SealedCases"]

_ANN, _BEN, _EVE = (sha256(name).digest()[:16] for name in (b"ann", b"ben", b"eve"))
_DEVICES = (b"d" * 16, b"e" * 16)
_ADDRESSES = (bytes(20), bytes(4) + b"\xff" * 16, b"\xff" * 20)
_FAR = 2**40
_BLOCK = 4_096


def _key(reference: bytes, *, key_id: str = "first", wrapped: bytes = b"wrapped") -> WrappedKey:
    return WrappedKey(reference, key_id, wrapped + reference, sha256(reference).digest())


def _sealed(index: int) -> SealedPayload:
    """The subject is Ann for even indices, else Ben; the actor is Eve for every third."""
    return SealedPayload(
        payload=sha256(f"sealed {index}".encode()).digest() * 9,
        subject=_BEN if index % 2 else _ANN,
        actor=_EVE if index % 3 == 0 else None,
        device=_DEVICES[index % 2] if index % 5 else None,
        ip=_ADDRESSES[index % 3],
    )


def _batch(first: int, count: int, *, fences: int | None = None) -> Batch:
    batch = sample_batch(first, count)
    entries = [
        one._replace(payload=None, sealed=_sealed(index))
        for index, one in enumerate(batch.entries, first)
    ]
    keys = [_key(_ANN), _key(_BEN)]
    return batch._replace(entries=entries, keys=keys, fences=fences)


def _fence(name: bytes, *references: bytes) -> Fence:
    return Fence(sha256(name).digest()[:16], references, b"content of " + name, 0)


class SealedCases(StoreCases):
    """Cases about what a vault asks of a store; `open_store` gives a `SealedStore`."""

    def test_it_has_the_methods_of_a_sealed_store(self, store: SealedStore) -> None:
        """The store is a `SealedStore`."""
        assert isinstance(store, SealedStore)

    def test_an_empty_store_has_nothing_sealed(self, store: SealedStore) -> None:
        """Before the first batch there is no key, no fence, no payload."""
        assert store.data_keys([_ANN]) == {}
        assert store.data_keys_after(0, 9) == []
        assert store.count_data_keys() == store.fence_count() == 0
        assert store.fences() == []
        assert list(store.sealed_of(_ANN, 0, _FAR)) == []
        assert list(store.sealed_people(0, _FAR)) == []
        assert store.payloads_at([0, 1]) == store.entries_at([0, 1]) == {}

    def test_sealed_payloads_are_payloads(self, store: SealedStore) -> None:
        """Payloads are read in order of index, whether they are sealed or not."""
        store.append(sample_batch(0, 3))
        store.append(_batch(3, 4))
        store.append(sample_batch(7, 2))
        clear = {i: one.payload for i, one in enumerate(sample_batch(0, 9).entries) if one.payload}
        expected = {i: clear.get(i) for i in range(9)} | {i: _sealed(i)[0] for i in range(3, 7)}
        expected = {i: one for i, one in expected.items() if one is not None}
        assert [tuple(one) for one in store.payloads(0, 9)] == sorted(expected.items())
        assert [tuple(one) for one in store.payloads(4, 6)] == [(i, expected[i]) for i in (4, 5)]
        assert store.payloads_at(range(20)) == expected
        assert list(store.clear_payloads(0, 9)) == [i for i in sorted(clear) if not 3 <= i < 7]
        assert list(store.clear_payloads(1, 8)) == [1, 7]
        assert store.extent().payloads == 1 + max(expected)

    def test_rows_at_indices(self, store: SealedStore) -> None:
        """Entries and payloads are found at any number of indices; absent ones are left out."""
        batch = _batch(0, 1_200)
        store.append(batch)
        wanted = range(0, 2_000, 2)
        assert store.entries_at(wanted) == {i: batch.entries[i].entry for i in range(0, 1_200, 2)}
        assert store.payloads_at(wanted) == {i: _sealed(i).payload for i in range(0, 1_200, 2)}

    def test_sealed_payloads_are_found(self, store: SealedStore) -> None:
        """They are found by subject or actor, by device, and by the beginning of address tags."""
        store.append(_batch(0, 30))
        rows = [(i, _sealed(i)) for i in range(4, 20)]
        of_eve = [i for i, one in rows if _EVE in (one.subject, one.actor)]
        assert list(store.sealed_of(_EVE, 4, 20)) == of_eve
        assert list(store.sealed_of(_ANN, 4, 20)) == [i for i, _ in rows if i % 2 == 0]
        people = [(i, one.subject, one.actor) for i, one in rows]
        assert [tuple(one) for one in store.sealed_people(4, 20)] == people
        for device in _DEVICES:
            expected = [i for i, one in rows if one.device == device]
            assert list(store.sealed_by_device(device, 4, 20)) == expected
        for prefix in (b"", bytes(4), bytes(5), b"\xff", b"\xff" * 20, bytes(4) + b"\xff"):
            expected = [i for i, one in rows if (one.ip or b"").startswith(prefix)]
            assert list(store.sealed_by_ip(prefix, 4, 20)) == expected

    def test_tags_are_forgotten_among_thousands(self, store: SealedStore) -> None:
        """Among thousands, records are found by their tags until those are destroyed."""
        rows = {index: _sealed(index) for index in range(9_000)}
        for first in range(0, 9_000, 1_500):
            store.append(_batch(first, 1_500))
        for gone in ((), range(4_000, 4_200), range(1, 9_000, 7)):
            store.replace_payloads([(index, b"rest", True) for index in gone if index in rows])
            for index in gone:
                rows.pop(index, None)
            for device in _DEVICES:
                found = [i for i, one in rows.items() if one.device == device]
                assert list(store.sealed_by_device(device, 0, _FAR)) == found
                found = [i for i in found if 3_000 <= i < 8_500]
                assert list(store.sealed_by_device(device, 3_000, 8_500)) == found
            for prefix in (b"", bytes(4), bytes(12), *_ADDRESSES):
                found = [i for i, one in rows.items() if (one.ip or b"").startswith(prefix)]
                assert list(store.sealed_by_ip(prefix, 0, _FAR)) == found
            _check_cells(store, {i: one.device for i, one in rows.items() if one.device})
        assert store.structure_faults() == []

    def test_one_payload_an_entry(self, store: SealedStore) -> None:
        """An entry with a payload in the clear and a sealed one is refused with its batch."""
        entries = [one._replace(payload=b"clear") for one in _batch(0, 2).entries]
        with pytest.raises(StoreError):
            store.append(_batch(0, 2)._replace(entries=entries))
        assert store.head() is None
        assert store.count_data_keys() == 0

    def test_keys_are_kept_once(self, store: SealedStore) -> None:
        """The first key of a reference stays, whether a batch brings another or a caller does."""
        assert store.keep_key(_key(_ANN)) == _key(_ANN)
        assert store.keep_key(_key(_ANN, wrapped=b"other")) == _key(_ANN)
        store.append(_batch(0, 1)._replace(keys=[_key(_ANN, wrapped=b"other"), _key(_BEN)]))
        assert store.data_keys([_BEN, _EVE, _ANN]) == {_ANN: _key(_ANN), _BEN: _key(_BEN)}
        assert [key for _, key in store.data_keys_after(0, 9)] == [_key(_ANN), _key(_BEN)]

    def test_keys_come_in_groups(self, store: SealedStore) -> None:
        """Keys are read in groups in the order in which they were kept, each once."""
        references = [sha256(bytes([i])).digest()[:16] for i in range(10)]
        for reference in references:
            store.keep_key(_key(reference))
        found, position = [], 0
        while group := store.data_keys_after(position, 3):
            found += [key.reference for _, key in group]
            position = group[-1][0]
        assert found == references

    def test_keys_are_wrapped_anew(self, store: SealedStore) -> None:
        """Only a key that is still as it was read is replaced; the count says how many were."""
        old = [store.keep_key(_key(one)) for one in (_ANN, _BEN)]
        new = [_key(one.reference, key_id="second", wrapped=b"another one") for one in old]
        assert store.rewrap_keys([(new[0], old[0]), (old[1], new[1])]) == 1
        assert store.rewrap_keys(list(zip(old, new, strict=True))) == 1
        assert store.data_keys([_ANN, _BEN]) == {one.reference: one for one in new}
        assert store.count_data_keys("second") == 2
        assert store.count_data_keys("first") == 0
        with pytest.raises(StoreError):
            store.rewrap_keys([(new[0], new[1])])

    def test_a_destroyed_key_stays_destroyed(self, store: SealedStore) -> None:
        """Its fingerprint stays; it is not kept again and not wrapped anew."""
        store.append(_batch(0, 2))
        assert store.destroy_identities([_ANN, _EVE]) == 1
        assert store.destroy_identities([_ANN]) == 0
        gone = _key(_ANN)._replace(wrapped=b"")
        assert store.data_keys([_ANN]) == {_ANN: gone}
        assert store.keep_key(_key(_ANN)) == gone
        store.append(_batch(2, 1))
        assert store.rewrap_keys([(_key(_ANN), _key(_ANN, key_id="second"))]) == 0
        with pytest.raises(StoreError):
            store.rewrap_keys([(gone, _key(_ANN, key_id="second"))])
        assert store.data_keys([_ANN]) == {_ANN: gone}
        assert store.count_data_keys() == 1
        with pytest.raises(StoreError):
            store.keep_key(gone._replace(reference=_EVE))

    def test_identities_are_destroyed(self, store: SealedStore) -> None:
        """What leads to the references is gone, and nobody else's."""
        people = [("", "ann", _ANN), ("bank", "ann", _BEN), ("", "ben", _BEN), ("", "ann", _EVE)]
        subjects = [SubjectReference(*one) for one in people]
        store.append(_batch(0, 1)._replace(subjects=subjects))
        store.destroy_identities([_EVE, _BEN])
        assert store.references("", "ann") == [_ANN]
        assert store.references("", "ben") == store.references("bank", "ann") == []

    def test_payloads_only_shrink(self, store: SealedStore) -> None:
        """What remains takes a payload's place; a longer one, or one of none, changes nothing."""
        store.append(_batch(0, 6))
        before = everything(store)
        for wrong in (
            [(1, b"x", False), (2, bytes(999), False)],
            [(0, b"x", True), (9, b"", True)],
        ):
            with pytest.raises(StoreError):
                store.replace_payloads(wrong)
            assert everything(store) == before
        store.replace_payloads([(1, b"rest 1", False), (2, b"rest 2", True)])
        assert store.payloads_at([1, 2, 3]) == {1: b"rest 1", 2: b"rest 2", 3: _sealed(3).payload}
        assert list(store.sealed_of(_ANN, 0, 9)) == [0, 2, 4]
        assert list(store.sealed_by_device(_DEVICES[0], 0, 9)) == [4]
        assert list(store.sealed_by_ip(b"", 0, 9)) == [0, 1, 3, 4, 5]
        assert store.structure_faults() == []

    def test_clear_payloads_are_deleted(self, store: SealedStore) -> None:
        """Payloads in the clear are deleted; sealed ones are not."""
        store.append(sample_batch(0, 3))
        store.append(_batch(3, 1))
        assert store.delete_payloads([0, 2, 3, 99]) == 1
        assert list(store.clear_payloads(0, 9)) == [1]
        assert set(store.payloads_at(range(9))) == {1, 3}
        assert store.delete_payloads([0]) == 0

    def test_a_fence_refuses_batches_that_do_not_know_of_it(self, store: SealedStore) -> None:
        """After a fence an older batch is refused; one that knows, or does not ask, is taken."""
        store.append(_batch(0, 2, fences=0))
        fence = store.write_fence(_fence(b"one", _ANN, _BEN))
        assert fence == _fence(b"one", _ANN, _BEN)._replace(through=2)
        before = everything(store)
        with pytest.raises(FenceMovedError):
            store.append(_batch(2, 2, fences=0))
        assert everything(store) == before
        store.append(_batch(2, 1, fences=1))
        store.append(_batch(3, 1))
        assert store.extent().head == 4

    def test_fences_in_order(self, store: SealedStore) -> None:
        """Fences are written once, listed in order, and finished once."""
        first, second = _fence(b"one", _ANN), _fence(b"two", _BEN, _ANN)
        store.write_fence(first)
        store.append(_batch(0, 3))
        store.write_fence(second)
        assert store.write_fence(first._replace(content=b"other")) == first
        assert store.fence_count() == 2
        assert store.fences() == [first, second._replace(through=3)]
        store.finish_fence(first.erasure, 3)
        store.finish_fence(first.erasure, 3)
        with pytest.raises(StoreError):
            store.finish_fence(first.erasure, 4)
        with pytest.raises(StoreError):
            store.finish_fence(b"unknown", 4)
        assert store.fences() == [first._replace(entry=3), second._replace(through=3)]
        assert store.fences(unfinished=True) == [second._replace(through=3)]
        with pytest.raises(StoreError):
            store.write_fence(_fence(b"nobody"))

    def test_fences_and_batches_race(self, store: SealedStore) -> None:
        """Of batches that know of no fence, those that came after it are refused, all of them."""
        store.append(_batch(0, 1, fences=0))

        def append() -> int:
            for size in range(1, 100):
                try:
                    store.append(_batch(size, 1, fences=0))
                except FenceMovedError:
                    return size
            return 100

        with ThreadPoolExecutor(1) as pool:
            refused = pool.submit(append)
            fence = store.write_fence(_fence(b"one", _ANN))
            assert store.extent().head == fence.through == refused.result()

    def test_nothing_remains(self, store: SealedStore) -> None:
        """Where nobody reads an older state, remains are purged, and the log goes on."""
        store.append(_batch(0, 3))
        store.replace_payloads([(0, b"rest", True)])
        assert store.purge_remains()
        store.append(_batch(3, 1))
        assert store.extent().head == 4


def _check_cells(store: SealedStore, tags: dict[int, bytes]) -> None:
    """Where the store tells the tags of many devices at once, they are these, and of no others."""
    if not isinstance(store, DeviceCells):
        return
    for start, stop in ((0, 9), (1, 2), (2, 2)):
        found = {}
        for number, cells in store.device_cells(start, stop):
            assert start <= number < stop
            for tag, place in iter_unpack(">16sH", cells):
                if place:
                    found[number * _BLOCK + place - 1] = tag
        assert found == {i: tag for i, tag in tags.items() if start <= i // _BLOCK < stop}

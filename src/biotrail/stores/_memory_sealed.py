"""The sealed half of the store in memory: payloads that can be destroyed, wrapped keys, fences."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from biotrail.errors import FenceMovedError, StoreError
from biotrail.stores._sqlite_tags import BLOCK, DEVICES
from biotrail.stores.base import Batch
from biotrail.stores.sealed import Fence, SealedPayload, WrappedKey

__all__ = ["SealedMemory"]


class SealedMemory:
    """What the vault keeps, in dictionaries of this process."""

    def __init__(self) -> None:
        """Begin empty."""
        self._turn = threading.RLock()
        # Held for the moment of a look alone: whoever reads waits for nobody's turn.
        self._guard = threading.RLock()
        self._size = 0
        self._clear: dict[int, bytes] = {}
        self._sealed: dict[int, SealedPayload] = {}
        self._keys: dict[bytes, WrappedKey] = {}  # in the order in which they were kept
        self._fences: dict[bytes, Fence] = {}
        self._references: dict[tuple[str, str], list[bytes]] = {}

    def _refuse_sealed(self, batch: Batch) -> None:
        if batch.fences is not None and len(self._fences) > batch.fences:
            raise FenceMovedError("an erasure was begun since the batch was made")
        if any(one.payload is not None and one.sealed is not None for one in batch.entries):
            raise StoreError("an entry of the batch has a payload in the clear and a sealed one")

    def _write_sealed(self, batch: Batch) -> None:
        with self._guard:
            for key in batch.keys:
                self._keys.setdefault(key.reference, key)
            for index, one in enumerate(batch.entries, batch.first):
                if one.payload is not None:
                    self._clear[index] = one.payload
                if one.sealed is not None:
                    self._sealed[index] = one.sealed
            self._size = batch.size

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Payloads of a range, sealed or not."""
        return iter(sorted(self.payloads_at(range(max(start, 0), min(stop, self._size))).items()))

    def clear_payloads(self, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the payloads that were never sealed."""
        return iter(sorted(index for index in self._clear if start <= index < stop))

    def payloads_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The payloads, sealed or not, at these indices."""
        with self._guard:
            found = {index: self._clear[index] for index in indices if index in self._clear}
            sealed = self._sealed
            found.update({index: sealed[index].payload for index in indices if index in sealed})
            return found

    def sealed_of(self, reference: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose subject or actor this is."""
        return self._sealed_where(start, stop, lambda one: reference in (one.subject, one.actor))

    def sealed_people(
        self, start: int, stop: int
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Index, subject and actor of the sealed payloads of a range."""
        with self._guard:
            rows = sorted(self._sealed.items())
            return iter([(i, one.subject, one.actor) for i, one in rows if start <= i < stop])

    def sealed_by_device(self, tag: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose device has this tag."""
        return self._sealed_where(start, stop, lambda one: one.device == tag)

    def device_cells(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and cells (tag, place from 1 on) of blocks in which devices have tags."""
        with self._guard:
            tags = {index: one.device for index, one in self._sealed.items() if one.device}
        for block in range(start, stop):
            here = [index for index in tags if index // BLOCK == block]
            yield block, b"".join(DEVICES.cell(index, tags[index]) for index in here)

    def sealed_by_ip(self, prefix: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose address tags begin so."""
        return self._sealed_where(
            start, stop, lambda one: one.ip is not None and one.ip.startswith(prefix)
        )

    def _sealed_where(
        self, start: int, stop: int, fits: Callable[[SealedPayload], bool]
    ) -> Iterator[int]:
        with self._guard:
            rows = self._sealed.items()
            return iter(sorted(i for i, one in rows if start <= i < stop and fits(one)))

    def data_keys(self, references: Sequence[bytes]) -> dict[bytes, WrappedKey]:
        """The data keys of these references."""
        return {one: self._keys[one] for one in references if one in self._keys}

    def data_keys_after(self, position: int, limit: int) -> list[tuple[int, WrappedKey]]:
        """Data keys in the order in which they were kept, destroyed ones too."""
        with self._guard:
            return list(enumerate(self._keys.values(), 1))[position : position + max(limit, 0)]

    def count_data_keys(self, key_id: str | None = None) -> int:
        """How many data keys there are that are not destroyed."""
        with self._guard:
            keys = [one for one in self._keys.values() if one.wrapped]
            return sum(1 for one in keys if key_id is None or one.key_id == key_id)

    def fence_count(self) -> int:
        """How many fences were ever written."""
        return len(self._fences)

    def fences(self, *, unfinished: bool = False) -> list[Fence]:
        """Fences in the order in which they were written."""
        with self._guard:
            return [one for one in self._fences.values() if not unfinished or one.entry is None]

    def keep_key(self, key: WrappedKey) -> WrappedKey:
        """Keep a data key unless there is one of this reference."""
        if not any(key.wrapped):
            raise StoreError("a wrapped key that is empty or all zeros stands for a destroyed one")
        with self._turn, self._guard:
            return self._keys.setdefault(key.reference, key)

    def rewrap_keys(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """Replace wrapped keys that are still what the caller read."""
        for old, new in keys:
            if (old.reference, old.fingerprint) != (new.reference, new.fingerprint):
                raise StoreError("a key is wrapped anew under its own reference and fingerprint")
            if not any(new.wrapped) or not any(old.wrapped):
                raise StoreError("a key that is destroyed is not wrapped anew")
        with self._turn, self._guard:
            held = [(old, new) for old, new in keys if self._keys.get(old.reference) == old]
            self._keys.update({new.reference: new for _, new in held})
            return len(held)

    def write_fence(self, fence: Fence) -> Fence:
        """Write a fence; from now on, batches made without knowing of it fail."""
        if not fence.references:
            raise StoreError("a fence names at least one reference")
        with self._turn, self._guard:
            fresh = fence._replace(through=self._size, entry=None)
            return self._fences.setdefault(fence.erasure, fresh)

    def destroy_identities(self, references: Sequence[bytes]) -> int:
        """Destroy data keys of these references, and the rows that lead to them."""
        with self._turn, self._guard:
            intact = {one: key for one, key in self.data_keys(references).items() if key.wrapped}
            self._keys.update({one: key._replace(wrapped=b"") for one, key in intact.items()})
            for person, known in list(self._references.items()):
                self._references[person] = [one for one in known if one not in references]
            return len(intact)

    def replace_payloads(self, payloads: Sequence[tuple[int, bytes, bool]]) -> None:
        """Replace sealed payloads by what remains of them."""
        with self._turn, self._guard:
            replaced: dict[int, SealedPayload] = {}
            for index, remains, tags_too in payloads:
                old = replaced.get(index, self._sealed.get(index))
                if old is None:
                    raise StoreError(f"entry {index} has no sealed payload")
                if len(remains) >= len(old.payload):
                    raise StoreError(f"entry {index}: sealed payloads only shrink")
                kept = old._replace(device=None, ip=None) if tags_too else old
                replaced[index] = kept._replace(payload=remains)
            self._sealed.update(replaced)

    def delete_payloads(self, indices: Sequence[int]) -> int:
        """Delete payloads that were never sealed."""
        with self._turn, self._guard:
            return sum(self._clear.pop(index, None) is not None for index in indices)

    def finish_fence(self, erasure: bytes, entry: int) -> None:
        """Note the index of an erasure's tombstone."""
        with self._turn, self._guard:
            fence = self._fences.get(erasure)
            if fence is None:
                raise StoreError(f"no fence of erasure {erasure.hex()}")
            if fence.entry not in (None, entry):
                raise StoreError(f"the tombstone of {erasure.hex()} is entry {fence.entry}")
            self._fences[erasure] = fence._replace(entry=entry)

    def purge_remains(self) -> bool:
        """Nothing remains: what was replaced is no longer held."""
        return True

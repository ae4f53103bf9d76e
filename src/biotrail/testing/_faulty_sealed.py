"""The sealed half of a store that fails when it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from biotrail.stores.sealed import Fence, SealedStore, WrappedKey
from biotrail.testing._faulty_base import Faulty

__all__ = ["FaultySealed"]


class FaultySealed(Faulty):
    """Hands on the steps of `biotrail.stores.SealedStore`."""

    @property
    def _sealed(self) -> SealedStore:
        return cast("SealedStore", self.store)

    def data_keys(self, references: Sequence[bytes]) -> dict[bytes, WrappedKey]:
        """See `SealedStoreReader.data_keys`."""
        return self._do("data_keys", lambda: self._sealed.data_keys(references))

    def data_keys_after(self, position: int, limit: int) -> list[tuple[int, WrappedKey]]:
        """See `SealedStoreReader.data_keys_after`."""
        return self._do("data_keys_after", lambda: self._sealed.data_keys_after(position, limit))

    def count_data_keys(self, key_id: str | None = None) -> int:
        """See `SealedStoreReader.count_data_keys`."""
        return self._do("count_data_keys", lambda: self._sealed.count_data_keys(key_id))

    def sealed_of(self, reference: bytes, start: int, stop: int) -> Iterator[int]:
        """See `SealedStoreReader.sealed_of`."""
        return self._do("sealed_of", lambda: self._sealed.sealed_of(reference, start, stop))

    def sealed_people(
        self, start: int, stop: int
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """See `SealedStoreReader.sealed_people`."""
        return self._do("sealed_people", lambda: self._sealed.sealed_people(start, stop))

    def sealed_by_device(self, tag: bytes, start: int, stop: int) -> Iterator[int]:
        """See `SealedStoreReader.sealed_by_device`."""
        return self._do("sealed_by_device", lambda: self._sealed.sealed_by_device(tag, start, stop))

    def sealed_by_ip(self, prefix: bytes, start: int, stop: int) -> Iterator[int]:
        """See `SealedStoreReader.sealed_by_ip`."""
        return self._do("sealed_by_ip", lambda: self._sealed.sealed_by_ip(prefix, start, stop))

    def clear_payloads(self, start: int, stop: int) -> Iterator[int]:
        """See `SealedStoreReader.clear_payloads`."""
        return self._do("clear_payloads", lambda: self._sealed.clear_payloads(start, stop))

    def payloads_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """See `SealedStoreReader.payloads_at`."""
        return self._do("payloads_at", lambda: self._sealed.payloads_at(indices))

    def entries_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """See `SealedStoreReader.entries_at`."""
        return self._do("entries_at", lambda: self._sealed.entries_at(indices))

    def fence_count(self) -> int:
        """See `SealedStoreReader.fence_count`."""
        return self._do("fence_count", self._sealed.fence_count)

    def fences(self, *, unfinished: bool = False) -> list[Fence]:
        """See `SealedStoreReader.fences`."""
        return self._do("fences", lambda: self._sealed.fences(unfinished=unfinished))

    def keep_key(self, key: WrappedKey) -> WrappedKey:
        """See `SealedStore.keep_key`."""
        return self._do("keep_key", lambda: self._sealed.keep_key(key))

    def rewrap_keys(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """See `SealedStore.rewrap_keys`."""
        return self._do("rewrap_keys", lambda: self._sealed.rewrap_keys(keys))

    def write_fence(self, fence: Fence) -> Fence:
        """See `SealedStore.write_fence`."""
        return self._do("write_fence", lambda: self._sealed.write_fence(fence))

    def destroy_identities(self, references: Sequence[bytes]) -> int:
        """See `SealedStore.destroy_identities`."""
        return self._do("destroy_identities", lambda: self._sealed.destroy_identities(references))

    def replace_payloads(self, payloads: Sequence[tuple[int, bytes, bool]]) -> None:
        """See `SealedStore.replace_payloads`."""
        self._do("replace_payloads", lambda: self._sealed.replace_payloads(payloads))

    def delete_payloads(self, indices: Sequence[int]) -> int:
        """See `SealedStore.delete_payloads`."""
        return self._do("delete_payloads", lambda: self._sealed.delete_payloads(indices))

    def finish_fence(self, erasure: bytes, entry: int) -> None:
        """See `SealedStore.finish_fence`."""
        self._do("finish_fence", lambda: self._sealed.finish_fence(erasure, entry))

    def purge_remains(self) -> bool:
        """See `SealedStore.purge_remains`."""
        return self._do("purge_remains", self._sealed.purge_remains)

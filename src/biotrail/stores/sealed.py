"""What a vault asks of a store beyond the log: sealed payloads, wrapped keys, fences.

None of it is in the tree, and all of it can be destroyed. A store still knows no keys: it keeps
wrapped ones as bytes, tags that it cannot compute, and payloads that it cannot open.

A *fence* is written before anything is destroyed. It counts up with every erasure, and a batch that
was made without knowing of it is refused: so no record can be written under a reference that is
being erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from biotrail.stores.base import Store, StoreReader

__all__ = ["Fence", "SealedPayload", "SealedStore", "SealedStoreReader", "WrappedKey"]


class WrappedKey(NamedTuple):
    """A data key as it rests.

    Attributes:
        reference: Whose it is: a random reference, 16 bytes; one key each.
        key_id: Names the key-encryption key that wrapped it.
        wrapped: The wrapped key; empty once it is destroyed.
        fingerprint: A hash of the key, 32 bytes, that stays when the key is destroyed.
    """

    reference: bytes
    key_id: str
    wrapped: bytes
    fingerprint: bytes


class SealedPayload(NamedTuple):
    """A sealed payload with what it can be found by; all of it deletable.

    Attributes:
        payload: The sealed payload.
        subject: Reference of the subject, 16 bytes, if the event has one.
        actor: Reference of the actor, where that is somebody else.
        device: Tag of the device id, 16 bytes.
        ip: Tags of the address and its prefixes, 20 bytes: 4 for each prefix, from the shortest,
            and 8 for the address.
    """

    payload: bytes
    subject: bytes | None = None
    actor: bytes | None = None
    device: bytes | None = None
    ip: bytes | None = None


class Fence(NamedTuple):
    """An erasure that was begun.

    Attributes:
        erasure: Its id, 16 bytes.
        references: The references that are erased.
        content: What the tombstone will say, as the caller encodes it.
        through: Size of the log when the fence was written: no later entry bears the references.
        entry: Index of the tombstone; None until it is written.
    """

    erasure: bytes
    references: tuple[bytes, ...]
    content: bytes
    through: int
    entry: int | None = None


@runtime_checkable
class SealedStoreReader(StoreReader, Protocol):
    """The reading half."""

    def data_keys(self, references: Sequence[bytes]) -> dict[bytes, WrappedKey]:
        """The data keys of these references; those without one are left out."""
        ...

    def data_keys_after(self, position: int, limit: int) -> list[tuple[int, WrappedKey]]:
        """Data keys in the order in which they were kept, destroyed ones too.

        Args:
            position: Go on after this position; 0 for the beginning.
            limit: How many at most.

        Returns:
            Position and key of each.
        """
        ...

    def count_data_keys(self, key_id: str | None = None) -> int:
        """How many data keys there are that are not destroyed.

        Args:
            key_id: Count those that this key-encryption key wrapped.
        """
        ...

    def sealed_of(self, reference: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the sealed payloads whose subject or actor this is."""
        ...

    def sealed_people(
        self, start: int, stop: int
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Index, subject and actor of the sealed payloads of a range, in order, as they are kept.

        For an auditor: they are what `sealed_of` goes by.
        """
        ...

    def sealed_by_device(self, tag: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the sealed payloads whose device has this tag."""
        ...

    def sealed_by_ip(self, prefix: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the sealed payloads whose address tags begin so."""
        ...

    def clear_payloads(self, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the payloads of a range that were never sealed."""
        ...

    def payloads_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The payloads, sealed or not, at these indices; those without one are left out."""
        ...

    def entries_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The entries at these indices; those that are not there are left out."""
        ...

    def fence_count(self) -> int:
        """How many fences were ever written."""
        ...

    def fences(self, *, unfinished: bool = False) -> list[Fence]:
        """Fences in the order in which they were written.

        Args:
            unfinished: Only those without a tombstone.
        """
        ...


@runtime_checkable
class DeviceCells(SealedStoreReader, Protocol):
    """A store that tells the tags of many records' devices in one go, so that they are counted.

    Of others every answer is opened where devices are counted.
    """

    def device_cells(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and cells of each block of 4,096 entries with ``start <= number < stop``.

        A cell is the tag of a device (16 bytes), and the place of its entry in the block: from 1
        on, 2 bytes, big endian. A cell whose tag was destroyed is left out, or has the place 0.
        """
        ...


@runtime_checkable
class SealedStore(SealedStoreReader, Store, Protocol):
    """The whole contract. `append` additionally keeps a batch's `keys` and refuses old `fences`.

    Everything below is durable on return, in one transaction each, and raises `StoreError` where
    it cannot be done: then nothing was changed.
    """

    def keep_key(self, key: WrappedKey) -> WrappedKey:
        """Keep a data key unless there is one of this reference; returns the one that is kept."""
        ...

    def rewrap_keys(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """Replace wrapped keys, each only if it is still what the caller read.

        Args:
            keys: Pairs of the old and the new; references and fingerprints are the same.

        Returns:
            How many were replaced.
        """
        ...

    def write_fence(self, fence: Fence) -> Fence:
        """Write a fence with ``through`` set to the present size; from now on, older batches fail.

        A fence with this erasure's id that is there already is returned as it is.
        """
        ...

    def destroy_identities(self, references: Sequence[bytes]) -> int:
        """Destroy data keys of these references and what leads to them from an identity.

        Wrapped keys are overwritten; rows that lead from an identity to a reference are deleted.

        Returns:
            How many wrapped keys were destroyed by this call.
        """
        ...

    def replace_payloads(self, payloads: Sequence[tuple[int, bytes, bool]]) -> None:
        """Replace sealed payloads by what remains of them.

        Args:
            payloads: For each its index, the bytes that take its place (shorter than what is
                there), and whether its tags (device, address) go too.
        """
        ...

    def delete_payloads(self, indices: Sequence[int]) -> int:
        """Delete payloads that were never sealed; returns how many were there."""
        ...

    def finish_fence(self, erasure: bytes, entry: int) -> None:
        """Note the index of an erasure's tombstone: the erasure is finished."""
        ...

    def purge_remains(self) -> bool:
        """Remove copies of destroyed bytes that the store itself still holds (journals).

        Returns:
            Whether none is left; False while a reader holds an older state: try again later.
        """
        ...

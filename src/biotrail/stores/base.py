"""The contract of a store: what the log asks of the place where its bytes rest.

A store keeps opaque entries, payloads, look-up columns, tiles, signed checkpoints and the head. It
knows no keys and decodes nothing. It is not trusted: whoever can change it can at most make
verification fail. One thing is asked of it beyond keeping bytes, the *head swap*: `Store.append`
writes a whole batch if, and only if, the log has the expected size, in one durable transaction.

Third parties prove an adapter with `biotrail.testing.StoreContract`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from biotrail.stores.sealed import SealedPayload, WrappedKey

__all__ = [
    "Batch",
    "Extent",
    "Lookup",
    "Store",
    "StoreReader",
    "StoredEntry",
    "StoredHead",
    "StoredTile",
    "SubjectReference",
    "WrittenEntry",
]


class Lookup(NamedTuple):
    """Columns for finding entries. Not trusted: every answer is decoded again from the entry.

    Attributes:
        kind: Kind of the body.
        recorded: Time of recording, microseconds since 1970-01-01T00:00:00Z.
        event_id: The event's id, 16 bytes; unique in the log. None for other kinds, as below.
        occurred: When it occurred, microseconds since 1970.
        action: The event's action.
        target: Its target.
        modality: Its modality.
        decision: The application decision.
        outcome: Its outcome.
        reason: Its reason.
        tenant: Its tenant.
        matcher: Identifier of the matcher.
        subject: The subject's random reference, 16 bytes.
    """

    kind: str
    recorded: int
    event_id: bytes | None = None
    occurred: int | None = None
    action: str | None = None
    target: str | None = None
    modality: str | None = None
    decision: str | None = None
    outcome: str | None = None
    reason: str | None = None
    tenant: str | None = None
    matcher: str | None = None
    subject: bytes | None = None


class WrittenEntry(NamedTuple):
    """One entry to be written, with what lies beside it.

    Attributes:
        entry: Its bytes.
        payload: Its payload in the clear, or None.
        lookup: Its look-up columns.
        sealed: Its sealed payload, in place of one in the clear; for a `SealedStore` alone.
    """

    entry: bytes
    payload: bytes | None
    lookup: Lookup
    sealed: SealedPayload | None = None


class StoredEntry(NamedTuple):
    """One entry as read back.

    Attributes:
        index: Zero-based index: the place where it lies in the store.
        entry: Its bytes.
        checkpoint: The signed checkpoint over the tree up to and including this entry, if the
            entry was the last of its batch.
    """

    index: int  # type: ignore[assignment] # shadows tuple.index
    entry: bytes
    checkpoint: str | None


class StoredHead(NamedTuple):
    """The head: the size of the log and the signed checkpoint at that size."""

    size: int
    checkpoint: str


class Extent(NamedTuple):
    """How far the rows of a store reach, all read at one moment.

    Attributes:
        head: The size that the head names.
        entries: One more than the highest index of an entry; 0 without entries.
        payloads: The same for payloads.
        checkpoint: The checkpoint at the last entry below the head, if there is one.
    """

    head: int
    entries: int
    payloads: int
    checkpoint: str | None


class StoredTile(NamedTuple):
    """A full tile of the tree: 256 hashes of level ``8 * level``, 8,192 bytes."""

    level: int
    index: int  # type: ignore[assignment] # shadows tuple.index
    hashes: bytes


class SubjectReference(NamedTuple):
    """A person's identity and one random reference of theirs; deletable, outside the log."""

    tenant: str
    identity: str
    reference: bytes


class Batch(NamedTuple):
    """What one commit writes.

    Attributes:
        first: Index of the first entry: the size of the log before.
        entries: The entries, in order; at least one.
        checkpoint: Signed checkpoint over the tree with these entries.
        tiles: Tiles that became full.
        subjects: References to be kept; a reference that is there already is no error.
        keys: Data keys to be kept; one whose reference is there already is no error. For a
            `SealedStore` alone, as is the next.
        fences: How many fences the writer knows of: with more than that, the batch is refused.
    """

    first: int
    entries: Sequence[WrittenEntry]
    checkpoint: str
    tiles: Sequence[StoredTile] = ()
    subjects: Sequence[SubjectReference] = ()
    keys: Sequence[WrappedKey] = ()
    fences: int | None = None

    @property
    def size(self) -> int:
        """Size of the log after this batch."""
        return self.first + len(self.entries)


@runtime_checkable
class StoreReader(Protocol):
    """The reading half: all that an auditor needs."""

    def head(self) -> StoredHead | None:
        """The head, or None for an empty store."""
        ...

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries with ``start <= index < stop``, in order of index, as they are now."""
        ...

    def raw_entries(self, start: int, stop: int) -> Iterable[tuple[int, bytes, str | None]]:
        """The same as plain tuples, for where speed matters."""
        ...

    def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
        """Look-up columns of the same range."""
        ...

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Payloads of the same range; entries without one are left out."""
        ...

    def tile(self, level: int, index: int) -> bytes | None:
        """A full tile's 8,192 bytes, or None where it is not full."""
        ...

    def tiles(self) -> Iterator[tuple[int, int]]:
        """Level and index of every tile that is kept, in order."""
        ...

    def checkpoint_from(self, size: int) -> tuple[int, str] | None:
        """The first checkpoint of a tree of at least `size`: its size and signed note."""
        ...

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Indices of the entries that bear these ids; ids that are not there are left out."""
        ...

    def indices_of_other_kinds(self) -> list[int]:
        """Indices, in order, of the entries that are not events."""
        ...

    def references(self, tenant: str, identity: str) -> list[bytes]:
        """All random references of a person, in the order in which they were made."""
        ...

    def extent(self) -> Extent:
        """How far each kind of row reaches, all read at one moment."""
        ...

    def structure_faults(self) -> list[str]:
        """What the store's own check of its structure finds wrong; empty if nothing."""
        ...

    def close(self) -> None:
        """Release what is held. May be called twice."""
        ...


@runtime_checkable
class TilesAtOnce(StoreReader, Protocol):
    """A store that reads several tiles in one go, which proves a page of records sooner.

    Of others they are read one by one, with `StoreReader.tile`.
    """

    def tiles_at(self, level: int, indices: Sequence[int]) -> dict[int, bytes]:
        """The full tiles of a level at these indices; those that are not kept are left out."""
        ...


@runtime_checkable
class Store(StoreReader, Protocol):
    """The whole contract."""

    def turn(self) -> AbstractContextManager[None]:
        """Take the writer's turn, so that writers do not frame and sign in vain.

        Correctness does not rest on it (the head swap sees to that); a store without locks may
        give a context that does nothing.

        Raises:
            StoreBusyError: The turn did not come within the store's wait.
        """
        ...

    def append(self, batch: Batch) -> None:
        """Write a batch if the log's size is ``batch.first``; durable on return.

        Raises:
            HeadMovedError: Another writer was first; nothing was written.
            EventIdTakenError: Event ids are in the log already; nothing was written.
            FenceMovedError: An erasure was begun that the writer did not know of; nothing was
                written.
            StoreFullError: No space; nothing was written.
            StoreError: Another failure; nothing was written.
            UnknownOutcomeError: It failed while committing; it may or may not be written.
        """
        ...

    def reopen_after_fork(self) -> None:
        """Make the store usable in a forked child, without touching what the parent holds.

        Raises:
            ForkedProcessError: This store cannot be shared with a child.
        """
        ...

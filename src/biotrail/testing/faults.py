"""A store that fails when it is told to, in each of the two ways in which a step can fail.

A step that fails was either *not written*, or *written but unanswered*: the work was done and only
its answer was lost. A writer has to cope with both without knowing which it was::

    store = FaultyStore(MemoryStore())
    log = AuditLogger(store, signer)
    store.fail("append", UnknownOutcomeError("the disk failed"), written=True)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from biotrail.stores import Batch, Extent, Lookup, StoredEntry, StoredHead
from biotrail.testing._faulty_base import STEPS, Fault
from biotrail.testing._faulty_segments import FaultySegments

__all__ = ["STEPS", "Fault", "FaultyStore"]


class FaultyStore(FaultySegments):
    """Hands every step on to another store, except those that were told to fail.

    The sealed half can be used where the store has one (`biotrail.stores.SealedStore`), and so can
    the segments (`biotrail.stores.SearchableStore`).

    Attributes:
        store: The store that does the work.
        calls: Names of the steps that were called, in order.
    """

    @contextmanager
    def _turn(self) -> Iterator[None]:
        fault = self._due("turn")
        if fault is not None and not fault.written:
            raise fault.error
        with self.store.turn():
            yield
        if fault is not None:
            raise fault.error

    def turn(self) -> AbstractContextManager[None]:
        """See `Store.turn`."""
        return self._turn()

    def append(self, batch: Batch) -> None:
        """See `Store.append`."""
        self._do("append", lambda: self.store.append(batch))

    def head(self) -> StoredHead | None:
        """See `StoreReader.head`."""
        return self._do("head", self.store.head)

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """See `StoreReader.entries`."""
        return self._do("entries", lambda: self.store.entries(start, stop))

    def raw_entries(self, start: int, stop: int) -> Iterable[tuple[int, bytes, str | None]]:
        """See `StoreReader.raw_entries`."""
        return self._do("raw_entries", lambda: self.store.raw_entries(start, stop))

    def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
        """See `StoreReader.lookups`."""
        return self._do("lookups", lambda: self.store.lookups(start, stop))

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """See `StoreReader.payloads`."""
        return self._do("payloads", lambda: self.store.payloads(start, stop))

    def tile(self, level: int, index: int) -> bytes | None:
        """See `StoreReader.tile`."""
        return self._do("tile", lambda: self.store.tile(level, index))

    def tiles(self) -> Iterator[tuple[int, int]]:
        """See `StoreReader.tiles`."""
        return self._do("tiles", self.store.tiles)

    def checkpoint_from(self, size: int) -> tuple[int, str] | None:
        """See `StoreReader.checkpoint_from`."""
        return self._do("checkpoint_from", lambda: self.store.checkpoint_from(size))

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See `StoreReader.find_events`."""
        return self._do("find_events", lambda: self.store.find_events(event_ids))

    def indices_of_other_kinds(self) -> list[int]:
        """See `StoreReader.indices_of_other_kinds`."""
        return self._do("indices_of_other_kinds", self.store.indices_of_other_kinds)

    def references(self, tenant: str, identity: str) -> list[bytes]:
        """See `Store.references`."""
        return self._do("references", lambda: self.store.references(tenant, identity))

    def extent(self) -> Extent:
        """See `StoreReader.extent`."""
        return self._do("extent", self.store.extent)

    def structure_faults(self) -> list[str]:
        """See `StoreReader.structure_faults`."""
        return self._do("structure_faults", self.store.structure_faults)

    def reopen_after_fork(self) -> None:
        """See `Store.reopen_after_fork`."""
        self._do("reopen_after_fork", self.store.reopen_after_fork)

    def close(self) -> None:
        """See `StoreReader.close`."""
        self._do("close", self.store.close)

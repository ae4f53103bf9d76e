"""A store that fails when it is told to, in each of the two ways in which a step can fail.

A step that fails was either *not written*, or *written but unanswered*: the work was done and only
its answer was lost. A writer has to cope with both without knowing which it was::

    store = FaultyStore(MemoryStore())
    log = AuditLogger(store, signer)
    store.fail("append", UnknownOutcomeError("the disk failed"), written=True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import attrs

from biotrail.stores import Batch, Extent, Lookup, Store, StoredEntry, StoredHead

__all__ = ["STEPS", "Fault", "FaultyStore"]

_Answer = TypeVar("_Answer")

STEPS = (
    "turn",
    "append",
    "head",
    "entries",
    "raw_entries",
    "lookups",
    "payloads",
    "tile",
    "tiles",
    "checkpoint_from",
    "find_events",
    "indices_of_other_kinds",
    "references",
    "extent",
    "structure_faults",
    "reopen_after_fork",
    "close",
)
"""Names of the steps: the methods of `biotrail.stores.Store`."""


@attrs.define
class Fault:
    """One planned failure.

    Attributes:
        step: Name of the step, one of `STEPS`.
        error: What it raises.
        written: Whether the step does its work before it raises.
        after: How many calls of the step still pass before it fails.
        times: How many calls fail from then on.
    """

    step: str
    error: BaseException
    written: bool
    after: int
    times: int

    def is_due(self) -> bool:
        """Whether this call fails; counts the call."""
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


class FaultyStore:
    """Hands every step on to another store, except those that were told to fail.

    Attributes:
        store: The store that does the work.
        calls: Names of the steps that were called, in order.
    """

    def __init__(self, store: Store) -> None:
        """Wrap a store; nothing fails yet."""
        self.store = store
        self.calls: list[str] = []
        self._faults: list[Fault] = []

    def fail(
        self,
        step: str,
        error: BaseException,
        *,
        written: bool = False,
        after: int = 0,
        times: int = 1,
    ) -> Fault:
        """Plan a failure.

        Args:
            step: Which step, one of `STEPS`.
            error: What it raises.
            written: False: nothing is done. True: it is done, and only the answer is lost; for
                ``turn`` that is a failure as the turn ends.
            after: How many calls of the step pass before.
            times: How many calls fail from then on.

        Returns:
            The plan, whose `Fault.times` says how many failures are still to come.
        """
        if step not in STEPS:
            raise ValueError(f"no step {step!r}; the steps are {', '.join(STEPS)}")
        fault = Fault(step, error, written, after, times)
        self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Drop all plans."""
        self._faults.clear()

    def _due(self, step: str) -> Fault | None:
        self.calls.append(step)
        due = [one for one in self._faults if one.step == step and one.is_due()]
        return due[0] if due else None

    def _do(self, step: str, work: Callable[[], _Answer]) -> _Answer:
        fault = self._due(step)
        if fault is None:
            return work()
        if fault.written:
            work()
        raise fault.error

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

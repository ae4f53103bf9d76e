"""Locks of attempt limits, read from a log, and lifted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import attrs

from biotrail.audit.answers import only
from biotrail.audit.limit_counters import last_lock
from biotrail.audit.limit_records import LimitRecords
from biotrail.audit.lock_events import LOCKING, lock_of, unlock_event
from biotrail.audit.receipt import Receipt
from biotrail.canonical import decode_entry
from biotrail.errors import BiotrailError, LimitError
from biotrail.events import Action, Context, Event, Provenance, Reason
from biotrail.limits import Lock, Scope

if TYPE_CHECKING:
    from biotrail.audit.prepare import Preparer
    from biotrail.audit.writer import LogWriter
    from biotrail.stores import Store, StoreReader

__all__ = ["RecordedLock", "Unlocking", "locks"]

_AT_ONCE = 4_096


@attrs.frozen(kw_only=True)
class RecordedLock:
    """A lock as the log has it.

    Attributes:
        index: Index of the entry that records it.
        lock: The lock.
        policy: Name of the policy that brought it.
        tenant: Whose log it is among several.
        subject: Reference of the person who is locked, 16 bytes; None of a device or an address.
        ended: Index of the entry that lifted it, or that records its end.
        lifted: Whether it was lifted before its end.
    """

    index: int
    lock: Lock
    policy: str
    tenant: str | None = None
    subject: bytes | None = None
    ended: int | None = None
    lifted: bool = False


def locks(store: StoreReader) -> list[RecordedLock]:
    """All locks of a log in the order in which they were recorded, read from the entries.

    Where they lie is told by columns of the store, which are not trusted. Locks whose labels the
    vault's policy seals are left out.
    """
    found: dict[bytes, RecordedLock] = {}
    for index, recorded, content in _entries(store):
        labels = content.get("labels", {})
        if content["action"] != Action.LOCK:
            known = found.get(labels.get("lock", b""))
            if known is not None and known.ended is None:
                lifted = content["action"] == Action.UNLOCK
                found[known.lock.id] = attrs.evolve(known, ended=index, lifted=lifted)
        elif (lock := lock_of(content["id"], labels, recorded)) is not None:
            found[lock.id] = RecordedLock(
                index=index,
                lock=lock,
                policy=str(labels.get("policy", "")),
                tenant=content.get("tenant"),
                subject=content.get("subject"),
            )
    return list(found.values())


def _entries(store: StoreReader) -> Iterator[tuple[int, Any, dict[str, Any]]]:
    head = store.head()
    size = 0 if head is None else head.size
    for start in range(0, size, _AT_ONCE):
        for index, row in store.lookups(start, min(start + _AT_ONCE, size)):
            if row.action in LOCKING:
                for one in store.entries(index, index + 1):
                    try:
                        entry = decode_entry(one.entry)
                    except BiotrailError:
                        continue  # altered in the store: whoever verifies the log finds it
                    content: Any = entry.content
                    if entry.kind == "event" and content["action"] in LOCKING:
                        yield index, entry.recorded, content


@attrs.frozen
class Unlocking:
    """A lock that somebody wants lifted.

    Attributes:
        scope: Whose lock.
        fields: The fields of the event that say it.
    """

    scope: Scope
    fields: dict[str, Any]

    @classmethod
    def of(cls, *, by: object, tenant: object, **whose: Any) -> Self:
        """Whose lock it is.

        Args:
            by: Who lifts it.
            tenant: Its tenant.
            **whose: ``subject``, ``device`` and ``ip``, of which one is not None.

        Raises:
            LimitError: None of the three was named, or several.
            EventError: A value is not as it must be.
        """
        named = [(Scope(name), value) for name, value in whose.items() if value is not None]
        if len(named) != 1:
            raise LimitError("name whose lock is to be lifted: one of subject, device and ip")
        ((scope, value),) = named
        fields: dict[str, Any] = {"actor": by, "tenant": tenant}
        if scope is Scope.SUBJECT:
            return cls(scope, {**fields, "subject": value})
        name = "device_id" if scope is Scope.DEVICE else "ip"
        provenance = {name: Provenance.OBSERVED}
        return cls(scope, {**fields, "context": Context(**{name: value}, provenance=provenance)})

    def carry_out(
        self,
        writer: LogWriter,
        store: Store,
        preparer: Preparer,
        *,
        reason: Reason | str,
        clear: frozenset[str],
    ) -> Receipt:
        """Lift it, in the writer's turn.

        Args:
            writer: The log's writer.
            store: Its store.
            preparer: Encodes the event.
            reason: Why.
            clear: The fields that the vault's policy leaves in the entries.

        Raises:
            LimitError: Nothing is locked.
        """
        records = LimitRecords(store, preparer, [self.scope], clear=clear)
        seen = self._lock(writer, records)
        event = unlock_event(self.fields, seen, writer.now, reason=reason, draw=preparer.draw)

        def unless() -> None:
            if self._lock(writer, records).id != seen.id:
                raise LimitError("another lock was recorded in the meantime: try again")

        return only(writer.commit([preparer.prepare(event)], unless=unless))

    def _lock(self, writer: LogWriter, records: LimitRecords) -> Lock:
        asked = Event(action=str(Action.UNLOCK), decision="granted", **self.fields)
        for whose in records.whose(asked):
            lock = last_lock(records, whose, writer.state.size, writer.now)
            if lock is not None:
                return lock
        raise LimitError(f"no lock of this {self.scope} is in force: nothing was lifted")

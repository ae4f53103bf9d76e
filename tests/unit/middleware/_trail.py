"""A log in memory to put behind login handlers, and what its records say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from biotrail import AuditLogger, Event
from biotrail.audit import Receipt
from biotrail.canonical import decode_entry
from biotrail.errors import StoreFullError
from biotrail.events import Context
from biotrail.signing import Ed25519Signer
from biotrail.stores import MemoryStore

SECRET = "set-by-the-handler"  # what must not leave without a record


class FullAtTimes(MemoryStore):
    """A store whose disk is full while `full` is set."""

    full = False

    def append(self, batch: Any) -> None:
        if self.full:
            raise StoreFullError("no space is left")
        super().append(batch)


class RememberingLogger(AuditLogger):
    """A logger that keeps the events, whose contexts an entry holds only as commitments."""

    def __init__(self, store: FullAtTimes) -> None:
        super().__init__(store, Ed25519Signer.generate("example.com/logins"))
        self.events: list[Event] = []

    def record(self, event: Event) -> Receipt:
        receipt = super().record(event)
        self.events.append(event)
        return receipt

    async def arecord(self, event: Event) -> Receipt:
        receipt = await super().arecord(event)
        self.events.append(event)
        return receipt


class Trail:
    """A log, and what was recorded in it."""

    def __init__(self) -> None:
        self.store = FullAtTimes()
        self.log = RememberingLogger(self.store)

    def records(self) -> Sequence[dict[str, Any]]:
        """What each entry after the first says."""
        entries = [decode_entry(one.entry) for one in self.store.entries(0, 10_000)]
        return [dict(entry.content) for entry in entries[1:]]

    def only(self) -> dict[str, Any]:
        """What the one entry says."""
        (record,) = self.records()
        return record

    def context(self) -> Context:
        """The context of the last event."""
        return self.log.events[-1].context

    def said(self) -> tuple[Any, ...]:
        """Decision, outcome, reason and refusal of the one entry."""
        record = self.only()
        refused = record.get("labels", {}).get("request_refused")
        return record["decision"], record["outcome"], record["reason"], refused

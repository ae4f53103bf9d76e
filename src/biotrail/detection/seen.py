"""One record as a rule sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from biotrail.events import Comparison, Event, is_attempt
from biotrail.events.own_actions import DETECTION_BEGINNING
from biotrail.query import Record

__all__ = ["Seen"]


@attrs.frozen(kw_only=True)
class Seen:
    """What a rule may look at: one entry, and what of its personal fields is open.

    Attributes:
        index: Its index in the log.
        kind: Kind of the entry: ``"event"``, or another.
        recorded: When it was recorded, in UTC; within a log this never goes back.
        event: The event, with the personal fields that are open; None for other kinds.
        subject: The reference that stands for the subject, 16 bytes; it is in the clear in every
            entry that has a subject, so that no rule needs the vault to tell people apart.
        content: What the entry says, for kinds that are no events.
        hidden: Whether there may be personal fields that are not open.
    """

    index: int
    kind: str
    recorded: datetime
    event: Event | None = None
    subject: bytes | None = None
    content: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    hidden: bool = False

    @classmethod
    def of_record(cls, record: Record) -> Seen:
        """A record of a log, as rules see it.

        Raises:
            AlteredError: What the record holds is no event's.
        """
        content, kind = record.content, record.kind
        return cls(
            index=record.index,
            kind=kind,
            recorded=record.recorded,
            event=record.event if kind == "event" else None,
            subject=content.get("subject") if kind == "event" else None,
            content=content,
            hidden=bool(record.sealed or record.gone),
        )

    @property
    def attempt(self) -> Event | None:
        """The event, where it is somebody's attempt; None for what biotrail recorded itself."""
        event = self.event
        return event if event is not None and is_attempt(event) else None

    @property
    def comparison(self) -> Comparison | None:
        """What the matcher said of an attempt, where one compared."""
        attempt = self.attempt
        return None if attempt is None else attempt.comparison

    @property
    def occurred(self) -> datetime:
        """When it occurred: of an event its own word, of other entries when they were recorded."""
        return self.recorded if self.event is None else self.event.occurred

    @property
    def tenant(self) -> str:
        """The event's tenant; empty where it has none."""
        return (self.event.tenant or "") if self.event is not None else ""

    @property
    def person(self) -> tuple[str, bytes] | None:
        """The person that an attempt is about: the tenant and the subject's reference."""
        if self.subject is None or self.attempt is None:
            return None
        return self.tenant, self.subject

    @property
    def is_detection(self) -> bool:
        """Whether a rule's finding is what was recorded; no rule is given such a record."""
        return self.event is not None and self.event.action.startswith(DETECTION_BEGINNING)

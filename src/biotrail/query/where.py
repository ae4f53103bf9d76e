"""Which records are asked for, by what their entries say in the clear."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from biotrail.canonical import Entry
from biotrail.errors import EventError
from biotrail.query.condition import And, Condition
from biotrail.query.terms import Compare

__all__ = ["EVERYTHING", "Where"]

_EQUAL = ("action", "target", "modality", "decision", "outcome", "reason", "tenant")


def _aware(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise EventError(f"Where.{attribute.name}", value, "must be an aware datetime")


@attrs.frozen(kw_only=True)
class Where:
    """Equality on what is in the clear, and a window of time; what is None is not asked about.

    Attributes:
        since: Recorded at this time or later; aware.
        until: Recorded before this time; aware.
        action: The event's action.
        target: Its target.
        modality: Its modality.
        decision: The application decision.
        outcome: Its outcome.
        reason: Its reason.
        tenant: Its tenant.
        matcher: Identifier of the matcher.
    """

    since: datetime | None = attrs.field(default=None, validator=_aware)
    until: datetime | None = attrs.field(default=None, validator=_aware)
    action: str | None = None
    target: str | None = None
    modality: str | None = None
    decision: str | None = None
    outcome: str | None = None
    reason: str | None = None
    tenant: str | None = None
    matcher: str | None = None

    @property
    def asks_of_events(self) -> bool:
        """Whether it asks for more than a time, so that only events can answer."""
        return any(getattr(self, name) is not None for name in (*_EQUAL, "matcher"))

    def admits(self, entry: Entry) -> bool:
        """Whether an entry is asked for. What a host's policy seals is in no entry."""
        if self.since is not None and entry.recorded < self.since:
            return False
        if self.until is not None and entry.recorded >= self.until:
            return False
        if not self.asks_of_events:
            return True
        if entry.kind != "event":
            return False
        content: Any = entry.content
        comparison = content.get("comparison", {})
        return self.matcher in (None, comparison.get("matcher")) and all(
            getattr(self, name) in (None, content.get(name)) for name in _EQUAL
        )

    def condition(self) -> Condition | None:
        """The same as a condition; None where nothing is asked.

        Raises:
            QueryError: A value is none that its field ever has.
        """
        terms: list[Condition] = []
        if self.since is not None:
            terms.append(Compare("recorded", ">=", self.since))
        if self.until is not None:
            terms.append(Compare("recorded", "<", self.until))
        for name in (*_EQUAL, "matcher"):
            if (value := getattr(self, name)) is not None:
                terms.append(Compare(name, "=", value))
        if len(terms) < 2:
            return terms[0] if terms else None
        return And(tuple(terms))


EVERYTHING = Where()
"""Asks for nothing in particular."""

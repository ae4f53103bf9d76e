"""Records as rules see them, made without a log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import biotrail
from biotrail.canonical import event_content
from biotrail.detection import Finding, Rule, Seen
from biotrail.detection.memory import Watch

START = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
BERLIN = biotrail.Location(latitude=52.52, longitude=13.405, accuracy_m=10_000)
MADRID = biotrail.Location(latitude=40.4168, longitude=-3.7038, accuracy_m=10_000)  # 1,870 km off


def seen(
    index: int,
    minutes: float = 0.0,
    *,
    recorded: float | None = None,
    hidden: bool = False,
    **fields: Any,
) -> Seen:
    """An event that occurred so many minutes after the start, and was recorded then or later."""
    given: dict[str, Any] = {
        "action": "door.open",
        "decision": "granted",
        "modality": "face",
        "subject": "anna",
        "occurred": START + timedelta(minutes=minutes),
        **fields,
    }
    event = biotrail.Event(**given)
    name = None if event.subject is None else event.subject.id
    reference = None if name is None else name.encode().ljust(16, b".")[:16]
    return Seen(
        index=index,
        kind="event",
        recorded=START + timedelta(minutes=minutes if recorded is None else recorded),
        event=event,
        subject=reference,
        content=event_content(event, subject=reference, actor=None, root=None),
        hidden=hidden,
    )


def at(place: biotrail.Location | None = None, **context: Any) -> biotrail.Context:
    """A context with a place."""
    return biotrail.Context(location=place, **context)


def compared(score: float | None, **changes: Any) -> biotrail.Comparison:
    """A comparison by a matcher for which more is nearer, with a threshold of 0.6."""
    fields: dict[str, Any] = {
        "matcher": "example",
        "version": "1",
        "decision": "non_match",
        "score": score,
        "threshold": 0.6,
        **changes,
    }
    return biotrail.Comparison(**fields)


def found(rule: Rule, records: Iterable[Seen]) -> list[Finding]:
    """What a rule finds."""
    watch = Watch([rule])
    return [one for record in records for one in watch.see(record)]


def indices(rule: Rule, records: Iterable[Seen]) -> list[tuple[int, ...]]:
    """The indices that each of its findings names."""
    return [one.indices for one in found(rule, records)]

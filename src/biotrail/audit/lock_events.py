"""Locks as events: made for the log, and read back from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs

from biotrail.canonical import parse_time
from biotrail.errors import CanonicalError
from biotrail.events import (
    Action,
    ApplicationDecision,
    Context,
    Event,
    Outcome,
    Reason,
    Subject,
    new_event_id,
)
from biotrail.limits import Lock, Scope

__all__ = [
    "LOCKING",
    "about",
    "expiry_event",
    "labels_name",
    "lock_event",
    "lock_of",
    "unlock_event",
]

LOCKING: frozenset[str] = frozenset({Action.LOCK, Action.UNLOCK, Action.LOCK_EXPIRED})
"""The actions of events about locks."""

_ID_RANDOMNESS = 10
_FIELD_OF = {Scope.DEVICE: "device_id", Scope.IP: "ip"}


def lock_event(
    cause: Event, lock: Lock, *, policy: str, draw: Callable[[int], bytes]
) -> tuple[Event, Lock]:
    """The event that records a lock, and the lock with its id.

    Args:
        cause: The failed attempt that brought it.
        lock: The lock.
        policy: Name of the policy.
        draw: Returns so many random bytes.
    """
    labels: dict[str, Any] = {"scope": str(lock.scope), "failures": lock.failures, "policy": policy}
    if lock.until is not None:
        labels["until"] = lock.until
    event = _event(
        Action.LOCK, about(cause, lock.scope), labels, lock.since, reason=lock.reason, draw=draw
    )
    return event, attrs.evolve(lock, id=event.id.bytes)


def expiry_event(
    cause: Event, lock: Lock, moment: datetime, *, draw: Callable[[int], bytes]
) -> Event:
    """The event that records that a lock's end had come, as an attempt came after it."""
    labels = {"scope": str(lock.scope), "lock": lock.id}
    fields = about(cause, lock.scope)
    return _event(
        Action.LOCK_EXPIRED, fields, labels, moment, reason=Reason.POLICY, granted=True, draw=draw
    )


def unlock_event(
    fields: Mapping[str, Any],
    lock: Lock,
    moment: datetime,
    *,
    reason: Reason | str,
    draw: Callable[[int], bytes],
) -> Event:
    """The event that records that a lock was lifted.

    Args:
        fields: Whose lock: ``subject`` or ``context``, and ``tenant``; and ``actor``, who did it.
        lock: The lock.
        moment: When.
        reason: Why.
        draw: Returns so many random bytes.
    """
    labels = {"scope": str(lock.scope), "lock": lock.id}
    return _event(Action.UNLOCK, fields, labels, moment, reason=reason, granted=True, draw=draw)


def about(cause: Event, scope: Scope) -> dict[str, Any]:
    """Of an event the fields that say whose attempts a scope counts, and no others."""
    fields: dict[str, Any] = {"tenant": cause.tenant}
    if scope is Scope.SUBJECT:
        assert cause.subject is not None
        return {**fields, "subject": Subject(id=cause.subject.id)}
    name = _FIELD_OF[scope]
    provenance = {name: cause.context.provenance[name]}
    context = Context(**{name: getattr(cause.context, name)}, provenance=provenance)
    return {**fields, "context": context}


def lock_of(name: bytes, labels: Mapping[str, Any], since: datetime) -> Lock | None:
    """The lock that an event of action ``attempt.lock`` records; None where it is no lock.

    Args:
        name: The event's id.
        labels: Its labels.
        since: When it was recorded.
    """
    until, failures = labels.get("until"), labels.get("failures")
    try:
        return Lock(
            scope=Scope(labels["scope"]),
            since=since,
            until=None if until is None else parse_time(until),
            failures=failures if isinstance(failures, int) else 0,
            id=name,
        )
    except (KeyError, ValueError, CanonicalError):
        return None


def labels_name(labels: Mapping[str, Any], lock: Lock | None) -> bool:
    """Whether the labels of an unlock or an expiry are about this lock."""
    return lock is not None and labels.get("lock") == lock.id and labels.get("scope") == lock.scope


def _event(
    action: Action,
    fields: Mapping[str, Any],
    labels: Mapping[str, Any],
    moment: datetime,
    *,
    reason: Reason | str,
    draw: Callable[[int], bytes],
    granted: bool = False,
) -> Event:
    decision = ApplicationDecision.GRANTED if granted else ApplicationDecision.DENIED
    stamp = int(moment.timestamp() * 1000)
    return Event(
        action=str(action),
        decision=decision,
        outcome=Outcome.SUCCESS,
        reason=reason,
        labels=labels,
        occurred=moment,
        id=new_event_id(milliseconds=stamp, randomness=draw(_ID_RANDOMNESS)),
        **fields,
    )

"""What a rule found, and the event that records it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

import attrs

from biotrail.events import ApplicationDecision, Event, Outcome, Reason, Subject
from biotrail.events.own_actions import DETECTION_BEGINNING

__all__ = ["MOST_INDICES", "Finding", "Severity", "finding_event", "finding_id"]

MOST_INDICES = 24
"""So many indices a finding names at most: the last ones."""
_CONTEXT = b"biotrail/detection/1"
_NOTHING: Mapping[str, Any] = {}


class Severity(StrEnum):
    """How much a finding asks for attention."""

    LOW = "low"
    """To be known: somebody announced it, or it happens in daily life."""
    MEDIUM = "medium"
    """To be looked at soon."""
    HIGH = "high"
    """To be looked at now."""


def _last_ones(indices: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(indices)))[-MOST_INDICES:]


@attrs.frozen(kw_only=True)
class Finding:
    """What a rule found.

    Attributes:
        rule: The rule's name.
        severity: How much it asks for attention.
        reason: What was found, in words, and without anything personal: it is recorded in the clear
            and stays when a person is erased.
        indices: The records that led to it, in order: the last `MOST_INDICES`.
        when: When it came about: the time of the record that brought it, or of silence the end
            that was expected.
        count: How many records or people it rests on.
        details: Numbers and words that may be personal (how far, how fast); they are recorded among
            the personal fields.
        subject: The host's identifier of the one person it is about, where that is open.
        tenant: The tenant of the records that led to it.
    """

    rule: str
    severity: Severity
    reason: str
    indices: tuple[int, ...] = attrs.field(converter=_last_ones)
    when: datetime
    count: int = 1
    details: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False, hash=False)
    subject: str | None = attrs.field(default=None, repr=False)
    tenant: str | None = None

    def document(self) -> dict[str, Any]:
        """The finding as JSON has it, without anything personal."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "reason": self.reason,
            "indices": list(self.indices),
            "count": self.count,
            "when": self.when.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }


def finding_id(origin: str, finding: Finding) -> UUID:
    """The id of the event that records a finding: the same for the same rule and records.

    A UUID of version 8 (RFC 9562 §5.8) from the first 16 bytes of SHA-256 over the origin of the
    log, the rule's name and the indices, each behind its length.
    """
    digest = sha256(_CONTEXT)
    for part in (origin, finding.rule, ",".join(map(str, finding.indices))):
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    raw = bytearray(digest.digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def finding_event(origin: str, finding: Finding) -> Event:
    """The event that records a finding: action ``detection.<rule>``.

    In the clear stand the rule, the severity, the reason, the indices and the count; whom it is
    about, and the details, are personal fields. Nothing was granted, so the decision is denied; the
    outcome says that the finding was recorded.
    """
    return Event(
        action=DETECTION_BEGINNING + finding.rule,
        decision=ApplicationDecision.DENIED,
        outcome=Outcome.SUCCESS,
        reason=Reason.POLICY,
        subject=None if finding.subject is None else Subject(id=finding.subject),
        tenant=finding.tenant,
        labels={
            "severity": str(finding.severity),
            "because": finding.reason,
            "indices": ",".join(map(str, finding.indices)),
            "count": finding.count,
        },
        attributes=finding.details,
        occurred=finding.when,
        id=finding_id(origin, finding),
    )

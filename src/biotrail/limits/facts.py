"""What of a recorded attempt is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from biotrail.events import (
    ApplicationDecision,
    ComparisonDecision,
    Event,
    PresentationAttackDecision,
    Reason,
)

__all__ = ["FAILURES", "HOST_REASONS", "Facts"]

HOST_REASONS = "host.*"
"""Among the reasons that count: every reason of the host's own."""

FAILURES: frozenset[str] = frozenset(
    {Reason.NON_MATCH, Reason.PRESENTATION_ATTACK, Reason.PAD_UNDETERMINED}
)
"""Reasons that say that a biometric was presented and did not pass."""

_DETERMINED = (PresentationAttackDecision.BONA_FIDE, PresentationAttackDecision.ATTACK)


class Facts(NamedTuple):
    """What a policy looks at, all of it in the clear in an entry.

    Attributes:
        action: The event's action.
        granted: Whether the application decision was to grant.
        reason: Its reason.
        modality: Its modality.
        comparison: The comparison decision, or None.
        pad: What presentation attack detection said, or None.
    """

    action: str
    granted: bool
    reason: str
    modality: str
    comparison: str | None = None
    pad: str | None = None

    @classmethod
    def of_event(cls, event: Event) -> Facts:
        """The facts of an event."""
        found = event.comparison
        return cls(
            event.action,
            event.decision is ApplicationDecision.GRANTED,
            event.reason,
            event.modality,
            None if found is None else found.decision,
            None if found is None else found.presentation_attack,
        )

    @classmethod
    def of_content(cls, content: Mapping[str, Any]) -> Facts:
        """The facts of the content of an entry of kind ``event``."""
        found = content.get("comparison", {})
        return cls(
            content["action"],
            content["decision"] == ApplicationDecision.GRANTED,
            content["reason"],
            content["modality"],
            found.get("decision"),
            found.get("pad"),
        )

    @property
    def guarded(self) -> bool:
        """Whether presentation attack detection looked at it, and came to a decision."""
        return self.pad in _DETERMINED

    @property
    def did_not_match(self) -> bool:
        """Whether the matcher or the detector spoke against it, whatever the reason names."""
        return (
            self.comparison == ComparisonDecision.NON_MATCH
            or self.pad == PresentationAttackDecision.ATTACK
        )

"""The demonstration's attempts: which photograph claims to be whom, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from biotrail.audit import Attempt, AuditLogger
from biotrail.events import Context

if TYPE_CHECKING:
    from biotrail.matchers import MatcherBackend, Reference

__all__ = ["ATTEMPTS", "Planned", "Recorded", "record_attempts"]

VISITOR = "visitor-7"
_BROWSER = "demonstration/1.0"


class Planned(NamedTuple):
    """One attempt of the demonstration.

    Attributes:
        photograph: The part that the photograph plays (`biotrail.matchers.demonstration.ROLES`).
        what: What is in the picture, in words.
        decision: The application decision that must be recorded.
        reason: Its reason.
    """

    photograph: str
    what: str
    decision: str
    reason: str


ATTEMPTS = (
    Planned("granted", "the same person", "granted", "match"),
    Planned("denied", "another person", "denied", "non_match"),
    Planned("other_person", "a third person", "denied", "non_match"),
    Planned("no_face", "a cup of coffee", "denied", "no_face"),
    Planned("several_faces", "two faces", "denied", "multiple_faces"),
    Planned("false_non_match", "the same person, speaking", "denied", "non_match"),
)


class Recorded(NamedTuple):
    """One attempt, recorded.

    Attributes:
        planned: What was planned.
        decision: What was decided.
        reason: Why.
        score: The comparison score, if anything could be compared.
        index: Index of the entry.
    """

    planned: Planned
    decision: str
    reason: str
    score: float | None
    index: int  # type: ignore[assignment] # shadows tuple.index

    @property
    def as_planned(self) -> bool:
        """Whether it came out as it must."""
        return (self.decision, self.reason) == (self.planned.decision, self.planned.reason)


def record_attempts(
    log: AuditLogger,
    matcher: MatcherBackend,
    reference: Reference,
    photographs: Mapping[str, Path],
    threshold: float,
) -> Iterator[Recorded]:
    """Let every photograph claim to be the person enrolled, and record what comes of it."""
    for number, planned in enumerate(ATTEMPTS):
        path = photographs[planned.photograph]
        context = Context(
            ip=f"192.0.2.{10 + number}", user_agent=_BROWSER, provenance={"ip": "observed"}
        )
        with log.attempt(
            action="door.open",
            target="front-door",
            modality="face",
            actor=VISITOR,
            subject=VISITOR,
            context=context,
            attributes={"photograph": path.name},
        ) as attempt:
            reason, score = _compare(attempt, matcher, reference, path, threshold)
        assert attempt.receipt is not None
        decision = "granted" if attempt.granted else "denied"
        yield Recorded(planned, decision, reason, score, attempt.receipt.index)


def _compare(
    attempt: Attempt,
    matcher: MatcherBackend,
    reference: Reference,
    photograph: Path,
    threshold: float,
) -> tuple[str, float | None]:
    """What a host does in a login; returns reason and score."""
    from biotrail.matchers import FailureToAcquire

    sample = matcher.capture(photograph)
    if isinstance(sample, FailureToAcquire):
        attempt.failed_to_acquire(sample.reason.value)
        return sample.reason.value, None
    comparison = matcher.compare(reference, matcher.extract(sample)).decide(threshold)
    attempt.compared(comparison)
    if comparison.decision == "match":
        attempt.grant()
    else:
        attempt.deny(comparison.decision.value)
    return comparison.decision.value, comparison.score

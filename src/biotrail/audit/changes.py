"""Events of what is done to references, thresholds and matchers, ready to be recorded.

Each function returns an `Event`; its action is a word of `biotrail.events.Action`, and its labels
are those that docs/spec/event.md names. None of them holds features. ``**fields`` are further
fields of the event: ``actor``, ``subject``, ``modality``, ``context``, ``tenant``, ``target``::

    log.record(enrolment_event(enrolment, subject="ada", actor="registrar-3", modality="face"))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from biotrail.errors import EventError
from biotrail.events import Action, ApplicationDecision, Event, Outcome, Reason

if TYPE_CHECKING:
    from biotrail.matchers.card import ModelCard
    from biotrail.matchers.deletion import DeletionReport
    from biotrail.matchers.enrolment import Enrolment, FailureToEnrol
    from biotrail.matchers.rates.calibration import Calibration

__all__ = [
    "card_revocation_event",
    "deletion_event",
    "enrolment_event",
    "matcher_event",
    "revocation_event",
    "threshold_event",
]

_MICRO = 1_000_000


def enrolment_event(found: Enrolment | FailureToEnrol, **fields: Any) -> Event:
    """An enrolment, a re-enrolment, or a failure to enrol.

    Args:
        found: What `biotrail.matchers.enrol` answered.
        **fields: Further fields of the event. The reason of an enrolment is ``policy`` unless one
            is given; that of a failure is the failure's own.
    """
    enrolled = getattr(found, "reference", None)
    labels: dict[str, Any] = {
        **_of_card(found.card),
        "samples": len(enrolled.samples) if enrolled is not None else 0,
        "not_usable": len(found.not_usable),
    }
    if found.consistency is not None:
        labels["consistency_micro"] = _micro("threshold", found.consistency)
    if found.replaces is not None:
        labels["replaces"] = found.replaces
    if found.agreement is not None:
        agreement = {"agreement_micro": round(found.agreement.value * _MICRO)}
        fields["attributes"] = {**agreement, **fields.get("attributes", {})}
    action = Action.ENROL if found.replaces is None else Action.RE_ENROL
    if enrolled is None:
        labels["usable"] = found.usable  # type: ignore[union-attr] # it is the failure
        return _event(action, labels, fields, reason=found.reason, granted=False)  # type: ignore[union-attr]
    labels["reference"] = enrolled.id
    if enrolled.expires is not None:
        labels["expires"] = enrolled.expires
    return _event(action, labels, fields, reason=Reason.POLICY)


def revocation_event(reference: str, *, reason: Reason | str, **fields: Any) -> Event:
    """One reference was revoked, for the reason given."""
    return _event(Action.REVOKE, {"reference": reference}, fields, reason=reason)


def card_revocation_event(card: bytes, *, count: int, reason: Reason | str, **fields: Any) -> Event:
    """All references of one model card were revoked, as when a projection key leaked.

    Args:
        card: Digest of the card, 32 bytes.
        count: How many references that were.
        reason: Why, e.g. ``"key_compromised"``.
        **fields: Further fields of the event.
    """
    return _event(Action.REVOKE, {"card": card, "count": count}, fields, reason=reason)


def deletion_event(report: DeletionReport, *, reason: Reason | str, **fields: Any) -> Event:
    """References were deleted. Where something remains, the outcome is a failure.

    Args:
        report: What `biotrail.matchers.delete_references` answered, or its error holds.
        reason: Why, e.g. ``"subject_request"``.
        **fields: Further fields of the event.
    """
    labels: dict[str, Any] = {
        "references": len(report.references),
        "places": len(report.places),
        "rows_before": report.rows_before,
        "rows_after": report.rows_after,
        "bytes_before": report.bytes_before,
        "bytes_after": report.bytes_after,
        "copies_after": report.copies_after,
    }
    if len(report.references) == 1:
        labels["reference"] = report.references[0]
    fields.setdefault("outcome", Outcome.SUCCESS if report.complete else Outcome.FAILURE)
    return _event(Action.DELETE, labels, fields, reason=reason)


def threshold_event(
    card: ModelCard,
    threshold: float | Calibration,
    *,
    before: float | Calibration | None = None,
    **fields: Any,
) -> Event:
    """Another threshold holds for a matcher.

    Args:
        card: The matcher's card.
        threshold: The new threshold, plain or calibrated.
        before: The one that held until now.
        **fields: Further fields of the event.

    Raises:
        MatcherError: A threshold is neither a calibration nor a finite number within ±1e12.
    """
    labels: dict[str, Any] = {
        "card": card.digest,
        "metric": card.metric,
        "threshold_micro": _in_millionths(threshold),
    }
    if (name := getattr(threshold, "id", None)) is not None:
        labels["calibration"] = name
    if before is not None:
        labels["before_micro"] = _in_millionths(before)
    return _event(Action.CHANGE_THRESHOLD, labels, fields, reason=Reason.POLICY)


def matcher_event(card: ModelCard, *, before: ModelCard | None = None, **fields: Any) -> Event:
    """Another matcher compares: another model, version, file, runtime or projection key.

    Args:
        card: The card from here on.
        before: The card until now, or None where there was none.
        **fields: Further fields of the event.
    """
    labels = _of_card(card)
    if before is not None:
        labels["before"] = before.digest
    return _event(Action.CHANGE_MATCHER, labels, fields, reason=Reason.POLICY)


def _of_card(card: ModelCard) -> dict[str, Any]:
    return {"matcher": card.id, "version": card.version, "card": card.digest}


def _in_millionths(threshold: float | Calibration) -> int:
    return _micro("threshold", getattr(threshold, "threshold", threshold))


def _micro(what: str, value: object) -> int:
    from biotrail.matchers.decision import finite

    return round(finite(what, value) * _MICRO)


def _event(
    action: Action,
    labels: Mapping[str, Any],
    fields: dict[str, Any],
    *,
    reason: Reason | str,
    granted: bool = True,
) -> Event:
    """The event; labels of the host's own are added, under other names."""
    own = fields.pop("labels", {})
    if taken := sorted(set(own) & set(labels)):
        raise EventError(f"Event.labels[{taken[0]}]", own[taken[0]], "is a label of this event")
    decision = ApplicationDecision.GRANTED if granted else ApplicationDecision.DENIED
    return Event(
        **{
            "action": action.value,
            "decision": decision,
            "reason": reason,
            **fields,
            "labels": {**labels, **own},
        }
    )

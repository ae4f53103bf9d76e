"""The event: one access attempt, whole and checked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

import attrs

from biotrail.errors import EventError
from biotrail.events import _rules as rules
from biotrail.events._frozen import FrozenMapping
from biotrail.events._rules import AttributeValue
from biotrail.events.comparison import Comparison
from biotrail.events.context import Context, as_context
from biotrail.events.people import Actor, Subject, as_actor, as_subject
from biotrail.events.vocabulary import ApplicationDecision, Factor, Modality, Outcome, Reason

__all__ = ["Event", "new_event_id"]

_HOST_REASON = "host."


def new_event_id(*, milliseconds: int | None = None, randomness: bytes | None = None) -> UUID:
    """A new event id: a UUID of version 7 (RFC 9562 §5.7), which sorts by time.

    Args:
        milliseconds: Unix time in milliseconds; the system's clock if None.
        randomness: 10 random bytes; the system's source if None.
    """
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    raw = bytearray(stamp.to_bytes(6, "big"))
    raw += os.urandom(10) if randomness is None else randomness
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def _actor(value: Actor | str | None) -> Actor | None:
    return as_actor(value)


def _subject(value: Subject | str | None) -> Subject | None:
    return as_subject(value)


def _context(value: Context | None) -> Context:
    return as_context(value)


def _modality(value: Modality | str) -> Modality:
    return rules.member("Event.modality", value, Modality)


def _decision(value: ApplicationDecision | str) -> ApplicationDecision:
    return rules.member("Event.decision", value, ApplicationDecision)


def _outcome(value: Outcome | str | None) -> Outcome | None:
    return None if value is None else rules.member("Event.outcome", value, Outcome)


def _reason(value: object) -> Reason | str:
    if not isinstance(value, str):
        rules.refuse_biometrics("Event.reason", value)
    elif value.startswith(_HOST_REASON) and value != _HOST_REASON:
        return rules.normal_text("Event.reason", value, maximum=64)
    try:
        return Reason(value)  # type: ignore[arg-type] # a value of another type is refused below
    except ValueError:
        rule = "must be a word of Reason, or 'host.' and a word for a reason of your own"
        raise EventError("Event.reason", value, rule) from None


def _occurred(value: datetime) -> datetime:
    return rules.aware_time("Event.occurred", value)


def _id(value: UUID) -> UUID:
    if not isinstance(value, UUID):
        raise EventError("Event.id", value, "must be a uuid.UUID")
    return value


def _factors(value: Iterable[Factor | str]) -> tuple[Factor, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise EventError("Event.factors", value, "must be a sequence of factors")
    words = tuple(rules.member("Event.factors", word, Factor) for word in value)
    if len(set(words)) != len(words):
        raise EventError("Event.factors", value, "must not name a factor twice")
    return words


_NO_VALUES: Mapping[str, AttributeValue] = FrozenMapping({})


def _attributes(value: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
    return value if value is _NO_VALUES else rules.frozen_mapping("Event.attributes", value)


def _labels(value: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
    return value if value is _NO_VALUES else rules.frozen_mapping("Event.labels", value)


_OUTCOME_OF = {
    ApplicationDecision.GRANTED: Outcome.SUCCESS,
    ApplicationDecision.DENIED: Outcome.FAILURE,
}


@attrs.frozen(kw_only=True)
class Event:
    """One access attempt: who accessed what, when, from where, proven how.

    The three decisions stay apart: `comparison.decision` is what the score says, `decision` is
    what the host's policy decided, `outcome` is how the action ended.

    Attributes:
        action: What was attempted, e.g. ``"door.open"``; up to 128 characters.
        decision: Granted or denied.
        actor: Who initiates it: an `Actor`, or its identifier (personal).
        subject: Whose biometric: a `Subject`, or its identifier (personal; the entry bears a
            random reference).
        target: What was to be accessed, up to 256 characters. Written into the entry: not a
            place for personal data.
        modality: Biometric modality, or none.
        factors: Factors beside the biometric.
        comparison: What the matcher said, if it came to a comparison.
        outcome: Success, failure or unknown; follows from the decision if not given.
        reason: Why: a `Reason`, or a text beginning with ``host.``.
        context: From where, and who vouches for it.
        tenant: Whose log this is among several, up to 128 characters.
        attributes: The host's own values, counted as personal: names of up to 23 bytes; text,
            whole numbers, booleans, aware datetimes, or bytes up to 64. At most 32.
        labels: The same, but written into the entry, for what is certainly not personal.
        occurred: When, an aware datetime; kept in UTC to the microsecond.
        id: The event's id; recording the same id again is answered with the first record.
    """

    action: str = attrs.field(validator=rules.text(maximum=128))
    decision: ApplicationDecision = attrs.field(converter=_decision)
    actor: Actor | None = attrs.field(default=None, converter=_actor)
    subject: Subject | None = attrs.field(default=None, converter=_subject)
    target: str | None = attrs.field(default=None, validator=rules.text(maximum=256, optional=True))
    modality: Modality = attrs.field(default=Modality.NONE, converter=_modality)
    factors: tuple[Factor, ...] = attrs.field(default=(), converter=_factors)
    comparison: Comparison | None = attrs.field(
        default=None, validator=rules.instance_of(Comparison)
    )
    outcome: Outcome | None = attrs.field(default=None, converter=_outcome)
    reason: Reason | str = attrs.field(default=Reason.UNSPECIFIED, converter=_reason)
    context: Context = attrs.field(default=None, converter=_context)
    tenant: str | None = attrs.field(default=None, validator=rules.text(maximum=128, optional=True))
    attributes: Mapping[str, AttributeValue] = attrs.field(
        default=_NO_VALUES, converter=_attributes, hash=False
    )
    labels: Mapping[str, AttributeValue] = attrs.field(
        default=_NO_VALUES, converter=_labels, hash=False
    )
    occurred: datetime = attrs.field(factory=lambda: datetime.now(UTC), converter=_occurred)
    id: UUID = attrs.field(factory=new_event_id, converter=_id)

    def __attrs_post_init__(self) -> None:
        if self.outcome is None:
            object.__setattr__(self, "outcome", _OUTCOME_OF[self.decision])

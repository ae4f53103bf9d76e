"""Events to bytes: what goes into the entry, and what into the payload.

Nothing personal goes into the entry: identities, address, device id, user agent, place, session,
score and the host's attributes are payload fields; the subject is a random reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import cbor2

from biotrail.canonical.cbor import CborValue
from biotrail.canonical.payload import encode_payload
from biotrail.canonical.times import format_time
from biotrail.events import Actor, Comparison, Context, Event, Location, Provenance, Subject
from biotrail.events._frozen import FrozenMapping

__all__ = [
    "PERSONAL_FIELDS",
    "EncodedEvent",
    "encode_event",
    "event_content",
    "personal_fields",
]

_MICRO = 1_000_000
PERSONAL_FIELDS = (
    "ip",
    "actor",
    "subject",
    "location",
    "device_id",
    "attributes",
    "session_id",
    "user_agent",
    "score_micro",
)
"""Names of the payload's fields, in canonical order."""


class EncodedEvent(NamedTuple):
    """An event as bytes.

    Attributes:
        body: The entry's body.
        payload: The payload, or None where the event has no personal field.
    """

    body: bytes
    payload: bytes | None


def encode_event(event: Event, *, subject: bytes | None, salt: bytes) -> EncodedEvent:
    """Encode an event.

    Args:
        event: The event.
        subject: The random reference of the event's subject, 16 bytes, or None without one.
        salt: 32 fresh bytes from a cryptographic source for this payload.
    """
    event_id = event.id.bytes
    fields = personal_fields(event)
    payload, root = encode_payload(event_id, fields, salt) if fields else (None, None)
    content = _content(event, event_id, subject, root, None)
    # The keys were put in in canonical order, so plain encoding gives the canonical bytes. Words
    # of a vocabulary are text to the encoder, which the golden vectors pin.
    return EncodedEvent(cbor2.dumps({"event": content}), payload)


def personal_fields(event: Event) -> list[tuple[str, CborValue]]:
    """The personal fields that an event has, in canonical order of their names."""
    context, comparison = event.context, event.comparison
    fields: list[tuple[str, CborValue]] = []
    if context.ip is not None:
        fields.append(("ip", context.ip.packed))
    if event.actor is not None:
        fields.append(("actor", _actor(event.actor)))
    if event.subject is not None:
        fields.append(("subject", _subject(event.subject)))
    if context.location is not None:
        fields.append(("location", _location(context.location)))
    if context.device_id is not None:
        fields.append(("device_id", context.device_id))
    if event.attributes:
        fields.append(("attributes", _host_values(event.attributes)))
    if context.session_id is not None:
        fields.append(("session_id", context.session_id))
    if context.user_agent is not None:
        fields.append(("user_agent", context.user_agent))
    if comparison is not None and comparison.score is not None:
        fields.append(("score_micro", _micro(comparison.score)))
    return fields


def event_content(
    event: Event,
    *,
    subject: bytes | None,
    actor: bytes | None,
    root: bytes | None,
    event_id: bytes | None = None,
) -> dict[str, CborValue]:
    """What the entry of an event says, in canonical order.

    Args:
        event: The event.
        subject: The random reference of its subject, 16 bytes, or None without one.
        actor: The same for its actor; in a log without a vault always None.
        root: The payload root, or None without personal fields.
        event_id: The event's id, 16 bytes, where the caller has it at hand.
    """
    return _content(event, event_id or event.id.bytes, subject, root, actor)


def _content(
    event: Event,
    event_id: bytes,
    subject: bytes | None,
    root: bytes | None,
    actor: bytes | None,
) -> dict[str, CborValue]:
    context, comparison = event.context, event.comparison
    content: dict[str, CborValue] = {"id": event_id}
    if actor is not None:
        content["actor"] = actor
    content["action"] = event.action
    if event.labels:
        content["labels"] = _host_values(event.labels)
    content["reason"] = event.reason
    if event.target is not None:
        content["target"] = event.target
    if event.tenant is not None:
        content["tenant"] = event.tenant
    if clear := _clear_context(context):
        content["context"] = clear
    if event.factors:
        content["factors"] = list(event.factors)
    assert event.outcome is not None
    content["outcome"] = event.outcome
    if root is not None:
        content["payload"] = root
    if subject is not None:
        content["subject"] = subject
    content["decision"] = event.decision
    content["modality"] = event.modality
    content["occurred"] = format_time(event.occurred)
    if comparison is not None:
        content["comparison"] = _comparison(comparison)
    if context.provenance:
        content["provenance"] = _plain(context.provenance)
    return content


def _plain(provenance: Mapping[str, Provenance]) -> dict[str, CborValue]:
    # A context keeps its provenance in the order in which it is encoded.
    if isinstance(provenance, FrozenMapping):
        return provenance.plain()
    return _in_order(dict(provenance))


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    # Names are at most 23 bytes: canonical order is by length, then by bytes.
    return dict(sorted(values.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode())))


def _present(pairs: tuple[tuple[str, CborValue], ...]) -> dict[str, CborValue]:
    return {name: value for name, value in pairs if value is not None}


def _micro(value: float) -> int:
    return round(value * _MICRO)


def _optional_micro(value: float | None) -> int | None:
    return None if value is None else round(value * _MICRO)


def _actor(actor: Actor) -> dict[str, CborValue]:
    if actor.name is None:
        return {"id": actor.id, "kind": actor.kind}
    return {"id": actor.id, "kind": actor.kind, "name": actor.name}


def _subject(subject: Subject) -> dict[str, CborValue]:
    if subject.name is None:
        return {"id": subject.id}
    return {"id": subject.id, "name": subject.name}


def _location(location: Location) -> dict[str, CborValue]:
    return _present(
        (
            ("city", location.city),
            ("region", location.region),
            ("country", location.country),
            ("accuracy_m", location.accuracy_m),
            ("latitude_micro", _micro(location.latitude)),
            ("longitude_micro", _micro(location.longitude)),
        )
    )


def _clear_context(context: Context) -> dict[str, CborValue]:
    return _present(
        (
            ("os", context.os),
            ("trace_id", context.trace_id),
            ("request_id", context.request_id),
            ("device_model", context.device_model),
        )
    )


def _comparison(comparison: Comparison) -> dict[str, CborValue]:
    return _present(
        (
            ("pad", comparison.presentation_attack),
            ("type", comparison.type),
            ("digest", comparison.digest),
            ("metric", comparison.metric),
            ("gallery", comparison.gallery),
            ("matcher", comparison.matcher),
            ("version", comparison.version),
            ("decision", comparison.decision),
            ("reference", comparison.reference),
            ("calibration", comparison.calibration),
            ("gallery_size", comparison.gallery_size),
            ("quality_micro", _optional_micro(comparison.quality)),
            ("threshold_micro", _optional_micro(comparison.threshold)),
        )
    )


def _host_values(values: Mapping[str, Any]) -> dict[str, CborValue]:
    return _in_order(
        {
            name: format_time(value) if isinstance(value, datetime) else value
            for name, value in values.items()
        }
    )

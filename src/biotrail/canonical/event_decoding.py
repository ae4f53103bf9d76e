"""Bytes to events: what an entry and its payload say, built back and held to their one form."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import attrs

from biotrail.canonical.cbor import CborValue
from biotrail.canonical.event_encoding import personal_fields
from biotrail.canonical.moved import moved_back
from biotrail.canonical.times import parse_time
from biotrail.errors import CanonicalError
from biotrail.events import Actor, Comparison, Context, Event, Location, Subject

__all__ = ["decode_event"]

_MICRO = 1_000_000


def decode_event(
    content: Mapping[str, CborValue], fields: Mapping[str, CborValue] | None = None
) -> Event:
    """Build the event back from an entry's content and its payload's fields.

    Without the payload's fields (sealed, erased or not asked for) what is personal is None.
    Times among the host's own values come back as text.

    Raises:
        CanonicalError: The content or the fields are not an event's.
    """
    clear, given = moved_back(content, fields or {})
    try:
        event = _decode_event(clear, given)
    except CanonicalError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CanonicalError(f"not the content of an event: {error}") from None
    if dict(personal_fields(event)) != given:
        raise CanonicalError("the payload's fields are not what an event would be written as")
    return event


def _decode_event(content: dict[str, Any], fields: dict[str, Any]) -> Event:
    clear = content.get("context", {})
    location = fields.get("location")
    context = Context(
        ip=ipaddress.ip_address(fields["ip"]) if "ip" in fields else None,
        device_id=fields.get("device_id"),
        device_model=clear.get("device_model"),
        os=clear.get("os"),
        user_agent=fields.get("user_agent"),
        location=None if location is None else _decode_location(location),
        session_id=fields.get("session_id"),
        request_id=clear.get("request_id"),
        trace_id=clear.get("trace_id"),
    )
    words = content.get("provenance", {})
    known = {name: words[name] for name in context.provenance if name in words}
    comparison = content.get("comparison")
    return Event(
        id=UUID(bytes=content["id"]),
        action=content["action"],
        decision=content["decision"],
        actor=Actor(**fields["actor"]) if "actor" in fields else None,
        subject=Subject(**fields["subject"]) if "subject" in fields else None,
        target=content.get("target"),
        modality=content["modality"],
        factors=content.get("factors", ()),
        comparison=None if comparison is None else _decode_comparison(comparison, fields),
        outcome=content["outcome"],
        reason=content["reason"],
        context=_with_provenance(context, known),
        tenant=content.get("tenant"),
        attributes=fields.get("attributes", {}),
        labels=content.get("labels", {}),
        occurred=parse_time(content["occurred"]),
    )


def _with_provenance(context: Context, words: dict[str, str]) -> Context:
    if not words:
        return context
    return attrs.evolve(context, provenance=words)


def _decode_location(values: dict[str, Any]) -> Location:
    return Location(
        latitude=values["latitude_micro"] / _MICRO,
        longitude=values["longitude_micro"] / _MICRO,
        accuracy_m=values.get("accuracy_m"),
        country=values.get("country"),
        region=values.get("region"),
        city=values.get("city"),
    )


def _real(value: int | None) -> float | None:
    return None if value is None else value / _MICRO


def _decode_comparison(values: dict[str, Any], fields: dict[str, Any]) -> Comparison:
    plain = ("digest", "metric", "type", "calibration", "reference", "gallery", "gallery_size")
    return Comparison(
        matcher=values["matcher"],
        version=values["version"],
        decision=values["decision"],
        score=_real(fields.get("score_micro")),
        threshold=_real(values.get("threshold_micro")),
        quality=_real(values.get("quality_micro")),
        presentation_attack=values.get("pad"),
        **{name: values.get(name) for name in plain},
    )

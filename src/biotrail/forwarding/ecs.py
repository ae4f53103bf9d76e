"""Records in the Elastic Common Schema: fields that ECS 8 and 9 both have.

Source: Elastic Common Schema, https://www.elastic.co/docs/reference/ecs. What ECS has no field for
is under ``biotrail``, a name of our own, as its rules for custom fields ask.
"""

from __future__ import annotations

from typing import Any

from biotrail._version import __version__
from biotrail.canonical import format_time
from biotrail.events import Context, Event
from biotrail.forwarding.view import RecordView, without_nothing

__all__ = ["CATEGORIES", "ECS_VERSION", "ecs_document"]

ECS_VERSION = "9.0.0"
CATEGORIES: dict[str, tuple[str, str]] = {
    "genesis": ("configuration", "creation"),
    "log_started": ("process", "start"),
    "log_stopped": ("process", "end"),
    "log_gap": ("process", "info"),
    "key_added": ("configuration", "creation"),
    "key_retired": ("configuration", "deletion"),
    "key_compromised": ("configuration", "change"),
    "configuration_changed": ("configuration", "change"),
    "subject_erased": ("database", "change"),
    "retention_applied": ("database", "change"),
    "hold_placed": ("configuration", "change"),
    "hold_released": ("configuration", "change"),
    "log_read": ("database", "access"),
    "reference.enrol": ("iam", "creation"),
    "reference.re_enrol": ("iam", "change"),
    "reference.revoke": ("iam", "deletion"),
    "reference.delete": ("iam", "deletion"),
    "attempt.lock": ("iam", "change"),
    "attempt.unlock": ("iam", "change"),
    "attempt.lock_expired": ("iam", "change"),
    "threshold.change": ("configuration", "change"),
    "matcher.change": ("configuration", "change"),
}
"""``event.category`` and ``event.type`` by kind or action; any other is an authentication start."""
_SEVERITIES = (21, 47, 73, 99)
_UNKNOWN = ("configuration", "info")


def ecs_document(view: RecordView) -> dict[str, Any]:
    """A record as a nested ECS document, ready for JSON.

    ``event.hash`` is the leaf hash and ``event.sequence`` the index: with ``event.provider``, the
    log's origin, they lead back to the proof.
    """
    event = view.event
    found: dict[str, Any] = {
        "@timestamp": format_time(view.occurred),
        "ecs": {"version": ECS_VERSION},
        "message": view.message,
        "event": _event(view),
        "observer": {
            "vendor": "biotrail",
            "product": "biotrail",
            "version": __version__,
            "type": "audit-log",
        },
        "biotrail": view.details(),
    }
    if event is not None:
        found.update(_people(event, view))
        found.update(_circumstances(event))
    return without_nothing(found)


def _event(view: RecordView) -> dict[str, Any]:
    event = view.event
    category, kind_of = _categories(view)
    found: dict[str, Any] = {
        "kind": "alert" if view.name.startswith("detection.") else "event",
        "category": [category],
        "type": [kind_of],
        "action": view.name,
        "id": f"{view.place.origin}#{view.index}",
        "sequence": view.index,
        "hash": view.leaf_hash,
        "created": format_time(view.record.recorded),
        "module": "biotrail",
        "dataset": f"biotrail.{view.kind}",
        "provider": view.place.origin,
        "severity": _SEVERITIES[view.gravity],
    }
    if event is not None:
        found.update(id=str(event.id), outcome=str(event.outcome), reason=str(event.reason))
    return found


def _categories(view: RecordView) -> tuple[str, str]:
    if view.name.startswith("detection."):
        return "intrusion_detection", "info"
    if view.event is None:
        return CATEGORIES.get(view.kind, _UNKNOWN)
    return CATEGORIES.get(view.name, ("authentication", "start"))


def _people(event: Event, view: RecordView) -> dict[str, Any]:
    subject, actor = event.subject, event.actor
    user = {
        "id": None if subject is None else subject.id,
        "name": None if subject is None else subject.name,
        "hash": view.subject_reference,
    }
    named = [one.id for one in (subject, actor) if one is not None]
    found: dict[str, Any] = {"user": without_nothing(user)}
    if actor is not None:
        # ECS has one user an event, and that is the subject here.
        details = {"id": actor.id, "name": actor.name, "kind": str(actor.kind)}
        found["biotrail"] = {**view.details(), "actor": without_nothing(details)}
    address = event.context.ip
    found["related"] = without_nothing(
        {
            "user": list(dict.fromkeys(named)),
            "ip": [] if address is None else [str(address)],
            "hash": [view.leaf_hash],
        }
    )
    return found


def _circumstances(event: Event) -> dict[str, Any]:
    context = event.context
    agent = {
        "original": context.user_agent,
        "os": None if context.os is None else {"full": context.os},
    }
    model = None if context.device_model is None else {"name": context.device_model}
    request = None if context.request_id is None else {"id": context.request_id}
    return {
        "source": _source(context),
        "device": without_nothing({"id": context.device_id, "model": model}),
        "user_agent": without_nothing(agent),
        "http": without_nothing({"request": request}),
        "trace": without_nothing({"id": context.trace_id}),
        "organization": without_nothing({"id": event.tenant}),
        "service": {} if event.target is None else {"target": {"name": event.target}},
    }


def _source(context: Context) -> dict[str, Any]:
    place = context.location
    geo = None
    if place is not None:
        geo = without_nothing(
            {
                "location": {"lat": float(place.latitude), "lon": float(place.longitude)},
                "country_iso_code": place.country,
                "region_name": place.region,
                "city_name": place.city,
            }
        )
    return without_nothing({"ip": None if context.ip is None else str(context.ip), "geo": geo})

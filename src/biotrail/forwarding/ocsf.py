"""Records as events of OCSF 1.8: attempts as Authentication (3002), the rest as its nearest class.

Source: Open Cybersecurity Schema Framework 1.8.0, https://schema.ocsf.io/1.8.0. OCSF has no
attributes for a modality, a score, a threshold or presentation attack detection: those are in
``unmapped.biotrail``, with what leads back to the proof.
"""

from __future__ import annotations

from typing import Any

from biotrail._version import __version__
from biotrail.canonical import format_time
from biotrail.events import ApplicationDecision, Event, Outcome
from biotrail.forwarding._ocsf_objects import (
    account,
    actor,
    auth_factors,
    is_multi_factor,
    observables,
    session,
    source_endpoint,
)
from biotrail.forwarding._ocsf_other import OTHER_KINDS, other_kind
from biotrail.forwarding.view import RecordView, milliseconds, without_nothing

__all__ = ["ACTIONS", "OCSF_VERSION", "ocsf_event"]

OCSF_VERSION = "1.8.0"
AUTHENTICATION, ACCOUNT_CHANGE, ENTITY_MANAGEMENT, DETECTION_FINDING = 3002, 3001, 3004, 2004
_CLASSES = {
    AUTHENTICATION: "Authentication",
    ACCOUNT_CHANGE: "Account Change",
    ENTITY_MANAGEMENT: "Entity Management",
    DETECTION_FINDING: "Detection Finding",
}
ACTIONS: dict[str, tuple[int, int, str]] = {
    "reference.enrol": (ACCOUNT_CHANGE, 10, "MFA Factor Enable"),
    "reference.re_enrol": (ACCOUNT_CHANGE, 10, "MFA Factor Enable"),
    "reference.revoke": (ACCOUNT_CHANGE, 11, "MFA Factor Disable"),
    "reference.delete": (ACCOUNT_CHANGE, 11, "MFA Factor Disable"),
    "attempt.lock": (ACCOUNT_CHANGE, 9, "Lock"),
    "attempt.unlock": (ACCOUNT_CHANGE, 12, "Unlock"),
    "attempt.lock_expired": (ACCOUNT_CHANGE, 12, "Unlock"),
    "threshold.change": (ENTITY_MANAGEMENT, 3, "Update"),
    "matcher.change": (ENTITY_MANAGEMENT, 3, "Update"),
}
"""Actions that are no logon, with class, activity and its name; any other is a Logon (3002, 1).

What begins with ``detection.`` is a Detection Finding (2004, 1)."""
_SEVERITIES = ((1, "Informational"), (2, "Low"), (3, "Medium"), (4, "High"))
_STATUS = {
    Outcome.SUCCESS: (1, "Success"),
    Outcome.FAILURE: (2, "Failure"),
    Outcome.UNKNOWN: (0, "Unknown"),
}
_ALLOWED = {"action_id": 1, "action": "Allowed", "disposition_id": 1, "disposition": "Allowed"}
_BLOCKED = {"action_id": 2, "action": "Denied", "disposition_id": 2, "disposition": "Blocked"}


def ocsf_event(view: RecordView) -> dict[str, Any]:
    """A record as an OCSF 1.8.0 event, ready for JSON.

    ``time`` is when it occurred, ``metadata.logged_time`` when it was recorded, both in whole
    milliseconds since 1970; ``metadata.original_time`` keeps the microseconds.
    """
    event = view.event
    if event is None:
        return _assembled(view, other_kind(view))
    if event.action.startswith("detection."):
        return _assembled(view, _finding(event, view))
    class_uid, activity, caption = ACTIONS.get(event.action, (AUTHENTICATION, 1, "Logon"))
    parts = _classified(class_uid, _CLASSES[class_uid], activity, caption)
    parts.update(_common(event, view))
    if class_uid == ENTITY_MANAGEMENT:
        parts["entity"] = {"name": event.target or event.action, "type_id": 99, "type": "Matcher"}
    else:
        parts["user"] = account(event.subject, view.subject_reference)
        parts["auth_factors"] = auth_factors(event)
    if class_uid == AUTHENTICATION:
        parts["service"] = {"name": event.target or view.place.origin, "uid": view.place.origin}
        parts["session"] = session(event)
        parts["is_mfa"] = is_multi_factor(event)
    return _assembled(view, parts)


def _finding(event: Event, view: RecordView) -> dict[str, Any]:
    """What a rule detected, as a Detection Finding."""
    rule = event.action.removeprefix("detection.")
    parts = _classified(DETECTION_FINDING, _CLASSES[DETECTION_FINDING], 1, "Create")
    info = {"uid": str(event.id), "title": rule, "created_time": milliseconds(event.occurred)}
    status = {"status_id": 1, "status": "New", "status_code": str(event.reason)}
    return {**parts, **status, "finding_info": info, "is_alert": True}


def _classified(class_uid: int, name: str, activity: int, caption: str) -> dict[str, Any]:
    category = class_uid // 1_000
    captions = {2: "Findings", 3: "Identity & Access Management", 6: "Application Activity"}
    return {
        "category_uid": category,
        "category_name": captions.get(category, "Uncategorized"),
        "class_uid": class_uid,
        "class_name": name,
        "activity_id": activity,
        "activity_name": caption,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{name}: {caption if activity != 99 else 'Other'}",
    }


def _common(event: Event, view: RecordView) -> dict[str, Any]:
    """What every class of an event has."""
    assert event.outcome is not None
    status, caption = _STATUS[event.outcome]
    granted = event.decision is ApplicationDecision.GRANTED
    context = event.context
    request = {"user_agent": context.user_agent, "uid": context.request_id}
    return {
        "status_id": status,
        "status": caption,
        "status_code": str(event.reason),
        **(_ALLOWED if granted else _BLOCKED),
        "actor": actor(event, view.actor_reference),
        "src_endpoint": source_endpoint(context),
        "http_request": without_nothing(request),
        "observables": observables(context),
    }


def _assembled(view: RecordView, parts: dict[str, Any]) -> dict[str, Any]:
    """The whole event: what was found, and what every record has."""
    if view.kind in OTHER_KINDS or view.event is None:
        parts = {**_classified(*parts.pop("classified")), **parts}
    severity, caption = _SEVERITIES[view.gravity]
    return without_nothing(
        {
            **parts,
            "severity_id": severity,
            "severity": caption,
            "time": milliseconds(view.occurred),
            "timezone_offset": 0,
            "message": view.message,
            "metadata": _metadata(view),
            "unmapped": {"biotrail": view.details()},
        }
    )


def _metadata(view: RecordView) -> dict[str, Any]:
    event = view.event
    found: dict[str, Any] = {
        "version": OCSF_VERSION,
        "product": {"name": "biotrail", "vendor_name": "biotrail", "version": __version__},
        "log_name": view.place.origin,
        "log_version": "biotrail/1",
        "logged_time": milliseconds(view.record.recorded),
        "original_time": format_time(view.occurred),
        "sequence": view.index,
        "event_code": view.name,
        "uid": f"{view.place.origin}#{view.index}",
    }
    if event is not None:
        context = event.context
        found["uid"] = str(event.id)
        found["profiles"] = ["security_control"]
        found["tenant_uid"] = event.tenant
        found["correlation_uid"] = context.trace_id or context.request_id
    return without_nothing(found)

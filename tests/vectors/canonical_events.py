"""The events behind the golden vectors, each said twice: as an `Event`, and as what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import UUID

from biotrail import Actor, Comparison, Context, Event, Location, Subject

RECORDED = "2026-11-23T11:34:00.123456Z"
_KEY = "biotrail.example/log1+5ed5488c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


class Case(NamedTuple):
    """One event.

    Attributes:
        name: What is special about it.
        event: The event, or None where another writer than ours would be needed.
        subject: The subject's reference.
        salt: The payload's salt.
        content: The entry's content, but for the payload root.
        fields: The payload's fields.
        shift: Added to the place in the list, for indices of every width.
    """

    name: str
    event: Event
    subject: bytes | None
    salt: bytes
    content: dict[str, Any]
    fields: dict[str, Any]
    shift: int = 0


def _id(number: int) -> UUID:
    return UUID(int=0x0195_0000_0000_7000_8000_0000_0000_0000 + number)


_OCCURRED = datetime(2026, 11, 23, 11, 33, 59, 500, tzinfo=UTC)
_OCCURRED_TEXT = "2026-11-23T11:33:59.000500Z"
_EVERYTHING: dict[str, Any] = {
    "ip": "2001:db8::7%eth0",
    "device_id": "device 7",
    "device_model": "Model",
    "os": "Linux 6.1",
    "user_agent": "agent/1.0\r\n",
    "location": Location(
        latitude=47.3769,
        longitude=-8.54,
        accuracy_m=25,
        country="CH",
        region="Zu\u0308rich",
        city="Z\u00fcrich",
    ),
    "session_id": "session",
    "request_id": "request",
    "trace_id": "trace",
    "provenance": {
        "ip": "observed",
        "location": "proxy_asserted",
        "trace_id": "attested",
        "os": "client_claimed",
    },
}
_OTHERS_CLAIMED = dict.fromkeys(
    ("device_id", "device_model", "user_agent", "session_id", "request_id"), "client_claimed"
)

EVENTS: tuple[Case, ...] = (
    Case(
        name="least",
        event=Event(id=_id(1), action="a", decision="denied", occurred=_OCCURRED),
        subject=None,
        salt=bytes(32),
        content={
            "id": _id(1).bytes,
            "action": "a",
            "decision": "denied",
            "outcome": "failure",
            "modality": "none",
            "reason": "unspecified",
            "occurred": _OCCURRED_TEXT,
        },
        fields={},
        shift=1,
    ),
    Case(
        name="everything",
        event=Event(
            id=_id(2),
            action="door.open",
            decision="granted",
            actor=Actor(id="ann", kind="service", name="Ann \u6c34"),
            subject=Subject(id="bob", name="Bob"),
            target="vault",
            modality="face",
            factors=("pin", "badge"),
            comparison=Comparison(
                matcher="matcher",
                version="1.2",
                decision="match",
                score=0.8765432,
                threshold=-0.5,
                digest=bytes(range(32)),
                metric="cosine",
                type="identification",
                calibration="calibration 1",
                quality=12345.678,
                presentation_attack="bona_fide",
                reference="reference 1",
                gallery="gallery 1",
                gallery_size=1_000_000,
            ),
            outcome="unknown",
            reason="match",
            context=Context(**_EVERYTHING),
            tenant="bank",
            attributes={
                "flag": True,
                "count": -5,
                "digest": b"\x01\x02",
                "text": "\u2028",
                "moment": datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            },
            labels={"site": "north", "floor": 2**63 - 1, "off": False, "b": b"", "a": "x"},
            occurred=_OCCURRED,
        ),
        subject=bytes(range(16)),
        salt=bytes(range(32)),
        content={
            "id": _id(2).bytes,
            "action": "door.open",
            "target": "vault",
            "modality": "face",
            "decision": "granted",
            "outcome": "unknown",
            "reason": "match",
            "occurred": _OCCURRED_TEXT,
            "tenant": "bank",
            "subject": bytes(range(16)),
            "factors": ["pin", "badge"],
            "comparison": {
                "matcher": "matcher",
                "version": "1.2",
                "digest": bytes(range(32)),
                "decision": "match",
                "threshold_micro": -500_000,
                "metric": "cosine",
                "type": "identification",
                "calibration": "calibration 1",
                "quality_micro": 12_345_678_000,
                "pad": "bona_fide",
                "reference": "reference 1",
                "gallery": "gallery 1",
                "gallery_size": 1_000_000,
            },
            "context": {
                "device_model": "Model",
                "os": "Linux 6.1",
                "request_id": "request",
                "trace_id": "trace",
            },
            "provenance": {**_EVERYTHING["provenance"], **_OTHERS_CLAIMED},
            "labels": {"site": "north", "floor": 2**63 - 1, "off": False, "b": b"", "a": "x"},
        },
        fields={
            "actor": {"id": "ann", "kind": "service", "name": "Ann \u6c34"},
            "subject": {"id": "bob", "name": "Bob"},
            "ip": bytes.fromhex("20010db8000000000000000000000007"),
            "device_id": "device 7",
            "user_agent": "agent/1.0\r\n",
            "session_id": "session",
            "location": {
                "latitude_micro": 47_376_900,
                "longitude_micro": -8_540_000,
                "accuracy_m": 25,
                "country": "CH",
                "region": "Z\u00fcrich",
                "city": "Z\u00fcrich",
            },
            "score_micro": 876_543,
            "attributes": {
                "flag": True,
                "count": -5,
                "digest": b"\x01\x02",
                "text": "\u2028",
                "moment": "2025-12-31T23:00:00.000000Z",
            },
        },
        shift=254,
    ),
    Case(
        name="failure to acquire, address of version 4",
        event=Event(
            id=_id(3),
            action="login",
            decision="denied",
            actor="ann",
            modality="face",
            reason="no_face",
            context=Context(ip="192.0.2.7"),
            occurred=_OCCURRED,
        ),
        subject=None,
        salt=b"\xff" * 32,
        content={
            "id": _id(3).bytes,
            "action": "login",
            "decision": "denied",
            "outcome": "failure",
            "modality": "face",
            "reason": "no_face",
            "occurred": _OCCURRED_TEXT,
            "provenance": {"ip": "client_claimed"},
        },
        fields={"actor": {"id": "ann", "kind": "user"}, "ip": bytes([192, 0, 2, 7])},
        shift=2**32 - 3,
    ),
)

OTHER_BODIES: tuple[dict[str, Any], ...] = (
    {
        "event": {
            "id": bytes(range(16)),
            "action": "door.open",
            "reason": "match",
            "outcome": "success",
            "decision": "granted",
            "modality": "face",
            "occurred": RECORDED,
            "subject": bytes(16),
            "actor": b"\xff" * 16,
            "payload": bytes(32),
            "ip": bytes([192, 0, 2, 7]),
            "device_id": "gate 7",
            "session_id": "s",
            "user_agent": "agent\t1",
            "score_micro": -1,
            "attributes": {"a": 1, "b": b"", "c": False},
            "location": {
                "latitude_micro": 1,
                "longitude_micro": -1,
                "accuracy_m": 0,
                "country": "CH",
                "region": "x",
                "city": "x",
            },
        }
    },
    {"genesis": {"format": "biotrail/1", "origin": "biotrail.example/log1", "key": _KEY}},
    {
        "genesis": {
            "format": "biotrail/1",
            "origin": "biotrail.example/log1",
            "key": _KEY,
            "next": bytes(range(32)),
        }
    },
    {"key_added": {"key": _KEY, "purpose": "writer"}},
    {"key_added": {"key": _KEY, "purpose": "rotation", "next": bytes(32)}},
    {"key_retired": {"key": _KEY, "reason": "host.lost"}},
    {"key_compromised": {"key": _KEY, "since": 0, "reason": "host.stolen"}},
    {"log_started": {"writer": bytes(8), "software": "biotrail 0.1.0"}},
    {"log_stopped": {"writer": bytes(8)}},
    {"log_gap": {"writer": bytes(8), "since": RECORDED, "until": RECORDED, "reason": "disk full"}},
    {
        "log_gap": {
            "writer": bytes(8),
            "since": RECORDED,
            "until": RECORDED,
            "reason": "x",
            "lost": 0,
        }
    },
    {
        "subject_erased": {
            "id": bytes(range(16)),
            "references": [bytes(16), b"\xff" * 16],
            "fingerprints": [bytes(32)],
            "reason": "request of the person",
            "legal_basis": "GDPR Art. 17(1)(b)",
            "through": 300,
            "payloads": 7,
            "requested": RECORDED,
            "beyond": ["backups until 2027-01", "SIEM"],
        }
    },
    {
        "subject_erased": {
            "id": bytes(16),
            "references": [bytes(16)],
            "fingerprints": [],
            "reason": "x",
            "legal_basis": "x",
            "through": 0,
            "payloads": 0,
            "requested": RECORDED,
        }
    },
    {
        "hold_placed": {
            "id": bytes(16),
            "references": [bytes(16)],
            "reason": "a lawsuit",
            "until": RECORDED,
        }
    },
    {"hold_placed": {"id": bytes(16), "references": [bytes(16)], "reason": "x"}},
    {"hold_released": {"id": bytes(16), "reason": "settled"}},
    {"log_read": {"rows": 0, "route": "GET /v1/keys", "reader": bytes(16), "purpose": "audit"}},
    {
        "log_read": {
            "rows": 50,
            "event": bytes(16),
            "route": "GET /v1/records",
            "reader": bytes(16),
            "tenant": "north",
            "purpose": "incident",
            "revealed": ["ip", "subject"],
        }
    },
    {
        "retention_applied": {
            "id": bytes(16),
            "policy": bytes(32),
            "rules": [
                {"before": RECORDED},
                {
                    "before": RECORDED,
                    "action": "door.open",
                    "tenant": "north",
                    "outcome": "success",
                    "modality": "face",
                },
            ],
            "payloads": 12,
            "held": 1,
        }
    },
    {"configuration_changed": {"setting": "personal_fields", "digest": bytes(32)}},
    {
        "configuration_changed": {
            "setting": "personal_fields",
            "digest": bytes(32),
            "before": b"\x01" * 32,
        }
    },
)

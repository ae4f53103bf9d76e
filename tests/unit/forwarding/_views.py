"""Records to be forwarded: a full event, sealed ones, erased ones, and entries of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import biotrail
from biotrail.canonical import format_time, frame_entry
from biotrail.canonical.entry import encode_body
from biotrail.forwarding.view import Place, RecordView
from biotrail.query import Record, RecordReader
from biotrail.stores import MemoryStore
from biotrail.tlog import unverified_checkpoint
from biotrail.vault import Vault
from tests.unit.query._logs import ORIGIN, START, event, sealed_log

OCCURRED = datetime(2026, 11, 23, 11, 59, 58, 123456, tzinfo=UTC)
PLACE = Place(ORIGIN, 12, bytes(32))


def full_event(**changes: Any) -> biotrail.Event:
    """An event with every field."""
    fields: dict[str, Any] = {
        "id": UUID(int=7),
        "action": "door.open",
        "decision": "denied",
        "reason": "non_match",
        "target": "server room",
        "modality": "face",
        "factors": ["badge", "pin"],
        "subject": biotrail.Subject(id="ada", name="Ada L."),
        "actor": biotrail.Actor(id="kiosk-1", kind="device"),
        "tenant": "acme",
        "comparison": biotrail.Comparison(
            matcher="example-face",
            version="1.0",
            decision="non_match",
            score=0.25,
            threshold=0.6,
            presentation_attack="bona_fide",
        ),
        "context": biotrail.Context(
            ip="192.0.2.7",
            device_id="reader-1",
            device_model="Gate 3",
            os="Android 16",
            user_agent="kiosk/1",
            location=biotrail.Location(latitude=52.52, longitude=13.405, country="DE"),
            session_id="s-1",
            request_id="r-1",
            trace_id="t-1",
            provenance={"ip": "observed"},
        ),
        "attributes": {"badge": "b-1"},
        "labels": {"floor": 3},
        "occurred": OCCURRED,
    }
    return biotrail.Event(**{**fields, **changes})


def view_of(
    one: biotrail.Event | None = None, *, opened: bool = True, **changes: Any
) -> RecordView:
    """An event as recorded in a sealed log and read back, with its vault or without."""
    store, vault = sealed_log([full_event(**changes) if one is None else one])
    return views(store, vault if opened else None)[-1]


def views(store: MemoryStore, vault: Vault | None) -> list[RecordView]:
    """All records of a log."""
    reader = RecordReader(store, vault=vault)
    head = store.head()
    assert head is not None
    checkpoint = unverified_checkpoint(head.checkpoint)
    place = Place(reader.origin, checkpoint.size, checkpoint.root)
    return [RecordView(one, place) for one in reader.records()]


def entry_of(kind: str, content: dict[str, Any]) -> RecordView:
    """An entry of another kind, framed as the log would."""
    moment = format_time(START + timedelta(seconds=1))
    data = frame_entry(3, bytes(32), moment, encode_body(kind, content))
    return RecordView(Record(3, data), PLACE)


_TIME = "2026-11-23T11:34:00.123456Z"
OTHERS: dict[str, dict[str, Any]] = {
    "genesis": {"format": "biotrail/1", "origin": ORIGIN, "key": "k"},
    "log_started": {"writer": bytes(8), "software": "biotrail 0.1.0"},
    "log_stopped": {"writer": bytes(8)},
    "log_gap": {"writer": bytes(8), "since": _TIME, "until": _TIME, "reason": "disk full"},
    "key_added": {"key": "k", "purpose": "rotation"},
    "key_retired": {"key": "k", "reason": "old"},
    "key_compromised": {"key": "k", "since": 2, "reason": "theft"},
    "configuration_changed": {"setting": "policy", "digest": bytes(32)},
    "subject_erased": {
        "id": bytes(16),
        "reason": "request",
        "through": 2,
        "payloads": 1,
        "requested": _TIME,
        "references": [bytes(16)],
        "legal_basis": "GDPR 17",
        "fingerprints": [],
    },
    "retention_applied": {
        "id": bytes(16),
        "rules": [{"before": _TIME}],
        "policy": bytes(32),
        "payloads": 1,
    },
    "hold_placed": {"id": bytes(16), "reason": "court", "references": [bytes(16)]},
    "hold_released": {"id": bytes(16), "reason": "court"},
    "log_read": {"rows": 3, "route": "/records", "reader": bytes(16), "purpose": "audit"},
}
"""A content for each kind of entry beside events."""

__all__ = ["OTHERS", "PLACE", "entry_of", "event", "full_event", "view_of", "views"]

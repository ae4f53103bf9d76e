"""The example log of the specification, its rows as JSON, and logs that are written by hand.

The JSON form of a log is described in ``docs/spec/vectors.md``: the rows of the SQLite file, bytes
in hex, microseconds as decimal text.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from biotrail import (
    Actor,
    AuditLogger,
    Comparison,
    Context,
    Ed25519Signer,
    Event,
    Location,
    SQLiteStore,
    Subject,
    VerifierKey,
)
from biotrail.audit.prepare import prepare_other
from biotrail.events import new_event_id

ORIGIN = "biotrail.example/front-door"
BEGIN = datetime(2026, 11, 23, 11, 34, 0, 123456, UTC)
SEEDS = {name: hashlib.sha256(f"biotrail test key {name}".encode()).digest() for name in "ABCDWX"}
"""A, B, C follow on each other, W is a second writer; D and X are never admitted."""

BYTES = ("entry", "event_id", "subject", "actor", "device", "ip")
SEALED_COLUMNS = ["idx", "payload", "subject", "actor", "device", "ip"]
MOMENTS = ("recorded", "occurred")
COLUMNS = [
    "idx",
    "entry",
    "checkpoint",
    "kind",
    "recorded",
    "event_id",
    "occurred",
    "action",
    "target",
    "modality",
    "decision",
    "outcome",
    "reason",
    "tenant",
    "matcher",
    "subject",
]


def signer(name: str, *, origin: str = ORIGIN) -> Ed25519Signer:
    """Return the signer of a test key."""
    return Ed25519Signer.from_seed(origin, SEEDS[name])


def verifier_key(name: str) -> VerifierKey:
    """Return the public half of a test key."""
    return signer(name).verifier_key


def clock() -> Callable[[], datetime]:
    """Return a clock that goes on by 1.5 seconds at each look."""
    looks = iter(range(10**6))
    return lambda: BEGIN + next(looks) * timedelta(seconds=1.5)


def randomness() -> Callable[[int], bytes]:
    """Return a source of bytes that are the same in every run."""
    calls = iter(range(10**6))
    return lambda size: hashlib.sha256(b"biotrail test bytes %d" % next(calls)).digest()[:size]


def event(number: int, **fields: Any) -> Event:
    """Return an event with an id and a time of its own."""
    occurred = BEGIN + timedelta(seconds=0.5 * number)
    seed = hashlib.sha256(b"biotrail test event %d" % number).digest()
    milliseconds = int(occurred.timestamp() * 1000)
    fields.setdefault("action", "door.open")
    return Event(
        id=new_event_id(milliseconds=milliseconds, randomness=seed[:10]),
        occurred=occurred,
        **fields,
    )


def face(decision: str, score: float, **more: Any) -> Comparison:
    """Return a comparison of faces."""
    return Comparison(
        matcher="face-landmarks",
        version="1.2.0",
        decision=decision,
        score=score,
        threshold=0.62,
        **more,
    )


PLACE = Location(
    latitude=47.376888,
    longitude=8.541694,
    accuracy_m=25,
    country="CH",
    region="Zürich",
    city="Zürich",
)


def write_example(path: Path) -> None:
    """Write the example log to a SQLite file."""
    now, random = clock(), randomness()
    with AuditLogger(
        SQLiteStore(path),
        signer("A"),
        next_key_digest=verifier_key("B").digest(),
        clock=now,
        randomness=random,
    ) as log:
        _write_first_part(log)
        log.admit_writer(verifier_key("W"))
        with AuditLogger(
            SQLiteStore(path),
            signer("W"),
            trusted=[verifier_key("A")],
            clock=now,
            randomness=random,
        ) as other:
            other.record(event(7, decision="granted", modality="iris", reason="match"))
        log.rotate_key(signer("B"), next_key_digest=verifier_key("C").digest())
        _write_last_part(log)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


def _write_first_part(log: AuditLogger) -> None:
    anna = Subject(id="anna", name="Anna Beispiel")
    log.record(
        event(
            1,
            decision="granted",
            subject=anna,
            target="door-1",
            modality="face",
            reason="match",
            comparison=face("match", 0.871234, type="verification"),
            context=Context(ip="192.0.2.7", provenance={"ip": "observed"}),
        )
    )
    denied = face("non_match", 0.104, type="verification")
    log.record_many(
        [
            event(2, decision="denied", subject=anna, modality="face", comparison=denied,
                  reason="non_match", target="door-1"),
            event(3, decision="denied", modality="face", reason="no_face", target="door-1"),
        ]
    )  # fmt: skip
    log.record(event(4, decision="granted", factors=["badge", "pin"], reason="other_factor"))
    values = {
        "text": "Grüße, 東京, 🚪",
        "number": -7,
        "large": 2**63 - 1,
        "yes": True,
        "no": False,
        "bytes": bytes(range(8)),
        "time": BEGIN,
        "schlüssel": "name with an umlaut",
    }
    log.record(
        event(5, decision="granted", modality="fingerprint", reason="match", action="tür.öffnen",
              actor=Actor(id="robot-7", kind="device", name="Lieferbote №7"), labels=values,
              attributes=values)
    )  # fmt: skip


def _write_last_part(log: AuditLogger) -> None:
    comparison = Comparison(
        matcher="voice",
        version="3",
        decision="undetermined",
        score=-0.5,
        threshold=0.0,
        digest=hashlib.sha256(b"model card").digest(),
        metric="log-likelihood ratio",
        type="identification",
        calibration="2026-10",
        quality=0.75,
        presentation_attack="undetermined",
        reference="reference-12",
        gallery="staff-2026-11",
        gallery_size=4096,
    )
    context = Context(
        ip="2001:db8::7",
        device_id="device-3",
        device_model="Kiosk 5",
        os="Linux 6.1",
        user_agent="kiosk/5.0\t(test)",
        location=PLACE,
        session_id="session-9",
        request_id="request-9",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        provenance={"ip": "proxy_asserted", "location": "attested", "os": "observed"},
    )
    log.record(
        event(10, decision="denied", outcome="unknown", actor="anna", subject="anna",
              target="vault", tenant="north", modality="voice", factors=["password"],
              comparison=comparison, context=context, reason="undetermined",
              attributes={"visit": 3}, labels={"gate": "2"})
    )  # fmt: skip
    attack = Comparison(
        matcher="face-landmarks", version="1.2.0", decision="match", presentation_attack="attack"
    )
    log.record_many(
        [
            event(11, decision="denied", subject="ben", tenant="north", modality="face",
                  reason="presentation_attack", comparison=attack),
            event(12, decision="denied", subject="anna", reason="host.closed", outcome="failure"),
            event(13, action="a", decision="denied"),
        ]
    )  # fmt: skip
    log.retire_key(verifier_key("W"), "the second writer was taken down")
    own = hashlib.sha256(b"writer").digest()[:8]
    since, until = "2026-11-23T11:40:00.000000Z", "2026-11-23T11:41:30.500000Z"
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        ("log_started", {"writer": own, "software": "biotrail 0.1.0"}),
        ("log_gap", {"writer": own, "since": since, "until": until, "lost": 2, "reason": "full"}),
        ("log_stopped", {"writer": own}),
        (
            "log_read",
            {
                "rows": 3,
                "event": bytes(16),
                "route": "GET /v1/records",
                "tenant": "north",
                "reader": own * 2,
                "purpose": "review",
                "revealed": ["subject", "ip"],
            },
        ),
    )
    for kind, content in others:
        log._submit([prepare_other(kind, content)])


# --- rows as JSON ----------------------------------------------------------------------------


def _as_json(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if name in MOMENTS and value is not None else value


def _from_json(name: str, value: Any) -> Any:
    if value is not None and name in (*BYTES, "payload", "hashes", "reference"):
        return bytes.fromhex(value)
    return int(value) if name in MOMENTS and value is not None else value


def _rows(connection: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[Any]:
    order = {"tiles": "level, idx", "subjects": "tenant, identity, reference"}.get(table, "idx")
    for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):
        yield {name: _as_json(name, value) for name, value in zip(columns, row, strict=True)}


def export(path: Path) -> dict[str, Any]:
    """Return the rows of a log's file in their JSON form."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            "head": connection.execute("SELECT size FROM head").fetchone()[0],
            "entries": list(_rows(connection, "entries", COLUMNS)),
            "payloads": list(_rows(connection, "payloads", ["idx", "payload"])),
            "sealed": list(_rows(connection, "sealed", SEALED_COLUMNS)),
            "tiles": list(_rows(connection, "tiles", ["level", "idx", "hashes"])),
            "subjects": list(_rows(connection, "subjects", ["tenant", "identity", "reference"])),
        }


def write_rows(path: Path, log: dict[str, Any]) -> None:
    """Write a log in its JSON form to a new SQLite file, whatever it says."""
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute("UPDATE head SET size = ? WHERE ? > 0", (log["head"], log["head"]))
        for table in ("entries", "payloads", "sealed", "tiles", "subjects"):
            for row in log[table]:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                values = [_from_json(*pair) for pair in row.items()]
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

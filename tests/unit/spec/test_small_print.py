"""Rules of the specification that are easily missed are kept by writer and verifier."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cbor2
import pytest

from biotrail import AuditLogger, Ed25519Signer, Event, MemoryStore, SQLiteStore, verify_log
from biotrail.audit.prepare import Prepared
from biotrail.canonical import decode_payload
from biotrail.canonical.quick import is_plainly_canonical_event
from biotrail.errors import (
    AlteredError,
    CanonicalError,
    InsertedError,
    MalformedError,
    NotRecordedError,
)
from biotrail.signing import VerifierKey
from biotrail.trust import KeyHistory

ORIGIN = "biotrail.example/front-door"


def signer(number: int) -> Ed25519Signer:
    """Return the signer of a seed of one repeated byte."""
    return Ed25519Signer.from_seed(ORIGIN, bytes([number]) * 32)


def test_a_key_that_is_admitted_twice_does_not_spoil_the_log() -> None:
    """The second admission is refused before it is written, and the log goes on."""
    store = MemoryStore()
    log = AuditLogger(store, signer(1))
    log.admit_writer(signer(2).verifier_key)
    with pytest.raises(NotRecordedError, match="added twice"):
        log.admit_writer(signer(2).verifier_key)
    log.record(Event(action="door.open", decision="denied"))
    assert verify_log(store, log.verifier_key).size == 3


def test_an_unknown_key_that_is_retired_does_not_spoil_the_log() -> None:
    """The retirement is refused before it is written, and the log goes on."""
    store = MemoryStore()
    log = AuditLogger(store, signer(1))
    with pytest.raises(NotRecordedError, match="retires a key"):
        log.retire_key(signer(2).verifier_key, "never there")
    log.record(Event(action="door.open", decision="denied"))
    assert verify_log(store, log.verifier_key).size == 2


def test_keys_of_a_log_have_key_ids_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second key with the key id of a first is refused: signature lines name key ids only."""
    monkeypatch.setattr("biotrail.signing.keys._key_id", lambda *_: b"same")
    keys = KeyHistory(ORIGIN)
    first, second = (VerifierKey.from_public(ORIGIN, signer(n).verifier_key.public) for n in (1, 2))
    keys.apply(0, "genesis", {"format": "biotrail/1", "origin": ORIGIN, "key": str(first)})
    with pytest.raises(MalformedError, match="another key has the key id"):
        keys.apply(1, "key_added", {"key": str(second), "purpose": "writer"})


def test_true_is_not_the_version_of_a_payload() -> None:
    """A payload whose version is true instead of 1 is refused."""
    payload = b"\x83\x01\x58\x20" + bytes(32) + b"\xa1\x62ip\x44" + bytes(4)
    assert decode_payload(payload).fields == {"ip": bytes(4)}
    with pytest.raises(CanonicalError, match="version 1"):
        decode_payload(payload.replace(b"\x83\x01", b"\x83\xf5"))


def test_the_quick_check_leaves_big_numbers_to_the_general_one() -> None:
    """A number beyond 64 bits, which CBOR writes as a tag, is not plainly canonical."""
    content = {
        "id": bytes(16),
        "action": "a",
        "labels": {"n": 1},
        "reason": "match",
        "outcome": "success",
        "decision": "granted",
        "modality": "face",
        "occurred": "2026-11-23T11:34:00.123456Z",
    }
    assert is_plainly_canonical_event(cbor2.dumps({"event": content}))
    content["labels"] = {"n": 2**64}
    assert not is_plainly_canonical_event(cbor2.dumps({"event": content}))


@pytest.mark.parametrize(
    "hide",
    [
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (-1, x'00', 'event', 0)",
        "INSERT INTO payloads (idx, payload) VALUES (-1, x'00')",
    ],
)
def test_rows_before_the_first_are_found(hide: str, tmp_path: Path) -> None:
    """A row with a negative index, which no reader asks for, is found by the check of the file."""
    path = tmp_path / "log.db"
    with AuditLogger(SQLiteStore(path), signer(1)) as log:
        key = log.verifier_key
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute(hide)
    connection.close()
    with pytest.raises(AlteredError, match="structure is damaged"):
        verify_log(path, key)


def test_a_malformed_entry_about_keys_gets_a_verdict() -> None:
    """Bytes that begin like an entry about keys, signed by a key in force, are malformed."""
    store = MemoryStore()
    log = AuditLogger(store, signer(1))
    body = b"\xa1\x69key_added\xa1\x61x\x01"
    log._submit([Prepared("event", body)])
    with pytest.raises(MalformedError) as caught:
        verify_log(store, log.verifier_key, payloads=False, lookups=False)
    assert caught.value.index == 1


def test_a_tile_of_a_negative_level_gets_a_verdict(tmp_path: Path) -> None:
    """A tile row that is nowhere in the tree is named, and not stumbled over."""
    path = tmp_path / "log.db"
    with AuditLogger(SQLiteStore(path), signer(1)) as log:
        key = log.verifier_key
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute("INSERT INTO tiles (level, idx, hashes) VALUES (-2, 0, x'00')")
    connection.close()
    with pytest.raises(InsertedError):
        verify_log(path, key)

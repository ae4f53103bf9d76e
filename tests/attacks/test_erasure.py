"""Attacks on erasure: destroying without saying so, saying so without right, undoing it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import RetentionPolicy, RetentionRule
from biotrail.canonical import decode_entry, encode_body, encode_sealed
from biotrail.canonical.sealed import SealedPart, decode_sealed
from biotrail.errors import (
    AlteredError,
    DestroyedKeyError,
    LegalHoldError,
    MalformedError,
    MissingError,
    NotRecordedError,
    ProofError,
    SignatureError,
    VerificationError,
)
from biotrail.stores import SQLiteReader
from biotrail.testing import copy_log, tampering
from biotrail.verify.certificate import verify_certificate
from tests.unit.audit._vaulted import ORIGIN, WHY, event, key, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log in which Anna was erased and Ben was not."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        log.record_many([event("anna"), event("ben"), event("ben")])
        log.erase("anna", **WHY)
    return path


def _rows(path: Path) -> dict[int, bytes]:
    with closing(SQLiteReader(path)) as reader:
        return dict(reader.payloads(0, 99))


def _remains(data: bytes, *, owners: tuple[int, ...] = (1, 2)) -> bytes:
    return encode_sealed(
        [
            one.remnant() if isinstance(one, SealedPart) and one.owner in owners else one
            for one in decode_sealed(data)
        ]
    )


def _destroy_subject(log: biotrail.AuditLogger, index: int) -> None:
    """Destroy the subject's part of a record, and say nothing."""
    store = log.erasures.store
    remains = _remains(store.payloads_at([index])[index], owners=(1,))
    store.replace_payloads([(index, remains, True)])


@pytest.mark.parametrize("how", ["remnant", "row"])
def test_destroyed_without_a_tombstone_is_missing(path: Path, how: str) -> None:
    """Ben's payload, made to look like an erased one or taken away, is missing, not erased."""
    rows = _rows(path)
    index = max(rows)
    with tampering(path) as connection:
        if how == "remnant":
            change = "UPDATE sealed SET payload = ? WHERE idx = ?"
            connection.execute(change, (_remains(rows[index]), index))
        else:
            connection.execute("DELETE FROM sealed WHERE idx = ?", (index,))
    with pytest.raises(MissingError) as caught:
        biotrail.verify_log(path, key())
    assert caught.value.index == index


def test_a_tombstone_excuses_nothing_that_comes_after_it(tmp_path: Path) -> None:
    """Payloads of records after a tombstone are missing, though it names their reference."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        log.record(event("ben"))
        (reference,) = log.erasures.people.references("", "ben")
        content: dict[str, Any] = {
            "id": bytes(16),
            "references": [reference],
            "fingerprints": [],
            "reason": "subject_request",
            "legal_basis": "beforehand",
            "through": 99,
            "payloads": 0,
            "requested": "2026-01-01T00:00:00.000000Z",
        }
        log._write("subject_erased", content)
        index = log.record(event("ben")).index
        data = log.erasures.store.payloads_at([index])[index]
        log.erasures.store.replace_payloads([(index, _remains(data), True)])
    with pytest.raises(MissingError) as caught:
        biotrail.verify_log(path, key())
    assert caught.value.index == index


def test_a_tombstone_excuses_nothing_from_its_fence_on(tmp_path: Path) -> None:
    """What was recorded between fence and tombstone and is gone, is missing."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        first = log.record(event("ben")).index
        (reference,) = log.erasures.people.references("", "ben")
        index = log.record(event("ben")).index
        content = {**_tombstone_of(reference), "through": index}
        log._write("subject_erased", content)
        for one in (first, index):
            _destroy_subject(log, one)
    with pytest.raises(MissingError) as caught:
        biotrail.verify_log(path, key())
    assert caught.value.index == index


def _tombstone_of(reference: bytes) -> dict[str, Any]:
    """What a thief would have a tombstone say."""
    return {
        "id": bytes(16),
        "references": [reference],
        "fingerprints": [],
        "reason": "subject_request",
        "legal_basis": "none",
        "through": 99,
        "payloads": 1,
        "requested": "2026-01-01T00:00:00.000000Z",
    }


def robbed(path: Path) -> None:
    """A log whose signing key was stolen, and used to destroy a record of Ben, as it says."""
    following = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([2]) * 32)
    with opened(path, next_key_digest=following.verifier_key.digest()) as log:
        log.record_many([event("anna"), event("ben"), event("ben")])
        log.erase("anna", **WHY)
        since = log.checkpoint().size
        store = log.erasures.store
        (reference,) = log.erasures.people.references("", "ben")
        log._write("subject_erased", _tombstone_of(reference))
        _destroy_subject(log, next(store.sealed_of(reference, 0, 99)))
        log.report_compromise(key(), since=since, reason="stolen", following=following)


def test_a_thiefs_tombstone_is_not_called_an_erasure(tmp_path: Path) -> None:
    """What is gone as only a stolen key says is counted apart, and what it left is not overdue."""
    path = tmp_path / "log.db"
    robbed(path)
    found = biotrail.verify_log(path, key())
    assert found.affected
    assert (found.erased, found.disbelieved, found.overdue) == (1, 1, 0)


def test_a_thiefs_retention_is_not_called_one(tmp_path: Path) -> None:
    """The same of a retention that a thief recorded; whom the owner had erased stays erased."""
    path = tmp_path / "log.db"
    following = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([2]) * 32)
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    digest = following.verifier_key.digest()
    with opened(path, next_key_digest=digest, clock=lambda: now[0]) as log:
        log.record_many([event("anna"), event("ben")])
        log.erase("anna", **WHY)
        since = log.checkpoint().size
        now[0] += timedelta(days=2)
        log.apply_retention(RetentionPolicy([RetentionRule(keep=timedelta(days=1))]))
        log.report_compromise(key(), since=since, reason="stolen", following=following)
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.retained, found.disbelieved) == (1, 0, 3)


def test_a_forged_tombstone_is_found(path: Path) -> None:
    """A tombstone that is made to name another reference does not fit chain, tree and signature."""
    with closing(SQLiteReader(path)) as reader:
        (index,) = [i for i, one in reader.lookups(0, 99) if one.kind == "subject_erased"]
        data = reader.entries_at([index])[index]
        ben = reader.entries_at([index - 1])[index - 1]
    content: Any = decode_entry(data).content
    forged = {**content, "references": [decode_entry(ben).content["subject"]]}
    body = encode_body("subject_erased", content)
    changed = data.replace(body, encode_body("subject_erased", forged))
    assert changed != data
    with tampering(path) as connection:
        connection.execute("UPDATE entries SET entry = ? WHERE idx = ?", (changed, index))
    with pytest.raises(VerificationError):
        biotrail.verify_log(path, key())


def test_a_tombstone_that_is_hidden_by_a_column(path: Path) -> None:
    """A tombstone that a column makes look like an event is found out."""
    with tampering(path) as connection:
        connection.execute("UPDATE entries SET kind = 'event' WHERE kind = 'subject_erased'")
    with pytest.raises(VerificationError):
        biotrail.verify_log(path, key())


def test_keys_that_were_put_back_are_refused(tmp_path: Path) -> None:
    """A wrapped key and an identity row out of a backup are refused, since the tombstone knows."""
    path, backup = tmp_path / "log.db", tmp_path / "backup.db"
    with opened(path) as log:
        log.record(event("anna"))
        copy_log(path, backup)
        log.erase("anna", **WHY)
    Path(f"{path}.erasures").unlink()
    with closing(SQLiteReader(backup)) as old:
        keys = [key for _, key in old.data_keys_after(0, 99)]
        rows = list(old._rows("SELECT identity, reference FROM subjects"))
    with tampering(path) as connection:
        connection.execute("DELETE FROM subjects")
        connection.execute("DELETE FROM data_keys")
        connection.execute("DELETE FROM fence_references")
        connection.execute("DELETE FROM fences")
        for identity, reference in rows:
            connection.execute("INSERT INTO subjects VALUES ('', ?, ?)", (identity, reference))
        for one in keys:
            connection.execute(
                "INSERT INTO data_keys (reference, key_id, wrapped, fingerprint) "
                "VALUES (?, ?, ?, ?)",
                one,
            )
    with opened(path) as log:
        with pytest.raises(NotRecordedError) as caught:
            log.record(event("anna"))
        assert isinstance(caught.value.__cause__, DestroyedKeyError)


def test_a_hold_is_not_lifted_by_columns(tmp_path: Path) -> None:
    """Look-up columns that name a hold otherwise, or give it to somebody else, change nothing."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        log.record(event("anna"))
        log.place_hold("anna", reason="litigation")
    with tampering(path) as connection:
        connection.execute(
            "UPDATE entries SET kind = 'hold_released', subject = zeroblob(16)"
            " WHERE kind = 'hold_placed'"
        )
    with opened(path) as log, pytest.raises(LegalHoldError):
        log.erase("anna", **WHY)


def test_certificates_that_are_forged(path: Path) -> None:
    """Another text, entry, proof or key under a certificate is refused, each for its reason."""
    with opened(path) as log:
        log.record(event("eve"))
        good = log.erase("eve", **WHY).encode()
        other = log.prove(1).encode()
    text, proof = good.split(b"c2sp.org", 1)
    proof = b"c2sp.org" + proof
    verify_certificate(good, key())
    with pytest.raises(AlteredError):
        verify_certificate(
            good.replace(b"payload parts         1", b"payload parts         9"), key()
        )
    with pytest.raises(AlteredError):
        verify_certificate(text + b"and much more\n" + proof, key())
    with pytest.raises(MalformedError):
        verify_certificate(text + other, key())
    with pytest.raises(MalformedError):
        verify_certificate(proof, key())
    stranger = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([1]) * 32).verifier_key
    with pytest.raises(SignatureError):
        verify_certificate(good, str(stranger))
    lines = proof.split(b"\n")
    lines[3] = lines[4]
    with pytest.raises((ProofError, MalformedError)):
        verify_certificate(text + b"\n".join(lines), key())

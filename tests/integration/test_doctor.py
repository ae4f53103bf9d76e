"""Backups that bring back what was erased: refused, and erased again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import (
    AuditLogger,
    ErasureCertificate,
    RetentionPolicy,
    RetentionRule,
    examine,
    read_certificate,
)
from biotrail.audit.ledger import ErasureLedger
from biotrail.errors import AlteredError, DestroyedKeyError, MalformedError, NotRecordedError
from biotrail.stores import MemoryStore, SQLiteStore
from biotrail.testing import copy_log
from tests.unit.audit._vaulted import ORIGIN, WHY, event, key, opened


class Restored:
    """A log whose backup, of before an erasure, was restored over it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.db"
        backup = folder / "backup.db"
        with opened(self.path) as log:
            log.record_many([event("anna"), event("ben"), event("anna")])
            copy_log(self.path, backup)
            self.certificate = log.erase("anna", **WHY)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        backup.rename(self.path)
        self.ledger = Path(f"{self.path}.erasures")

    def check_erased(self) -> None:
        found = biotrail.verify_log(self.path, key())
        assert (found.erased, found.overdue) == (2, 0)


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[Restored]:
    """Such a log."""
    return Restored(tmp_path)  # type: ignore[return-value]


def test_a_key_that_is_back_is_refused(restored: Restored) -> None:
    """With the ledger beside it the log refuses the key: for new records, and for old ones."""
    with opened(restored.path) as log:
        with pytest.raises(NotRecordedError) as caught:
            log.record(event("anna"))
        assert isinstance(caught.value.__cause__, DestroyedKeyError)
        log.record(event("ben"))


def test_the_doctor_replays_erasures(restored: Restored) -> None:
    """What came back is destroyed, with a new tombstone; after that all is as it was."""
    with opened(restored.path) as log:
        found = examine(log)
        assert [one.erasure for one in found.replayed] == [restored.certificate.erasure]
        assert found.is_well
        assert found.replayed[0].payloads == 2
        log.record(event("anna"))
        again = examine(log)
        assert (again.replayed, again.known, again.destroyed) == ((), 1, 0)
    restored.check_erased()
    assert len(restored.ledger.read_text().splitlines()) == 2


def test_a_certificate_does_where_the_ledger_is_lost(restored: Restored) -> None:
    """Without the ledger a certificate tells the doctor what to erase."""
    restored.ledger.unlink()
    data = restored.certificate.encode()
    with opened(restored.path) as log:
        log.record(event("anna"))  # nobody knows better
        found = examine(log, certificates=[read_certificate(data)])
        assert len(found.replayed) == 1
        assert found.replayed[0].payloads == 3


def test_what_is_not_proven_is_not_believed(restored: Restored, tmp_path: Path) -> None:
    """A certificate that another key signed, or of another log, destroys nothing."""
    restored.ledger.unlink()
    stranger = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([9]) * 32)
    with opened(restored.path) as log:
        reference = log.erasures.people.references("", "ben")[0]
        forged = _forged(stranger, reference)
        found = examine(log, certificates=[forged])
        assert found.replayed == ()
        assert len(found.refused) == 1
        assert not found.is_well
        assert log.erasures.store.fences() == []
        # Unless whoever runs the doctor trusts the key.
        found = examine(log, certificates=[forged], trusted=[str(stranger.verifier_key)])
        assert len(found.replayed) == 1


def _forged(signer: Any, reference: bytes, *, name: bytes = bytes(16)) -> ErasureCertificate:
    """A certificate from a log of the same name under another key."""
    with AuditLogger(MemoryStore(), signer) as log:
        content = {**_content(reference), "id": name}
        return ErasureCertificate.of(log.prove(log._write("subject_erased", content).index))


def _content(reference: bytes) -> dict[str, Any]:
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


def test_damaged_ledgers(restored: Restored) -> None:
    """A line that a crash cut short is passed over at opening, and named by the doctor."""
    with restored.ledger.open("a") as file:
        file.write('{"erasure": "00", "ind')
    with opened(restored.path) as log:
        found = examine(log)
        assert [one.erasure for one in found.replayed] == [restored.certificate.erasure]
        assert not found.is_well
        assert "cut short" in found.refused[0]
        lines = restored.ledger.read_text().splitlines()
        restored.ledger.write_text(lines[0])
        assert examine(log).is_well
        assert all(json.loads(line) for line in restored.ledger.read_text().splitlines())


def test_a_ledger_is_made_whole_again(tmp_path: Path) -> None:
    """Of an erasure whose line a crash cut there is a whole line after the next opening."""
    path, ledger = tmp_path / "log.db", tmp_path / "log.db.erasures"
    with opened(path) as log:
        log.record(event("anna"))
        certificate = log.erase("anna", **WHY)
    whole = ledger.read_text()
    for size in (1, 20, 46, 60, 200, len(whole) - 3, len(whole) - 2):
        ledger.write_text(whole[:size])
        with opened(path) as log:
            found = examine(log)
        assert found.known == 1
        assert found.is_well == (size >= 46)  # of what is shorter nobody can tell whose it was
        (found_again,) = ErasureLedger(ledger).certificates()
        assert found_again.erasure == certificate.erasure


def test_a_certificate_is_not_hidden_by_a_forged_one(restored: Restored) -> None:
    """A forged certificate of the same erasure is refused, and the good one is replayed."""
    restored.ledger.unlink()
    stranger = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([9]) * 32)
    good = restored.certificate
    forged = _forged(stranger, good.references[0], name=good.erasure)
    for shown in ([good, forged], [forged, good]):
        with opened(restored.path) as log:
            found = examine(log, certificates=shown)
            assert len(found.replayed) + found.known == 1
    restored.check_erased()


def test_what_a_thief_recorded_is_not_destroyed(tmp_path: Path) -> None:
    """By tombstones that a stolen key vouches for, and their proofs, nothing is destroyed."""
    path = tmp_path / "log.db"
    following = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes([2]) * 32)
    with opened(path, next_key_digest=following.verifier_key.digest()) as log:
        log.record_many([event("anna"), event("ben")])
        thiefs = log.erasures.people.references("", "anna")[0]
        since = log.checkpoint().size
        index = log._write("subject_erased", _content(thiefs)).index
        shown = ErasureCertificate.of(log.prove(index))
        log.report_compromise(key(), since=since, reason="stolen", following=following)
        found = examine(log, certificates=[shown])
        assert (found.destroyed, found.known, len(found.refused)) == (0, 0, 2)
        assert found.replayed == ()
    assert biotrail.verify_log(path, key()).sealed == 4


def test_what_came_after_the_fence_is_left(tmp_path: Path) -> None:
    """The doctor destroys nothing that the tombstone does not account for."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        first = log.record(event("anna")).index
        reference = log.erasures.people.references("", "anna")[0]
        log.record(event("anna"))
        log._write("subject_erased", {**_content(reference), "through": first + 1})
        assert examine(log).destroyed == 1
    found = biotrail.verify_log(path, key())
    assert (found.erased, found.sealed, found.overdue) == (1, 3, 0)


def test_the_doctor_ends_a_retention(tmp_path: Path) -> None:
    """What a retention left, as when it was killed, is counted by a verification and destroyed."""
    path, now = tmp_path / "log.db", [datetime(2026, 1, 1, tzinfo=UTC)]
    with opened(path, clock=lambda: now[0]) as log:
        log.record_many([event("anna"), event("ben")])
        now[0] += timedelta(days=2)
        hold = log.place_hold("anna", reason="litigation")
        log.apply_retention(RetentionPolicy([RetentionRule(keep=timedelta(days=1))]))
        assert biotrail.verify_log(path, key()).overdue == 0
        assert examine(log).retained == 0
        log.release_hold(hold.id, reason="ended")
        assert biotrail.verify_log(path, key()).overdue == 1
        assert examine(log).retained == 1
        assert examine(log).retained == 0
    found = biotrail.verify_log(path, key())
    assert (found.retained, found.overdue) == (4, 0)


def test_the_ledger_names_nobody(restored: Restored) -> None:
    """The ledger holds references, fingerprints and proofs, and no name."""
    text = restored.ledger.read_text()
    assert "anna" not in text
    assert restored.certificate.references[0].hex() in text
    assert restored.ledger.stat().st_mode & 0o777 == 0o600


def test_certificates_that_were_altered(restored: Restored) -> None:
    """A certificate whose text was changed is refused before anything is looked up."""
    data = restored.certificate.encode()
    with pytest.raises(AlteredError):
        read_certificate(data.replace(b"subject_request", b"consent_expired"))
    with pytest.raises(MalformedError):
        read_certificate(data[40:])


def test_rows_that_came_back_under_a_tombstone(tmp_path: Path) -> None:
    """Payloads that were put back beside a tombstone are reported, and destroyed again."""
    path = tmp_path / "log.db"
    with opened(path) as log:
        index = log.record(event("anna")).index
        store = log.erasures.store
        assert isinstance(store, SQLiteStore)
        row = store._one("SELECT payload, subject, actor FROM sealed WHERE idx = ?", (index,))
        log.erase("anna", **WHY)
    from biotrail.testing import tampering

    with tampering(path) as connection:
        connection.execute("UPDATE sealed SET payload = ? WHERE idx = ?", (row[0], index))  # type: ignore[index]
    assert biotrail.verify_log(path, key()).overdue == 1
    with opened(path) as log:
        assert examine(log).destroyed == 1
    found = biotrail.verify_log(path, key())
    assert (found.overdue, found.erased) == (0, 1)

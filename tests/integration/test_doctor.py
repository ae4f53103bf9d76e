"""Backups that bring back what was erased: refused, and erased again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import AuditLogger, ErasureCertificate, examine, read_certificate
from biotrail.errors import AlteredError, DestroyedKeyError, MalformedError, NotRecordedError
from biotrail.stores import SQLiteStore
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


def _forged(signer: Any, reference: bytes) -> ErasureCertificate:
    """A certificate from a log of the same name under another key."""
    from biotrail.stores import MemoryStore

    content = {
        "id": bytes(16),
        "references": [reference],
        "fingerprints": [],
        "reason": "subject_request",
        "legal_basis": "none",
        "through": 1,
        "payloads": 1,
        "requested": "2026-01-01T00:00:00.000000Z",
    }
    with AuditLogger(MemoryStore(), signer) as log:
        return ErasureCertificate.of(log.prove(log._write("subject_erased", content).index))


def test_damaged_ledgers(restored: Restored) -> None:
    """A line that a crash cut short is passed over at opening, and named by the doctor."""
    with restored.ledger.open("a") as file:
        file.write('{"erasure": "00", "ind')
    with opened(restored.path) as log:
        with pytest.raises(MalformedError, match="erasures"):
            examine(log)
        lines = restored.ledger.read_text().splitlines()
        restored.ledger.write_text(lines[0])
        assert examine(log).is_well
        assert all(json.loads(line) for line in restored.ledger.read_text().splitlines())


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

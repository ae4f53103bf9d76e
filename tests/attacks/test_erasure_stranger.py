"""A stranger looks for what an erasure left, undoes it by copies, and edits its certificate."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import RetentionPolicy, RetentionRule, examine
from biotrail.errors import BiotrailError, EventError, LegalHoldError, UnknownPersonError
from biotrail.stores import MemoryStore
from biotrail.verify.certificate import verify_certificate
from tests.unit.audit._vaulted import WHY, event, everything, key, opened

SECRET = "zoë.müller-4711@example.org"


def encodings(value: str) -> dict[str, bytes]:
    """A value as it may lie somewhere."""
    data = value.encode()
    return {
        "utf-8": data,
        "decomposed": unicodedata.normalize("NFD", value).encode(),
        "utf-16le": value.encode("utf-16-le"),
        "utf-16be": value.encode("utf-16-be"),
        "hex": data.hex().encode(),
        "HEX": data.hex().upper().encode(),
        # Those groups of three bytes that do not depend on what stands before.
        **{f"base64/{n}": base64.b64encode(bytes(n) + data)[4:-4] for n in range(3)},
        "escaped": value.encode("unicode_escape"),
        "reversed": data[::-1],
    }


def test_no_encoding_of_it_is_left(tmp_path: Path) -> None:
    """In no file beside the log is what was recorded of the person, in any usual encoding."""
    path = tmp_path / "log.db"
    who = biotrail.Subject(id=SECRET, name=f"name {SECRET}")
    context = biotrail.Context(ip="203.0.113.77", device_id=f"device {SECRET}")
    attempt = event("x", subject=who, context=context)
    with opened(path, vault=None) as log:
        log.record(attempt)
    assert encodings(SECRET)["utf-8"] in everything(path)
    with opened(path) as log:
        log.record_many([event("x", subject=who, context=context) for _ in range(30)])
        log.record(event("ben"))
        log.erase(SECRET, **WHY)
        while_open = everything(path)
    for data in (while_open, everything(path)):
        found = [name for name, one in encodings(SECRET).items() if one in data]
        assert found == []
        assert b"203.0.113.77" not in data


def test_one_person_in_two_normal_forms() -> None:
    """Composed and decomposed, an identity, and a tenant, is one: for erasure, hold, retention."""
    composed, apart = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    assert composed != apart
    store, now = MemoryStore(), [datetime(2026, 1, 1, tzinfo=UTC)]
    with opened(store, clock=lambda: now[0]) as log:
        log.record(event(composed, tenant=apart))
        log.record(event(apart, tenant=composed))
        hold = log.place_hold(apart, tenant=composed, reason="litigation")
        with pytest.raises(LegalHoldError):
            log.erase(composed, tenant=apart, **WHY)
        log.release_hold(hold.id, reason="ended")
        with pytest.raises(EventError):
            log.erase(apart, tenant=apart, reason="host.x", legal_basis=f"wish of {composed}")
        assert log.erase(apart, tenant=apart, **WHY).payloads == 2
        log.record(event("ben", tenant=composed))
        now[0] += timedelta(days=2)
        policy = RetentionPolicy([RetentionRule(keep=timedelta(days=1), tenant=apart)])
        assert log.apply_retention(policy).payloads == 4  # the guard's parts too
    assert biotrail.verify_log(store, key()).overdue == 0


def test_tenants_are_not_mixed_up() -> None:
    """Holds and erasures of one tenant do nothing to the same identifier in another."""
    store = MemoryStore()
    with opened(store) as log:
        for tenant in ("east", "west", None):
            log.record(event("anna", tenant=tenant))
        log.place_hold("anna", tenant="east", reason="litigation")
        assert log.erase("anna", tenant="west", **WHY).payloads == 1
        assert log.erase("anna", **WHY).payloads == 1
        with pytest.raises(LegalHoldError):
            log.erase("anna", tenant="east", **WHY)
        with pytest.raises(UnknownPersonError):
            log.erase("anna", tenant="eastwest", **WHY)
        with pytest.raises(EventError):
            log.erase("anna", tenant="", **WHY)
    found = biotrail.verify_log(store, key())
    assert (found.erased, found.sealed) == (2, 4)


def test_every_line_of_a_certificate_counts() -> None:
    """A certificate with another byte anywhere, or a line that is gone or doubled, is refused.

    But for a signature line that stands twice: a signed note may have that, and it says no more.
    """
    with opened(MemoryStore()) as log:
        log.record_many([event("anna"), event("ben")])
        data = log.erase("anna", **WHY, beyond=["backups", "the SIEM"]).encode()
    verify_certificate(data, key())
    lines = data.split(b"\n")
    wrong = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]
    wrong += [b"\n".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines))]
    signature = len(lines) - 2
    wrong += [b"\n".join([*lines[: at + 1], *lines[at:]]) for at in range(signature)]
    wrong += [data[:at] for at in range(0, len(data), 7)]
    wrong += [data + b"\n", b"\n" + data, data.replace(b"\n", b"\r\n"), b"", b"\xff" + data]
    for one in wrong:
        with pytest.raises(BiotrailError):
            verify_certificate(one, key())


def _restore(backup: Path, path: Path) -> None:
    for name in path.parent.glob("log.db*"):
        if name.suffix != ".erasures":
            name.unlink()
    for one in backup.iterdir():
        shutil.copy(one, path.parent / one.name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_copy_with_its_journal_is_put_back_and_the_doctor_killed(tmp_path: Path) -> None:
    """File, -wal and -shm of before are put back; the doctor, killed, ends it the next time."""
    path, backup = tmp_path / "live" / "log.db", tmp_path / "backup"
    path.parent.mkdir()
    backup.mkdir()
    with opened(path) as log:
        log.record_many([event("anna"), event("ben"), event("anna")])
        for one in path.parent.glob("log.db*"):
            shutil.copy(one, backup / one.name)
        log.erase("anna", **WHY)
    assert (backup / "log.db-wal").stat().st_size
    for life in range(10):
        _restore(backup, path)
        child = os.fork()
        if child == 0:
            try:
                with opened(path) as log:
                    examine(log)
            finally:
                os._exit(0)
        time.sleep(0.006 * life)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with opened(path) as log:
            found: Any = examine(log)
            assert found.is_well
            again = examine(log)
            assert (again.replayed, again.destroyed, again.known) == ((), 0, 1)
        proven = biotrail.verify_log(path, key())
        assert (proven.erased, proven.overdue) == (2, 0)
        assert b"device of anna" not in everything(path)


def test_a_clock_that_jumps() -> None:
    """However the clock jumps, a log with erasures, holds and retentions holds, and ends none."""
    store, now = MemoryStore(), [datetime(2026, 1, 1, tzinfo=UTC)]
    policy = RetentionPolicy([RetentionRule(keep=timedelta(days=1_000_000))])
    with opened(store, clock=lambda: now[0]) as log:
        log.record_many([event("anna"), event("ben")])
        assert log.apply_retention(policy).applied is None  # older than any calendar
        hold = log.place_hold("ben", reason="litigation", until=now[0] + timedelta(days=9))
        now[0] -= timedelta(days=3_000)
        log.erase("anna", **WHY)
        with pytest.raises(LegalHoldError):
            log.erase("ben", **WHY)
        assert log.apply_retention(RetentionPolicy([RetentionRule(keep=timedelta(1))])).held == 0
        log.release_hold(hold.id, reason="ended")
        now[0] += timedelta(days=6_000)
        log.erase("ben", **WHY)
    found = biotrail.verify_log(store, key())
    assert (found.erased, found.sealed, found.overdue) == (2, 2, 0)

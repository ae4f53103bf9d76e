"""Logins whose log cannot be written: a full disk, a disk that may only be read, a wrong clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from biotrail import AuditLogger, open_records, verify_log
from biotrail.middleware.guard import LogSource
from biotrail.signing import Ed25519Signer
from biotrail.stores import MemoryStore, SQLiteStore
from tests.faults._mounts import Mounts, fill, mounted
from tests.unit.middleware._trail import SECRET
from tests.unit.middleware.test_doors import made

__all__ = ["mounted"]
pytestmark = pytest.mark.component("middleware")
FRAMEWORKS = ("fastapi", "flask", "wsgi", "django", "django_async")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """What is told of records that failed is not looked at here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _door(framework: str, log: LogSource) -> Any:
    trail: Any = SimpleNamespace(log=log)
    return made(framework, trail)


def _refused(answer: Any) -> bool:
    assert SECRET not in answer.everything()
    return (answer.status, answer.header("set-cookie")) == (503, None)


@pytest.mark.component("tmpfs")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_full_disk(mounted: Mounts, framework: str) -> None:
    """Nobody is let in while nothing can be written, and the same process recovers."""
    folder = mounted(size="4m")
    path, signer = folder / "trail.db", Ed25519Signer.generate("example.com/logins")
    with AuditLogger(SQLiteStore(path), signer) as log:
        door = _door(framework, log)
        assert door(b"grant").status == 200
        ballast = fill(folder, 0)
        granted = [door(b"grant") for _ in range(3)]
        assert all(_refused(one) for one in granted)
        assert _refused(door(b"deny"))
        ballast.unlink()
        assert door(b"grant").status == 200
        size = log.checkpoint().size
    assert verify_log(path, signer.verifier_key).size == size


@pytest.mark.component("tmpfs")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_disk_that_may_only_be_read(mounted: Mounts, framework: str) -> None:
    """A service that starts on such a disk lets nobody in, and everybody once it can write."""
    folder = mounted(size="4m")
    path, signer = folder / "trail.db", Ed25519Signer.generate("example.com/logins")
    AuditLogger(SQLiteStore(path), signer).close()
    mounted.remount(folder, "ro")
    opened: list[AuditLogger] = []

    def open_log() -> AuditLogger:
        opened.append(AuditLogger(SQLiteStore(path), signer))
        return opened[-1]

    door = _door(framework, open_log)
    assert _refused(door(b"grant"))
    assert _refused(door(b"grant"))
    mounted.remount(folder, "rw")
    assert door(b"grant").status == 200
    for log in opened:
        log.close()
    assert verify_log(path, signer.verifier_key).size == 2


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_clock_that_jumps(framework: str) -> None:
    """A clock that is set back by a year, or ahead, keeps nobody out and turns no time around."""
    now = datetime(2026, 11, 1, tzinfo=UTC)
    clock = SimpleNamespace(now=now)
    store = MemoryStore()
    signer = Ed25519Signer.generate("example.com/logins")
    with AuditLogger(store, signer, clock=lambda: clock.now) as log:
        door = _door(framework, log)
        for days in (0, -365, 3_650, 1):
            clock.now = now + timedelta(days=days)
            skewed = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "X-Request-Start": "t=0"}
            assert door(b"grant", skewed).status == 200
    with closing(open_records(store)) as reader:
        recorded = [one.recorded for one in reader.records()]
    assert recorded == sorted(recorded)
    assert len(recorded) == 5
    assert verify_log(store, signer.verifier_key).size == 5

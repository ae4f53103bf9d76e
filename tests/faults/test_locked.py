"""A log that another program holds locked."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from biotrail.errors import NotRecordedError, StoreBusyError
from tests.unit.audit._logs import event, opened, verified


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "trail.db"


def _lock(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_locked_by_another_program(path: Path) -> None:
    """While another program holds the log locked, records fail by name after the wait."""
    with opened(path, timeout=0.2) as log:
        log.record(event(1))
        other = _lock(path)
        began = time.monotonic()
        with pytest.raises(NotRecordedError) as caught:
            log.record(event(2))
        assert 0.1 < time.monotonic() - began < 5
        assert isinstance(caught.value.__cause__, StoreBusyError)
        with pytest.raises(StoreBusyError):
            opened(path, timeout=0.1)
        other.close()
        assert log.record(event(2)).index == 2
    assert verified(path).events == 2


def test_unlocked_in_time(path: Path) -> None:
    """A lock that is released within the wait delays the record, no more."""
    with opened(path, timeout=30) as log:
        other = _lock(path)
        threading.Timer(0.2, other.close).start()
        assert log.record(event(1)).index == 1


def test_a_reader_does_not_hold_up_the_writer(path: Path) -> None:
    """A program that reads for long neither delays records nor sees them half-written."""
    with opened(path, timeout=0.2) as log:
        log.record(event(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN")
        before = other.execute("SELECT count(*) FROM entries").fetchone()
        log.record_many([event(number) for number in range(2, 300)])
        assert other.execute("SELECT count(*) FROM entries").fetchone() == before
        other.close()
    assert verified(path).events == 299


def test_proofs_and_checkpoints_while_locked(path: Path) -> None:
    """What only reads goes on while another program holds the log locked."""
    with opened(path, timeout=0.1) as log:
        log.record(event(1))
        other = _lock(path)
        assert log.checkpoint().size == 2
        assert log.prove(1).index == 1
        other.close()

"""A store that is changed behind an open writer: the writer refuses to build upon it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biotrail import AuditLogger
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ForkedError,
    MissingError,
    NotRecordedError,
    RolledBackError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import Ed25519Signer
from biotrail.testing import tampering
from tests.unit.audit._logs import ORIGIN, event, opened, verified

Change = Callable[[sqlite3.Connection], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "trail.db"


@pytest.fixture
def log(path: Path) -> Iterator[AuditLogger]:
    """A log with ten records, open."""
    with opened(path) as made:
        made.record_many([event(number) for number in range(9)])
        made.record(event(9))
        yield made


def _change(path: Path, change: Change) -> None:
    with tampering(path) as connection:
        change(connection)


def _cut(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entries WHERE idx = 10")
    connection.execute("DELETE FROM payloads WHERE idx = 10")
    connection.execute("UPDATE head SET size = 10")


def _forge(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO entries (idx, entry, checkpoint, kind, recorded) "
        "SELECT 11, entry, checkpoint, kind, recorded FROM entries WHERE idx = 10"
    )
    connection.execute("UPDATE head SET size = 12")


CHANGES: list[tuple[str, Change, type[BiotrailError]]] = [
    ("the tail cut off cleanly", _cut, RolledBackError),
    ("an entry forged at the end", _forge, AlteredError),
    (
        "the head raised",
        lambda c: c.execute("UPDATE head SET size = 12"),
        MissingError,
    ),
    (
        "the last checkpoint replaced",
        lambda c: c.execute(
            "UPDATE entries SET checkpoint = (SELECT checkpoint FROM entries WHERE idx = 0) "
            "WHERE idx = 10"
        ),
        AlteredError,
    ),
    ("the head emptied", lambda c: c.execute("UPDATE head SET size = 0"), RolledBackError),
]


@pytest.mark.parametrize(("name", "change", "kind"), CHANGES, ids=[one[0] for one in CHANGES])
def test_a_store_changed_behind_an_open_writer(
    log: AuditLogger, path: Path, name: str, change: Change, kind: type[BiotrailError]
) -> None:
    """The writer refuses to extend it, each time it is asked, and writes nothing."""
    _change(path, change)
    for number in range(20, 23):
        with pytest.raises(NotRecordedError) as caught:
            log.record(event(number))
        cause = caught.value.__cause__
        assert isinstance(cause, VerificationError), repr(cause)
        if number == 20:
            assert isinstance(cause, kind), repr(cause)
    rows = sqlite3.connect(path).execute("SELECT count(*) FROM entries").fetchone()[0]
    assert rows <= 12
    if kind is not RolledBackError:  # a tail that was cut off cleanly is seen by who kept more
        with pytest.raises(VerificationError):
            verified(path)


def test_a_store_put_back_to_an_older_copy(path: Path, tmp_path: Path) -> None:
    """Put back to an older copy of itself, validly signed, a log is not extended into a fork."""
    with opened(path) as log:
        log.record(event(1))
    old = tmp_path / "old.db"
    shutil.copy(path, old)
    with opened(path) as log:
        log.record(event(2))
        log.record(event(3))
        with sqlite3.connect(old) as source, sqlite3.connect(path) as target:
            source.backup(target)
        for _ in range(3):
            with pytest.raises(NotRecordedError) as caught:
                log.record(event(4))
            assert isinstance(caught.value.__cause__, RolledBackError)
    assert verified(path).size == 2


def test_a_store_replaced_by_a_fork_of_itself(path: Path, tmp_path: Path) -> None:
    """Replaced by another history that the same key signed, a log is not extended either."""
    with opened(path) as log:
        log.record(event(1))
    other = tmp_path / "other.db"
    shutil.copy(path, other)
    with opened(other) as fork:
        fork.record_many([event(number) for number in range(100, 110)])
    with opened(path) as log:
        log.record(event(2))
        with sqlite3.connect(other) as source, sqlite3.connect(path) as target:
            source.backup(target)
        kinds = set()
        for _ in range(3):
            with pytest.raises(NotRecordedError) as caught:
                log.record(event(4))
            kinds.add(type(caught.value.__cause__))
        assert kinds <= {AlteredError, ForkedError}
        assert ForkedError in kinds
    assert verified(path).size == 12


def test_a_store_replaced_by_another_log(path: Path, tmp_path: Path) -> None:
    """Replaced by a log of the same name under another key, a log is not extended."""
    other = tmp_path / "other.db"
    with opened(other, signer=Ed25519Signer.generate(ORIGIN)) as fork:
        fork.record_many([event(number) for number in range(100, 110)])
    with opened(path) as log:
        log.record(event(1))
        with sqlite3.connect(other) as source, sqlite3.connect(path) as target:
            source.backup(target)
        for _ in range(2):
            with pytest.raises(NotRecordedError) as caught:
                log.record(event(2))
            assert isinstance(caught.value.__cause__, (VerificationError, BiotrailError))
    with pytest.raises(WrongKeyError):
        opened(path)


def test_the_first_receipt_is_not_shown_from_a_changed_entry(log: AuditLogger, path: Path) -> None:
    """A retry whose first entry was changed in the store is not answered as if all were well."""
    _change(path, lambda c: c.execute("UPDATE entries SET entry = zeroblob(200) WHERE idx = 3"))
    with pytest.raises(NotRecordedError):
        log.record(event(2))
    with pytest.raises(VerificationError):
        log.checkpoint()


def test_a_changed_entry_far_back_is_found_by_the_auditor(log: AuditLogger, path: Path) -> None:
    """The writer does not read old entries again; what it adds does not hide the change."""
    _change(path, lambda c: c.execute("UPDATE entries SET entry = zeroblob(200) WHERE idx = 3"))
    log.record(event(50))
    with pytest.raises(VerificationError) as caught:
        verified(path)
    assert caught.value.index == 3


def test_opening_refuses_a_changed_store(path: Path) -> None:
    """A log whose tail does not lead to its last checkpoint is not opened for writing."""
    with opened(path) as log:
        log.record_many([event(number) for number in range(9)])
    _change(path, lambda c: c.execute("UPDATE entries SET entry = zeroblob(200) WHERE idx = 3"))
    with pytest.raises(VerificationError):
        opened(path)

"""SQLite fails in the middle of an append: which error is raised, and what is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from biotrail.stores import SQLiteReader, SQLiteStore, StoredTile, SubjectReference
from biotrail.stores._sqlite_fork import ReadingConnection
from biotrail.testing import sample_batch

BATCH = sample_batch(
    1,
    3,
    tiles=[StoredTile(0, 0, bytes(8_192))],
    subjects=[SubjectReference("", "ann", bytes(16))],
)
STEPS = (
    "BEGIN",
    "UPDATE head",
    "INSERT INTO entries",
    "INSERT INTO payloads",
    "INSERT INTO tiles",
    "INSERT OR IGNORE INTO subjects",
    "COMMIT",
)
CODES: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_BUSY: StoreBusyError,
    sqlite3.SQLITE_FULL: StoreFullError,
    sqlite3.SQLITE_READONLY: StoreReadOnlyError,
    sqlite3.SQLITE_IOERR: StoreUnavailableError,
    sqlite3.SQLITE_IOERR_WRITE: StoreUnavailableError,
}


class _Failing:
    """A connection that fails at one statement, before or after it was carried out."""

    def __init__(self, connection: sqlite3.Connection, step: str, code: int, after: bool) -> None:
        self._connection, self._step, self._after = connection, step, after
        self._error = sqlite3.OperationalError("on purpose")
        self._error.sqlite_errorcode = code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _run(self, method: str, statement: str, *values: Any) -> Any:
        fails = statement.startswith(self._step)
        if fails and not self._after:
            raise self._error
        done = getattr(self._connection, method)(statement, *values)
        if fails:
            raise self._error
        return done

    def execute(self, statement: str, *values: Any) -> Any:
        return self._run("execute", statement, *values)

    def executemany(self, statement: str, *values: Any) -> Any:
        return self._run("executemany", statement, *values)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A log with one entry."""
    with closing(SQLiteStore(tmp_path / "log.db")) as store:
        store.append(sample_batch(0))
        yield store


def fail(store: SQLiteStore, step: str, code: int, *, after: bool = False) -> StoreError | Any:
    """Append while a statement fails; returns the error, with the connection as it was."""
    connection = store._writing
    store._writing = _Failing(connection, step, code, after)  # type: ignore[assignment]
    try:
        with pytest.raises((StoreError, UnknownOutcomeError)) as caught:
            store.append(BATCH)
    finally:
        store._writing = connection
    return caught.value


# Only a failing disk can leave a commit carried out and unanswered.
_CASES = [
    (step, code, after)
    for step in STEPS
    for code in CODES
    for after in (False, True)
    if not (step == "COMMIT" and after) or code & 0xFF == sqlite3.SQLITE_IOERR
]


@pytest.mark.parametrize(("step", "code", "after"), _CASES)
def test_a_failing_step(store: SQLiteStore, step: str, code: int, after: bool) -> None:
    """Unless the commit itself was carried out, nothing of the batch is there; then all can be."""
    error = fail(store, step, code, after=after)
    disk_failed = code & 0xFF == sqlite3.SQLITE_IOERR
    unknown = step == "COMMIT" and disk_failed
    assert type(error) is (UnknownOutcomeError if unknown else CODES[code])
    written = step == "COMMIT" and after
    assert store.extent().head == store.extent().entries == (4 if written else 1)
    assert list(store.tiles()) == ([(0, 0)] if written else [])
    if not written:
        store.append(BATCH)
    assert store.extent().entries == 4
    assert store.structure_faults() == []


def test_an_unknown_outcome_says_what_to_do(store: SQLiteStore) -> None:
    """When the disk fails during the commit, the error says so, and what helps."""
    error = fail(store, "COMMIT", sqlite3.SQLITE_IOERR_FSYNC)
    assert "record the same events again" in str(error)
    assert isinstance(error.__cause__, StoreUnavailableError)


def test_a_failure_inside_a_turn(store: SQLiteStore) -> None:
    """A failed append inside a turn leaves the store usable, in the turn and after it."""
    with store.turn():
        fail(store, "INSERT INTO entries", sqlite3.SQLITE_FULL)
        store.append(BATCH)
    store.append(sample_batch(4))
    assert store.extent().entries == 5


def test_a_schema_that_sqlite_cannot_quote_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite names the damaged statement in bytes that are no text; the file is closed again."""
    path = tmp_path / "log.db"
    SQLiteStore(path).close()
    damaged = path.read_bytes().replace(b"BEFORE DELETE ON head", b"BEFORE DEL\xffTE ON head")
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    opened: list[ReadingConnection] = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **options: Any) -> Any:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    with pytest.raises(StoreUnavailableError, match="damaged"):
        SQLiteReader(path)
    assert [one.is_open for one in opened] == [False]

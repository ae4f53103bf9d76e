"""The guards in the file: triggers and types that keep mistakes out, and tell when they are off."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from biotrail.errors import StoreError
from biotrail.stores import Lookup, SQLiteReader, SQLiteStore, StoredTile, WrittenEntry
from biotrail.testing import sample_batch, tampering

GUARDS = (
    "entries_event_id",
    "entries_no_delete",
    "entries_no_update",
    "entries_other_kinds",
    "head_no_delete",
    "head_only_grows",
    "payloads_no_update",
    "tiles_no_delete",
    "tiles_no_update",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a log with three entries, a tile, and payloads."""
    path = tmp_path / "log.db"
    with closing(SQLiteStore(path)) as store:
        store.append(sample_batch(0, 3, tiles=[StoredTile(0, 0, bytes(8_192))]))
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of another program to that file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET entry = x'00' WHERE idx = 1",
        "UPDATE entries SET reason = reason",
        "UPDATE OR REPLACE entries SET idx = 0 WHERE idx = 1",
        "DELETE FROM entries WHERE idx = 2",
        "DELETE FROM entries",
        "UPDATE payloads SET payload = x'00'",
        "UPDATE tiles SET hashes = x'00'",
        "DELETE FROM tiles",
        "UPDATE head SET size = 2",
        "UPDATE head SET size = 3",
        "UPDATE head SET size = -1",
        "DELETE FROM head",
        "INSERT INTO head (one, size) VALUES (1, 9)",
        "INSERT INTO head (one, size) VALUES (2, 9)",
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (0, x'00', 'event', 0)",
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (9, 'text', 'event', 0)",
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (9, x'00', 'event', 'late')",
        "INSERT INTO entries (idx, entry, kind, recorded) VALUES (9, NULL, 'event', 0)",
    ],
)
def test_mistakes_are_refused(connection: sqlite3.Connection, statement: str) -> None:
    """Changing or removing a row, shrinking the head and writing other types all fail."""
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)


def test_payloads_can_be_removed(connection: sqlite3.Connection) -> None:
    """A payload may be deleted, since a person may ask for it."""
    assert connection.execute("DELETE FROM payloads WHERE idx = 0").rowcount == 1


def test_a_sound_file_has_no_faults(path: Path) -> None:
    """A file that was only appended to has all its guards."""
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == []


@pytest.mark.parametrize("guard", GUARDS)
def test_missing_guards_are_named(path: Path, connection: sqlite3.Connection, guard: str) -> None:
    """A trigger or index that was dropped is named."""
    kind = "INDEX" if guard in ("entries_event_id", "entries_other_kinds") else "TRIGGER"
    connection.execute(f"DROP {kind} {guard}")
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == [f"{guard} is absent or changed"]


def test_changed_guards_are_named(path: Path, connection: sqlite3.Connection) -> None:
    """A trigger that was replaced by one that does nothing is named."""
    connection.execute("DROP TRIGGER entries_no_update")
    connection.execute(
        "CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries WHEN 0 "
        "BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END"
    )
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == ["entries_no_update is absent or changed"]


def test_tampering_leaves_the_guards_as_they_were(path: Path) -> None:
    """After the tools of an attacker nothing is wrong with the structure."""
    with tampering(path) as connection:
        connection.execute("UPDATE entries SET entry = x'00' WHERE idx = 1")
    with closing(SQLiteReader(path)) as reader:
        assert reader.structure_faults() == []
        assert [one.entry for one in reader.entries(1, 2)] == [b"\x00"]


def test_values_of_other_types_are_refused_whole(path: Path) -> None:
    """A batch with a value of another type than its column's is refused, and nothing is written."""
    wrong = Lookup("event", "late")  # type: ignore[arg-type]
    with closing(SQLiteStore(path)) as store:
        before = store.extent()
        with pytest.raises(StoreError):
            store.append(sample_batch(3)._replace(entries=[WrittenEntry(b"x", None, wrong)]))
        assert store.extent() == before
        store.append(sample_batch(3))

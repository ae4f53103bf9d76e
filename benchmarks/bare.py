"""The floor: the same rows in the same schema, with no hashing, signing or encoding."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from biotrail.audit.prepare import Prepared, Preparer, microseconds
from biotrail.canonical import format_time, frame_entry
from biotrail.events import Event
from biotrail.stores import Lookup, MemoryStore, SQLiteStore

_INSERT_ENTRY = (
    f"INSERT INTO entries (idx, entry, {', '.join(Lookup._fields)}) "
    f"VALUES ({', '.join('?' * (2 + len(Lookup._fields)))})"
)
_INSERT_PAYLOAD = "INSERT INTO payloads (idx, payload) VALUES (?, ?)"

Row = tuple[tuple[object, ...], tuple[object, ...]]


def rows(events: Sequence[Event], first: int) -> list[Row]:
    """The rows that biotrail would write for these events, made beforehand."""
    preparer = Preparer(MemoryStore(), lambda size: bytes(size))
    prepared = [preparer.prepare(event) for event in events]
    return [_row(index, one) for index, one in enumerate(prepared, first)]


def _row(index: int, one: Prepared) -> Row:
    assert one.event is not None
    recorded = one.event.occurred
    entry = frame_entry(index, bytes(32), format_time(recorded), one.body)
    columns = Lookup("event", microseconds(recorded), *one.columns)
    return (index, entry, *columns), (index, one.payload)


class BareLog:
    """A SQLite file with biotrail's schema and durability, written by plain inserts."""

    def __init__(self, path: Path) -> None:
        SQLiteStore(path).close()
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")

    def one(self, row: Row) -> None:
        """Insert one record, durably."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute(_INSERT_ENTRY, row[0])
        execute(_INSERT_PAYLOAD, row[1])
        execute("COMMIT")

    def many(self, batch: Sequence[Row]) -> None:
        """Insert a batch in one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(_INSERT_ENTRY, [row[0] for row in batch])
        self.connection.executemany(_INSERT_PAYLOAD, [row[1] for row in batch])
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

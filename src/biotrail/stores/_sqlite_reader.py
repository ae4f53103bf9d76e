"""The reading half of the SQLite store; an auditor uses it alone, read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from biotrail.stores._sqlite_postings import PostingsReading
from biotrail.stores._sqlite_schema import missing_guards, strange_guards
from biotrail.stores._sqlite_sealed import after, in_groups
from biotrail.stores._sqlite_watch import watch_file
from biotrail.stores.base import Extent, Lookup, StoredEntry, StoredHead
from biotrail.stores.watching import Watch

__all__ = ["SQLiteReader"]

_LAST_PAYLOAD = (
    "SELECT max(idx) FROM "
    "(SELECT max(idx) AS idx FROM payloads UNION ALL SELECT max(idx) FROM sealed)"
)
_LOOKUP_COLUMNS = ", ".join(Lookup._fields)


class SQLiteReader(PostingsReading):
    """Reads a log's SQLite file without being able to change it.

    Every thread reads over a connection of its own. A file of schema version 1 is read as one in
    which nothing is sealed.
    """

    def head(self) -> StoredHead | None:
        """The head, or None for an empty store."""
        query = (
            "SELECT h.size, e.checkpoint FROM head AS h "
            "LEFT JOIN entries AS e ON e.idx = h.size - 1 WHERE h.one = 1"
        )
        row = self._one(query)
        if row is None or row[0] == 0:
            return None
        return StoredHead(int(row[0]), row[1] or "")

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries of a range, in order."""
        query = "SELECT idx, entry, checkpoint FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
        return map(StoredEntry._make, self._rows(query, (start, stop)))

    def raw_entries(self, start: int, stop: int) -> Iterator[tuple[Any, ...]]:
        """The same as plain rows (idx, entry, checkpoint), for where speed matters."""
        query = "SELECT idx, entry, checkpoint FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"
        return self._rows(query, (start, stop))

    def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
        """Look-up columns of a range."""
        query = (
            f"SELECT idx, {_LOOKUP_COLUMNS} FROM entries "  # noqa: S608 - names of our own columns
            "WHERE idx >= ? AND idx < ? ORDER BY idx"
        )
        for row in self._rows(query, (start, stop)):
            yield int(row[0]), Lookup._make(row[1:])

    def tile(self, level: int, index: int) -> bytes | None:
        """A full tile, or None."""
        row = self._one("SELECT hashes FROM tiles WHERE level = ? AND idx = ?", (level, index))
        return None if row is None else row[0]

    def tiles_at(self, level: int, indices: Sequence[int]) -> dict[int, bytes]:
        """The full tiles of a level at these indices."""
        found: dict[int, bytes] = {}
        for some, marks in in_groups(indices):
            query = f"SELECT idx, hashes FROM tiles WHERE level = ? AND idx IN ({marks})"  # noqa: S608
            found.update(self._rows(query, (level, *some)))
        return found

    def tiles(self) -> Iterator[tuple[int, int]]:
        """Level and index of every tile kept."""
        return self._rows("SELECT level, idx FROM tiles ORDER BY level, idx")

    def checkpoint_from(self, size: int) -> tuple[int, str] | None:
        """The first checkpoint of a tree of at least `size`."""
        query = (
            "SELECT idx + 1, checkpoint FROM entries "
            "WHERE idx >= ? AND checkpoint IS NOT NULL ORDER BY idx LIMIT 1"
        )
        return self._one(query, (max(size, 1) - 1,))

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Indices of the entries that bear these ids."""
        found: dict[bytes, int] = {}
        for some, marks in in_groups(event_ids):
            query = f"SELECT event_id, idx FROM entries WHERE event_id IN ({marks})"  # noqa: S608
            found.update(self._rows(query, some))
        return found

    def indices_of_other_kinds(self) -> list[int]:
        """Indices of the entries that are not events."""
        query = "SELECT idx FROM entries WHERE kind <> 'event' ORDER BY idx"
        return [int(row[0]) for row in self._rows(query)]

    def references(self, tenant: str, identity: str) -> list[bytes]:
        """All random references of a person."""
        query = "SELECT reference FROM subjects WHERE tenant = ? AND identity = ? ORDER BY rowid"
        return [row[0] for row in self._rows(query, (tenant, identity))]

    def extent(self) -> Extent:
        """How far each kind of row reaches, read in one statement."""
        payloads = "SELECT max(idx) FROM payloads"
        if self._has_sealed():
            payloads = _LAST_PAYLOAD
        query = (
            "SELECT coalesce(h.size, 0), (SELECT max(idx) FROM entries), "  # noqa: S608
            f"({payloads}), (SELECT checkpoint FROM entries WHERE idx = h.size - 1) "
            "FROM (SELECT 1) LEFT JOIN head AS h ON h.one = 1"
        )
        head, entries, last_payload, checkpoint = self._one(query) or (0, None, None, None)
        return Extent(head, after(entries), after(last_payload), checkpoint)

    def structure_faults(self) -> list[str]:
        """What SQLite's own check of the file finds wrong (pages, indexes, types); stray rows."""
        rows = self._rows("PRAGMA integrity_check(20)")
        faults = [str(row[0]) for row in rows if row[0] != "ok"]
        sealed = ("sealed",) if self._has_sealed() else ()
        for table in ("entries", "payloads", "tiles", *sealed):
            # No reader asks for these, so nothing else would find them.
            if self._one(f"SELECT 1 FROM {table} WHERE idx < 0 LIMIT 1"):  # noqa: S608
                faults.append(f"the table {table} has a row before index 0")
        if sealed and self._one("SELECT 1 FROM sealed JOIN payloads USING (idx) LIMIT 1"):
            faults.append("an entry has a sealed payload and one in the clear")
        faults += self._stray_tags()
        faults += [f"{name} is absent or changed" for name in self.missing_guards()]
        with self._translated, self._reading() as connection:
            return faults + [f"{one} is no part of a log" for one in strange_guards(connection)]

    def watch(self) -> Watch:
        """A watch over commits by any process; see `biotrail.stores.WakingStore`."""

        @contextmanager
        def reading() -> Iterator[sqlite3.Connection]:
            with self._translated, self._reading() as connection:
                yield connection

        return watch_file(self.path, self._file, reading)

    def missing_guards(self) -> list[str]:
        """Triggers, tables and indexes of the schema that are absent or changed."""
        with self._translated, self._reading() as connection:
            return missing_guards(connection)

"""The reading half of the SQLite store; an auditor uses it alone, read-only."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from biotrail.errors import StoreUnavailableError
from biotrail.stores._sqlite_errors import FAILURES, translate, translated
from biotrail.stores._sqlite_fork import Lease, ReadingConnection, check_usable_here, inherit, watch
from biotrail.stores._sqlite_schema import check_log, missing_guards, strange_guards
from biotrail.stores.base import Extent, Lookup, StoredEntry, StoredHead

__all__ = ["SQLiteReader"]

_LOOKUP_COLUMNS = ", ".join(Lookup._fields)
_IDS_PER_QUERY = 500


class SQLiteReader:
    """Reads a log's SQLite file without being able to change it.

    Every thread reads over a connection of its own.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open an existing file, read-only.

        Raises:
            StoreUnavailableError: There is no such file, or it is not a biotrail log.
        """
        self.path = Path(path)
        self._translated = translated(str(self.path))
        self._local = threading.local()
        self._opened: WeakSet[ReadingConnection] = WeakSet()
        self._lock = threading.Lock()
        if not self.path.is_file():
            raise StoreUnavailableError(f"{self.path}: there is no such file")
        watch(self)
        try:
            with self._translated, self._reading() as connection:
                check_log(connection, str(self.path))
        except BaseException:
            SQLiteReader.close(self)
            raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection, held while it is used."""
        while True:
            lease: Lease | None = getattr(self._local, "lease", None)
            if lease is None or not lease.connection.is_open:
                with self._lock:
                    lease = Lease(self._connect())
                    self._opened.add(lease.connection)
                self._local.lease = lease
            connection = lease.connection
            with connection.lock:
                if connection.is_open:
                    yield connection
                    return

    def _connect(self) -> ReadingConnection:
        check_usable_here(self.path)
        place = quote(str(self.path.absolute()))
        connection = _open(f"file:{place}?mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.OperationalError:
            # Write-ahead logging wants to make a file beside the database. On a read-only medium
            # it cannot; without a log left behind the file itself is the whole truth.
            connection.close()
            if Path(f"{self.path}-wal").exists():
                raise
            connection = _open(f"file:{place}?mode=ro&immutable=1")
        except BaseException:  # a damaged schema that SQLite quotes is no error of SQLite's
            connection.close()
            raise
        return connection

    def _rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            # Not "yield from": that would close the cursor of a reader that is closed already.
            for row in self._cursor(query, values):  # noqa: UP028
                yield row
        except FAILURES as error:
            raise translate(error, str(self.path)) from error

    def _cursor(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._translated, self._reading() as connection:
            cursor = connection.execute(query, tuple(values))
            if isinstance(connection, ReadingConnection):
                connection.cursors.add(cursor)
            return cursor

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

    def _one(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        with self._translated, self._reading() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
            return row

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

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Payloads of a range."""
        query = "SELECT idx, payload FROM payloads WHERE idx >= ? AND idx < ? ORDER BY idx"
        return self._rows(query, (start, stop))

    def tile(self, level: int, index: int) -> bytes | None:
        """A full tile, or None."""
        row = self._one("SELECT hashes FROM tiles WHERE level = ? AND idx = ?", (level, index))
        return None if row is None else row[0]

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

    def count_checkpoints(self) -> int:
        """How many checkpoints are kept."""
        row = self._one("SELECT count(checkpoint) FROM entries")
        return int(row[0]) if row else 0

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Indices of the entries that bear these ids."""
        found: dict[bytes, int] = {}
        for start in range(0, len(event_ids), _IDS_PER_QUERY):
            some = list(event_ids[start : start + _IDS_PER_QUERY])
            marks = ",".join("?" * len(some))
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
        query = (
            "SELECT coalesce(h.size, 0), (SELECT max(idx) FROM entries), "
            "(SELECT max(idx) FROM payloads), "
            "(SELECT checkpoint FROM entries WHERE idx = h.size - 1) "
            "FROM (SELECT 1) LEFT JOIN head AS h ON h.one = 1"
        )
        head, entries, payloads, checkpoint = self._one(query) or (0, None, None, None)
        return Extent(head, _after(entries), _after(payloads), checkpoint)

    def structure_faults(self) -> list[str]:
        """What SQLite's own check of the file finds wrong (pages, indexes, types); stray rows."""
        rows = self._rows("PRAGMA integrity_check(20)")
        faults = [str(row[0]) for row in rows if row[0] != "ok"]
        for table in ("entries", "payloads", "tiles"):
            # No reader asks for these, so nothing else would find them.
            if self._one(f"SELECT 1 FROM {table} WHERE idx < 0 LIMIT 1"):  # noqa: S608
                faults.append(f"the table {table} has a row before index 0")
        faults += [f"{name} is absent or changed" for name in self.missing_guards()]
        with self._translated, self._reading() as connection:
            return faults + [f"{one} is no part of a log" for one in strange_guards(connection)]

    def missing_guards(self) -> list[str]:
        """Triggers, tables and indexes of the schema that are absent or changed."""
        with self._translated, self._reading() as connection:
            return missing_guards(connection)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            opened, self._opened = list(self._opened), WeakSet()
        self._local = threading.local()
        for connection in opened:
            connection.close()

    def let_go(self) -> None:
        """Before a fork: close what is not in use, and hold the rest up."""
        self._lock.acquire()
        for connection in list(self._opened):
            if connection.close_if_idle():
                self._opened.discard(connection)

    def go_on(self) -> None:
        """After a fork, in the parent: connections are opened again when next needed."""
        self._lock.release()

    def begin_in_child(self) -> None:
        """After a fork, in the child: what was still open is not to be touched."""
        inherit(self.path, self._opened)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._opened = WeakSet()


def _open(place: str) -> ReadingConnection:
    connection = sqlite3.connect(
        place,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=ReadingConnection,
    )
    connection.text_factory = _text
    return connection


def _after(last: int | None) -> int:
    return 0 if last is None else last + 1


# Text as it is stored, even where somebody has made it something else than UTF-8.
_text = partial(str, encoding="utf-8", errors="surrogateescape")

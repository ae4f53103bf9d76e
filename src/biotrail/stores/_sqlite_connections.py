"""Connections that read a log's SQLite file: one for each thread, opened anew after a fork."""

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
from biotrail.stores._sqlite_file import check_same_file, identity_of
from biotrail.stores._sqlite_fork import Lease, ReadingConnection, check_usable_here, inherit, watch
from biotrail.stores._sqlite_schema import check_log

__all__ = ["Connections"]


class Connections:
    """The connections over which a file is read."""

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
            what = "this is no file" if self.path.exists() else "there is no such file"
            raise StoreUnavailableError(f"{self.path}: {what}")
        # Threads open it later, each for itself: all of them read the one that is here now.
        self._file = identity_of(self.path)
        watch(self)
        try:
            with self._translated, self._reading() as connection:
                check_log(connection, str(self.path))
        except BaseException:
            Connections.close(self)
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
        try:
            connection = self._open()
        except sqlite3.Error:
            check_same_file(self.path, self._file)  # if this fails, it tells why that did
            raise
        try:
            check_same_file(self.path, self._file)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> ReadingConnection:
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

    def _one(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        with self._translated, self._reading() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
            return row

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


# Text as it is stored, even where somebody has made it something else than UTF-8.
_text = partial(str, encoding="utf-8", errors="surrogateescape")

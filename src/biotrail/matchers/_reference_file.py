"""The SQLite file of a reference store: rows in and out, and deleted bytes gone from the file.

``secure_delete`` overwrites deleted content with zeros, and the rollback journal is removed with
each commit. That leaves stale copies in pages that were reorganised; `purge` finds such, and
rewrites the file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from biotrail.errors import ReferenceStoreError
from biotrail.matchers._traces import files_beside, traces

__all__ = ["ReferenceFile"]

_APPLICATION = 0x62747266
"""``btrf``, in the header of the file."""
_VERSION = 2
_SCHEMA = """
CREATE TABLE store (
    salt BLOB NOT NULL,
    proof BLOB NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    version_seal BLOB NOT NULL DEFAULT x''
);
CREATE TABLE reference (
    id TEXT PRIMARY KEY NOT NULL,
    card BLOB NOT NULL,
    mark BLOB NOT NULL,
    state INTEGER NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX of_person ON reference (mark);
"""
_FROM_VERSION_1 = (
    "ALTER TABLE store ADD COLUMN version INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE store ADD COLUMN version_seal BLOB NOT NULL DEFAULT x''",
    f"PRAGMA user_version = {_VERSION}",
)


class ReferenceFile:
    """One file, one connection, one lock.

    Args:
        path: The file; made, readable for its owner only, where there is none.
        timeout: Seconds to wait for another program's lock.

    Raises:
        ReferenceStoreError: It cannot be opened, or is no reference store.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._process = os.getpid()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise ReferenceStoreError(f"{path}: {error.strerror}") from error
        with self._named():
            self._connection = sqlite3.connect(
                path, timeout=timeout, isolation_level=None, check_same_thread=False
            )
        # Text that is no UTF-8 was not written here; it is told by its row, not by SQLite.
        self._connection.text_factory = lambda data: data.decode(errors="surrogateescape")
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self.query("PRAGMA secure_delete = ON")
        # A write-ahead log would keep deleted bytes until it is overwritten.
        mode = self.query("PRAGMA journal_mode = DELETE")[0][0]
        if mode != "delete":
            raise ReferenceStoreError(f"{self.path}: another program holds it in mode {mode}")
        with self.changing():
            if self.query("SELECT 1 FROM sqlite_master LIMIT 1"):
                self._recognise()
                return
            for statement in _SCHEMA.split(";"):
                self.query(statement)
            self.query(f"PRAGMA application_id = {_APPLICATION}")
            self.query(f"PRAGMA user_version = {_VERSION}")

    def _recognise(self) -> None:
        if self.query("PRAGMA application_id")[0][0] != _APPLICATION:
            raise ReferenceStoreError(f"{self.path} is not a reference store")
        version = self.query("PRAGMA user_version")[0][0]
        if version == 1:
            for statement in _FROM_VERSION_1:
                self.query(statement)
        elif version != _VERSION:
            raise ReferenceStoreError(f"{self.path}: version {version} is not known here")

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self._named(), self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """A transaction that writes: all of the block, or nothing."""
        with self._lock:
            self.query("BEGIN IMMEDIATE")
            try:
                yield
                self.query("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def purge(self, needles: Sequence[bytes]) -> tuple[int, tuple[tuple[str, int], ...]]:
        """See that deleted bytes are gone; rewrite the file if they are not.

        Returns:
            How many traces are left, and each file looked through with its size.

        Raises:
            ReferenceStoreError: A file cannot be read, or the file cannot be rewritten.
        """
        with self._named(), self._lock:
            if traces(self.path, needles):
                self._connection.execute("VACUUM")
            left, files = 0, []
            for file in files_beside(self.path):
                left += traces(file, needles)
                files.append((file.name, file.stat().st_size))
            return left, tuple(files)

    def close(self) -> None:
        """Close the connection; calling it again, or from a forked child, does nothing."""
        if self._process == os.getpid():
            with self._lock:
                self._connection.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of SQLite and of files become errors of the store."""
        if self._process != os.getpid():
            # SQLite forbids it: the child's locks would not be its own.
            raise ReferenceStoreError(f"{self.path} was opened in another process; open it again")
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ReferenceStoreError(f"{self.path}: {error}") from error

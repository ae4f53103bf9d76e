"""The sealed half of the SQLite store, as far as it is written: keys, fences, and destruction.

With ``secure_delete`` SQLite overwrites with zeros what is deleted or shrunk. A wrapped key is
overwritten by zeros of its own length, where it lies: no row moves, so no copy of it is left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from biotrail.errors import StoreError
from biotrail.stores._sqlite_errors import translate
from biotrail.stores._sqlite_sealed import in_groups
from biotrail.stores._sqlite_writing import Writing
from biotrail.stores.sealed import Fence, WrappedKey

__all__ = ["INSERT_KEY", "SealedWriting"]

INSERT_KEY = (
    "INSERT INTO data_keys (reference, key_id, wrapped, fingerprint) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (reference) DO NOTHING"
)
_REWRAP = (
    "UPDATE data_keys SET key_id = ?, wrapped = ? "
    "WHERE reference = ? AND key_id = ? AND wrapped = ? AND fingerprint = ?"
)
_DESTROY = (
    "UPDATE data_keys SET wrapped = zeroblob(length(wrapped)) "
    "WHERE wrapped <> zeroblob(length(wrapped)) AND reference IN "
)
_INSERT_FENCE = (
    "INSERT INTO fences (erasure, content, through) "
    "VALUES (?, ?, (SELECT size FROM head WHERE one = 1))"
)
_INSERT_FENCE_REFERENCE = "INSERT INTO fence_references (number, place, reference) VALUES (?, ?, ?)"
_REPLACE = "UPDATE sealed SET payload = ? WHERE idx = ?"
_REPLACE_WITH_TAGS = "UPDATE sealed SET payload = ?, device = NULL, ip = NULL WHERE idx = ?"
_FINISH = "UPDATE fences SET entry = ? WHERE erasure = ? AND entry IS NULL"
_PATIENCE = 2_000


class SealedWriting(Writing):
    """Writes what the vault keeps, each change in a transaction of its own."""

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; committed as the block ends, or rolled back as it raises."""
        with self._writing_lock:
            try:
                self._begin_writing()
                yield self._writing
            except sqlite3.Error as error:
                self._roll_back()
                raise translate(error, str(self.path)) from error
            except BaseException:
                self._roll_back()
                raise
            self._commit()

    def keep_key(self, key: WrappedKey) -> WrappedKey:
        """Keep a data key unless there is one of this reference."""
        if not any(key.wrapped):
            raise StoreError("a wrapped key that is empty or all zeros stands for a destroyed one")
        with self._changing() as connection:
            connection.execute(INSERT_KEY, key)
        return self.data_keys([key.reference])[key.reference]

    def rewrap_keys(self, keys: Sequence[tuple[WrappedKey, WrappedKey]]) -> int:
        """Replace wrapped keys that are still what the caller read."""
        for old, new in keys:
            if (old.reference, old.fingerprint) != (new.reference, new.fingerprint):
                raise StoreError("a key is wrapped anew under its own reference and fingerprint")
            if not any(new.wrapped) or not any(old.wrapped):
                raise StoreError("a key that is destroyed is not wrapped anew")
        with self._changing() as connection:
            rows = [(new.key_id, new.wrapped, *_found_by(old)) for old, new in keys]
            return sum(connection.execute(_REWRAP, row).rowcount for row in rows)

    def write_fence(self, fence: Fence) -> Fence:
        """Write a fence; from now on, batches made without knowing of it fail."""
        if not fence.references:
            raise StoreError("a fence names at least one reference")
        with self._changing() as connection:
            query = "SELECT 1 FROM fences WHERE erasure = ?"
            if connection.execute(query, (fence.erasure,)).fetchone() is None:
                number = connection.execute(_INSERT_FENCE, (fence.erasure, fence.content)).lastrowid
                rows = [(number, place, one) for place, one in enumerate(fence.references)]
                connection.executemany(_INSERT_FENCE_REFERENCE, rows)
        return next(one for one in self.fences() if one.erasure == fence.erasure)

    def destroy_identities(self, references: Sequence[bytes]) -> int:
        """Overwrite data keys of these references; delete the rows that lead to them."""
        destroyed = 0
        with self._changing() as connection:
            for some, marks in in_groups(references):
                destroyed += connection.execute(f"{_DESTROY} ({marks})", some).rowcount
                query = f"DELETE FROM subjects WHERE reference IN ({marks})"  # noqa: S608
                connection.execute(query, some)
        return destroyed

    def replace_payloads(self, payloads: Sequence[tuple[int, bytes, bool]]) -> None:
        """Replace sealed payloads by what remains of them."""
        with self._changing() as connection:
            for index, remains, tags_too in payloads:
                query = _REPLACE_WITH_TAGS if tags_too else _REPLACE
                if connection.execute(query, (remains, index)).rowcount != 1:
                    raise StoreError(f"{self.path}: entry {index} has no sealed payload")

    def delete_payloads(self, indices: Sequence[int]) -> int:
        """Delete payloads that were never sealed."""
        with self._changing() as connection:
            query = "DELETE FROM payloads WHERE idx = ?"
            return sum(connection.execute(query, (index,)).rowcount for index in indices)

    def finish_fence(self, erasure: bytes, entry: int) -> None:
        """Note the index of an erasure's tombstone."""
        with self._changing() as connection:
            if connection.execute(_FINISH, (entry, erasure)).rowcount == 1:
                return
            query = "SELECT entry FROM fences WHERE erasure = ?"
            row = connection.execute(query, (erasure,)).fetchone()
            if row != (entry,):
                raise StoreError(
                    f"{self.path}: no fence of erasure {erasure.hex()}"
                    if row is None
                    else f"{self.path}: the tombstone of {erasure.hex()} is entry {row[0]}"
                )

    def purge_remains(self) -> bool:
        """Fold the write-ahead log into the file and empty it."""
        with self._writing_lock:
            if self._turn_of or self._closed:
                return False  # in the midst of a transaction, whose pages are in the log
            try:
                self._begin()
                self._roll_back()  # the connection is usable: after a fork it is a new one
                self._writing.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
                busy, *_ = self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
            except sqlite3.Error as error:
                raise translate(error, str(self.path)) from error
            finally:
                if not self._stale:
                    self._writing.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")


def _found_by(key: WrappedKey) -> tuple[bytes, str, bytes, bytes]:
    return key.reference, key.key_id, key.wrapped, key.fingerprint

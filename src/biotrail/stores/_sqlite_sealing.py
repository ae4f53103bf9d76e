"""The sealed half of the SQLite store, as far as it is written: keys, fences, and destruction.

With ``secure_delete`` SQLite overwrites with zeros what is deleted. Yet when it splits or joins
pages it leaves copies of cells in the unused middle of a page, and forgets them: of rows that are
there, so that a later deletion does not reach them. Therefore rows that are to be destroyed never
move. Payloads, tags, wrapped keys and identities are overwritten by as many bytes, where they lie;
what cannot be (the index over identities, payloads in the clear) is built anew when remains are
purged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from biotrail.errors import StoreError
from biotrail.stores._sqlite_errors import translate
from biotrail.stores._sqlite_sealed import in_groups
from biotrail.stores._sqlite_tags import forget
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
_OLD = (
    "SELECT length(payload), length(device), length(ip), length(filler), device, ip "
    "FROM sealed WHERE idx = ?"
)
_REPLACE = "UPDATE sealed SET payload = ?, filler = zeroblob(?) WHERE idx = ?"
_REPLACE_WITH_TAGS = (
    "UPDATE sealed SET payload = ?, filler = zeroblob(?), device = NULL, ip = NULL WHERE idx = ?"
)
# U+0001 is in no identity. What is too short to stay unique under it is deleted.
_OVERWRITE_IDENTITY = (
    "UPDATE subjects SET reference = zeroblob(length(reference)), "
    "identity = char(1) || substr(hex(randomblob(length(CAST(identity AS BLOB)))), 1, "
    "length(CAST(identity AS BLOB)) - 1) "
    "WHERE length(CAST(identity AS BLOB)) > 20 AND reference IN "
)
_FINISH = "UPDATE fences SET entry = ? WHERE erasure = ? AND entry IS NULL"
_PATIENCE = 250
_IDENTITIES = "sqlite_autoindex_subjects_1"
_ANYWHERE = ""
Sizes = tuple[int | None, ...]


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
            count = sum(connection.execute(_REWRAP, row).rowcount for row in rows)
        if any(_key_size(old) != _key_size(new) for old, new in keys):
            self._remains.add(_ANYWHERE)  # rows have moved
        return count

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
        destroyed = overwritten = deleted = 0
        self._remains.add(_IDENTITIES)  # also where somebody else began this and was killed
        with self._changing() as connection:
            for some, marks in in_groups(references):
                destroyed += connection.execute(f"{_DESTROY} ({marks})", some).rowcount
                overwritten += connection.execute(f"{_OVERWRITE_IDENTITY} ({marks})", some).rowcount
                query = f"DELETE FROM subjects WHERE reference IN ({marks})"  # noqa: S608
                deleted += connection.execute(query, some).rowcount
            clear = connection.execute("SELECT 1 FROM payloads LIMIT 1").fetchone()
        if deleted or (clear and not destroyed + overwritten):
            self._remains.add(_ANYWHERE)
        return destroyed

    def replace_payloads(self, payloads: Sequence[tuple[int, bytes, bool]]) -> None:
        """Replace sealed payloads by what remains of them."""
        with self._changing() as connection:
            forgotten = []
            for index, remains, tags_too in payloads:
                old = connection.execute(_OLD, (index,)).fetchone()
                if old is None:
                    raise StoreError(f"{self.path}: entry {index} has no sealed payload")
                sizes = old[:4]
                kept = (None, None) if tags_too else sizes[1:3]
                filler = _filler(sizes, (len(remains), *kept))
                query = _REPLACE_WITH_TAGS if tags_too else _REPLACE
                connection.execute(query, (remains, filler, index))
                if tags_too:
                    forgotten.append((index, *old[4:]))
                if _record_size((len(remains), *kept, filler)) != _record_size(sizes):
                    self._remains.add(_ANYWHERE)
            forget(connection, forgotten)

    def delete_payloads(self, indices: Sequence[int]) -> int:
        """Delete payloads that were never sealed."""
        with self._changing() as connection:
            query = "DELETE FROM payloads WHERE idx = ?"
            count = sum(connection.execute(query, (index,)).rowcount for index in indices)
        if count:
            self._remains.add(_ANYWHERE)
        return count

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
        """Build anew what may hold copies; fold the write-ahead log into the file and empty it."""
        with self._writing_lock:
            if self._turn_of or self._closed:
                return False  # in the midst of a transaction, whose pages are in the log
            try:
                self._begin()
                self._roll_back()  # the connection is usable: after a fork it is a new one
                self._build_anew()
                self._writing.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
                busy, *_ = self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
            except sqlite3.Error as error:
                raise translate(error, str(self.path)) from error
            finally:
                if not self._stale:
                    self._writing.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000)}")

    def _build_anew(self) -> None:
        if _ANYWHERE in self._remains:
            self._writing.execute("VACUUM")
        else:
            for index in sorted(self._remains):
                self._writing.execute(f"REINDEX {index}")
        self._remains.clear()


def _filler(old: Sizes, new: Sizes) -> int:
    """How many zeros keep a row of `sealed` the size that it had, or almost.

    A row's record has a type for each column (1 byte, or 2 or 3 for longer values) and the values
    (SQLite file format, 2.1).
    """
    room = _record_size(old) - _record_size(new)
    return next((size for size in range(room, -1, -1) if _record_size((size,)) <= room), 0)


def _record_size(lengths: Sizes) -> int:
    kinds = [0 if length is None else 2 * length + 12 for length in lengths]
    types = sum(1 if kind < 0x80 else 2 if kind < 0x4000 else 3 for kind in kinds)
    return types + sum(length or 0 for length in lengths)


def _key_size(key: WrappedKey) -> int:
    return _record_size((len(key.key_id.encode()), len(key.wrapped)))


def _found_by(key: WrappedKey) -> tuple[bytes, str, bytes, bytes]:
    return key.reference, key.key_id, key.wrapped, key.fingerprint

"""The embedded store: one SQLite file, shared by threads and processes of one machine.

Write-ahead logging with ``synchronous=FULL``: a commit is one sync of the log, and readers never
wait for the writer. The head swap is ``UPDATE head ... WHERE size = expected`` in the transaction
that inserts the entries. Do not put the file on a network file system: its locks do not hold there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from biotrail.errors import EventIdTakenError, FenceMovedError, HeadMovedError, StoreError
from biotrail.stores._sqlite_errors import translate
from biotrail.stores._sqlite_postings import Recent, complete_segments
from biotrail.stores._sqlite_reader import SQLiteReader
from biotrail.stores._sqlite_sealed import INDEXED_EVERY
from biotrail.stores._sqlite_sealing import INSERT_KEY, SealedWriting
from biotrail.stores._sqlite_tags import complete_blocks
from biotrail.stores.base import Batch, Lookup, StoredHead, WrittenEntry
from biotrail.stores.postings import SEGMENT

__all__ = ["SQLiteReader", "SQLiteStore"]

_INSERT_ENTRY = (
    f"INSERT INTO entries (idx, entry, checkpoint, {', '.join(Lookup._fields)}) "  # noqa: S608
    f"VALUES ({', '.join('?' * (3 + len(Lookup._fields)))})"
)
_INSERT_PAYLOAD = "INSERT INTO payloads (idx, payload) VALUES (?, ?)"
_INSERT_SEALED = (
    "INSERT INTO sealed (idx, payload, subject, actor, device, ip) VALUES (?, ?, ?, ?, ?, ?)"
)
_INDEX_SEALED = "UPDATE sealed SET found = 1 WHERE idx >= ? AND idx < ? AND found IS NULL"
_INSERT_TILE = "INSERT INTO tiles (level, idx, hashes) VALUES (?, ?, ?)"
_INSERT_SUBJECT = "INSERT OR IGNORE INTO subjects (tenant, identity, reference) VALUES (?, ?, ?)"
_SWAP_HEAD = "UPDATE head SET size = ? WHERE one = 1 AND size = ?"
_SWAP_HEAD_KNOWING = (
    f"{_SWAP_HEAD} "  # noqa: S608 - our own words
    "AND ? >= (SELECT coalesce(max(number), 0) FROM fences)"
)


class SQLiteStore(SealedWriting):
    """A log in one SQLite file.

    One connection writes, guarded by a lock; every reading thread has its own.
    """

    def append(self, batch: Batch) -> None:
        """Write a batch if the size is as expected; see `Store.append`."""
        with self._writing_lock:
            known, self._known_head = self._known_head, None  # unknown again if this fails
            recent, self._recent = self._recent, Recent()
            try:
                self._begin_writing()
                self._insert(batch)
                self._complete(batch, recent)
            except sqlite3.IntegrityError as error:
                self._roll_back()
                self._explain(batch, error)
            except sqlite3.Error as error:
                self._roll_back()
                raise translate(error, str(self.path)) from error
            except BaseException:
                self._roll_back()
                raise
            self._commit()
            self._recent = recent
            if known is not None:
                self._known_head = known[0], StoredHead(batch.size, batch.checkpoint)

    def _insert(self, batch: Batch) -> None:
        first, written, note, tiles, subjects, keys, fences = batch
        execute, last = self._writing.execute, first + len(written) - 1
        if fences is None:
            swapped = execute(_SWAP_HEAD, (last + 1, first)).rowcount
        else:
            swapped = execute(_SWAP_HEAD_KNOWING, (last + 1, first, fences)).rowcount
        if swapped != 1:
            self._refuse(first)
        many = self._writing.executemany
        many(
            _INSERT_ENTRY,
            [
                (index, entry, note if index == last else None, *lookup)
                for index, (entry, _, lookup, _) in enumerate(written, first)
            ],
        )
        self._insert_payloads(first, written)
        if tiles:
            many(_INSERT_TILE, tiles)
        if subjects:
            many(_INSERT_SUBJECT, subjects)
        if keys:
            many(INSERT_KEY, keys)

    def _refuse(self, first: int) -> None:
        size = self._writing.execute("SELECT size FROM head WHERE one = 1").fetchone()
        if size == (first,):
            raise FenceMovedError(f"{self.path}: an erasure was begun since the batch was made")
        raise HeadMovedError(f"{self.path}: the log no longer has {first} entries")

    def _insert_payloads(self, first: int, written: Sequence[WrittenEntry]) -> None:
        payloads, all_sealed = [], []
        for index, (_, payload, _, sealed) in enumerate(written, first):
            if payload is not None:
                payloads.append((index, payload))
            if sealed is not None:
                if payload is not None:
                    raise StoreError(f"entry {index} has a payload in the clear and a sealed one")
                all_sealed.append((index, *sealed))
        if payloads:
            self._writing.executemany(_INSERT_PAYLOAD, payloads)
        if all_sealed:
            self._writing.executemany(_INSERT_SEALED, all_sealed)
        # Records are put into indexes and blocks later, many together: several share a page then.
        reached = (first + len(written)) // INDEXED_EVERY * INDEXED_EVERY
        if reached > first:
            self._writing.execute(_INDEX_SEALED, (reached - 2 * INDEXED_EVERY, reached))
            complete_blocks(self._writing, reached)

    def _complete(self, batch: Batch, recent: Recent) -> None:
        recent.take(batch.first, [one.lookup for one in batch.entries])
        if batch.size // SEGMENT > batch.first // SEGMENT:
            complete_segments(self._writing, batch.size, recent)

    def _explain(self, batch: Batch, error: sqlite3.IntegrityError) -> None:
        ids = [one.lookup.event_id for one in batch.entries if one.lookup.event_id is not None]
        if taken := self.find_events(ids):
            raise EventIdTakenError(taken) from None
        raise translate(error, str(self.path)) from error

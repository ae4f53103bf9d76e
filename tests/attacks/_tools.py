"""An attacker's tools: a log taken apart into rows, changed at will, and put together again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest

from biotrail import AuditLogger, Comparison, Context, Ed25519Signer, Event, SQLiteStore, verify_log
from biotrail.canonical import frame_entry, split_entry
from biotrail.errors import VerificationError
from biotrail.signing import sign_checkpoint
from biotrail.stores import Batch, Lookup, StoredTile, WrittenEntry
from biotrail.testing import tampering
from biotrail.tlog import Checkpoint, CompactRange, TileBuilder, leaf_hash

ORIGIN = "biotrail.example/front-door"
_COLUMNS = ", ".join(Lookup._fields)
_MARKS = ", ".join("?" * (3 + len(Lookup._fields)))


def signer(number: int = 1, origin: str = ORIGIN) -> Ed25519Signer:
    """The signer of a seed of one repeated byte."""
    return Ed25519Signer.from_seed(origin, bytes([number]) * 32)


def key_of(number: int = 1, origin: str = ORIGIN) -> str:
    """Its verifier key, as text."""
    return str(signer(number, origin).verifier_key)


def event(number: int, *, log: int = 0, action: str = "door.open") -> Event:
    """An event of its own id for every number and log."""
    person = f"person-{number % 7}@example.com"
    return Event(
        id=UUID(int=log << 64 | number, version=4),
        action=action,
        decision="granted",
        reason="match",
        actor=person,
        subject=person,
        target="server-room-4",
        modality="face",
        comparison=Comparison(matcher="m", version="1", decision="match", score=0.8, threshold=0.6),
        context=Context(ip="192.0.2.7", device_id="door-1"),
        occurred=datetime(2026, 11, 23, 11, 34, tzinfo=UTC),
    )


def open_fast(path: Path, number: int = 1, **options: Any) -> AuditLogger:
    """A logger that does not wait for the disk: these tests are not about power cuts."""
    store = SQLiteStore(path)
    store._writing.execute("PRAGMA synchronous = OFF")
    try:
        return AuditLogger(store, signer(number), **options)
    except BaseException:
        store.close()
        raise


def build(path: Path, batches: Iterable[int], *, log: int = 0, number: int = 1) -> Path:
    """Write a log of batches of these sizes, after the genesis entry."""
    with open_fast(path, number) as logger:
        done = 0
        for size in batches:
            logger.record_many(event(n, log=log) for n in range(done, done + size))
            done += size
    return path


def copy(log: Path, to: Path) -> Path:
    """A copy of a closed log."""
    shutil.copy(log, to)
    return to


@attrs.define
class Row:
    """One entry with all that lies beside it."""

    entry: bytes
    note: str | None
    columns: tuple[Any, ...]
    payload: bytes | None = None


def rows_of(path: Path) -> list[Row]:
    """Take a log apart."""
    with closing(sqlite3.connect(path)) as db:
        payloads = dict(db.execute("SELECT idx, payload FROM payloads"))
        query = f"SELECT idx, entry, checkpoint, {_COLUMNS} FROM entries ORDER BY idx"
        return [Row(r[1], r[2], r[3:], payloads.get(r[0])) for r in db.execute(query)]


def put_together(path: Path, rows: Sequence[Row], *, tiles: bool = False) -> None:
    """Write the rows in place of those of a log, and move the head along.

    Args:
        path: The log.
        rows: Its rows from now on.
        tiles: Write tiles that fit the rows, too; the old ones stay otherwise.
    """
    with tampering(path) as db:
        for table in ("entries", "payloads"):
            db.execute(f"DELETE FROM {table}")
        db.executemany(
            f"INSERT INTO entries (idx, entry, checkpoint, {_COLUMNS}) VALUES ({_MARKS})",
            [(i, row.entry, row.note, *row.columns) for i, row in enumerate(rows)],
        )
        db.executemany(
            "INSERT INTO payloads (idx, payload) VALUES (?, ?)",
            [(i, row.payload) for i, row in enumerate(rows) if row.payload is not None],
        )
        db.execute("UPDATE head SET size = ?", (len(rows),))
        db.execute("DELETE FROM tiles WHERE ((idx + 1) << (8 * level + 8)) > ?", (len(rows),))
        if tiles:
            _write_tiles(db, rows)


def _write_tiles(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    db.execute("DELETE FROM tiles")
    full = TileBuilder().extend([leaf_hash(row.entry) for row in rows])
    db.executemany("INSERT INTO tiles (level, idx, hashes) VALUES (?, ?, ?)", list(full))


def rewrite(path: Path, change: Callable[[list[Row]], object], *, tiles: bool = False) -> list[Row]:
    """Take a log apart, change its rows, and put it together again; returns them."""
    rows = rows_of(path)
    change(rows)
    put_together(path, rows, tiles=tiles)
    return rows


def sql(path: Path, *statements: str) -> None:
    """Change a log's file with SQL, past its guards."""
    with tampering(path) as db:
        db.execute("PRAGMA ignore_check_constraints = 1")
        for statement in statements:
            db.execute(statement)


def raw_sql(path: Path, *statements: str) -> None:
    """Change a log's file with SQL, and leave its guards as they come out of it."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    """The bytes with one bit turned over."""
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def rechained(rows: Sequence[Row], start: int) -> None:
    """Write index and hash of the entry before anew, from some row on."""
    prev = leaf_hash(rows[start - 1].entry) if start else bytes(32)
    for index, row in enumerate(rows[start:], start):
        head = split_entry(row.entry)
        row.entry = frame_entry(index, prev, head.recorded, head.body)
        prev = leaf_hash(row.entry)


def resigned(rows: Sequence[Row], key: Ed25519Signer, start: int = 0) -> None:
    """Sign every checkpoint anew, from some row on."""
    tree = CompactRange()
    for index, row in enumerate(rows):
        tree.append(leaf_hash(row.entry))
        if row.note is not None and index >= start:
            checkpoint = Checkpoint(key.verifier_key.name, tree.size, tree.root())
            row.note = sign_checkpoint(checkpoint, key)


def forge(path: Path, batches: Sequence[tuple[Sequence[WrittenEntry], Ed25519Signer]]) -> Path:
    """Append batches of entries as they are, each signed by anybody, as a lying writer could."""
    tree, builder = CompactRange(), TileBuilder()
    for row in rows_of(path) if path.exists() else []:
        tree.append(leaf_hash(row.entry))
        list(builder.extend([leaf_hash(row.entry)]))
    store = SQLiteStore(path)
    for entries, key in batches:
        first, leaves = tree.size, [leaf_hash(one.entry) for one in entries]
        tree.extend(leaves)
        tiles = [StoredTile(*tile) for tile in builder.extend(leaves)]
        note = sign_checkpoint(Checkpoint(key.verifier_key.name, tree.size, tree.root()), key)
        store.append(Batch(first, entries, note, tiles))
    store.close()
    return path


def verdict(
    path: Path,
    kind: type[VerificationError],
    index: int | None,
    *,
    key: Any = None,
    **options: Any,
) -> VerificationError:
    """Verify, and check that the verdict is of just this kind, at this index."""
    with pytest.raises(VerificationError) as caught:
        verify_log(path, key_of() if key is None else key, **{"workers": 1, **options})
    error = caught.value
    assert (type(error), error.index) == (kind, index), str(error)
    return error

"""Tools of an attacker who holds the SQLite file: for tests of what verification finds.

The triggers that refuse changes guard against mistakes, not against whoever holds the file. These
tools take them off, let you change rows, and put them back, so that nothing but the change itself
is left to be found.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

__all__ = ["copy_log", "edit_entry", "flip_bit", "swap_entries", "tampering"]

_ASIDE = 2**62


@contextmanager
def tampering(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """Change a log's file behind its back, in one transaction, with its triggers off.

    On leaving, the triggers are put back and everything is written into the file itself. If the
    block raises, the file stays as it was.

    Args:
        path: The log's file. Other connections to it must not be writing.

    Yields:
        A connection, inside a transaction.
    """
    with closing(sqlite3.connect(Path(path), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            with _without_triggers(connection):
                yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _without_triggers(connection: sqlite3.Connection) -> Iterator[None]:
    query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
    triggers = connection.execute(query).fetchall()
    for name, _ in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        connection.execute(sql)


def copy_log(path: str | os.PathLike[str], to: str | os.PathLike[str]) -> Path:
    """Copy a log's file as it is now, also while it is written to; returns the copy's path."""
    copy = Path(to)
    with closing(sqlite3.connect(Path(path))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def edit_entry(
    connection: sqlite3.Connection, index: int, change: Callable[[bytes], bytes]
) -> None:
    """Replace the bytes of an entry by what `change` makes of them.

    Raises:
        LookupError: There is no such entry.
    """
    row = connection.execute("SELECT entry FROM entries WHERE idx = ?", (index,)).fetchone()
    if row is None:
        raise LookupError(f"the log has no entry {index}")
    connection.execute("UPDATE entries SET entry = ? WHERE idx = ?", (change(row[0]), index))


def swap_entries(connection: sqlite3.Connection, one: int, other: int) -> None:
    """Let two entries change places, with all that lies beside them but their checkpoints."""
    query = "SELECT checkpoint, idx FROM entries WHERE idx IN (?, ?)"
    checkpoints = connection.execute(query, (one, other)).fetchall()
    older = connection.execute("PRAGMA user_version").fetchone() < (2,)
    for table in ("entries", "payloads") if older else ("entries", "payloads", "sealed"):
        for old, new in ((one, _ASIDE), (other, one), (_ASIDE, other)):
            connection.execute(
                f"UPDATE {table} SET idx = ? WHERE idx = ?",  # noqa: S608 - names of our own
                (new, old),
            )
    connection.executemany("UPDATE entries SET checkpoint = ? WHERE idx = ?", checkpoints)


def flip_bit(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed; bit 0 is the lowest of the first byte."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)

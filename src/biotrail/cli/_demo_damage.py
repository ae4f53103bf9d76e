"""What somebody with write access to the file can do to a log: each on a copy of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from biotrail.errors import VerificationError
from biotrail.verify import verify_log

__all__ = ["DAMAGES", "Damage", "Verdict", "damage_copy"]

_ALTERED, _DELETED, _LAST_KEPT = 3, 4, 6


class Damage(NamedTuple):
    """One way to break a log.

    Attributes:
        what: What is done, in words.
        do: Does it, over a connection to the copy.
        kind: The verdict that must follow; None where verification must pass.
        index: The index that it must name.
        against_checkpoint: Whether the auditor holds a checkpoint from before.
    """

    what: str
    do: Callable[[sqlite3.Connection], object]
    kind: str | None
    index: int | None  # type: ignore[assignment] # shadows tuple.index
    against_checkpoint: bool = False


class Verdict(NamedTuple):
    """What verification said of a damaged copy.

    Attributes:
        kind: The verdict's word; None where everything held.
        exit_code: What ``biotrail verify`` exits with.
        index: The index that it named.
        message: Its sentence.
    """

    kind: str | None
    exit_code: int
    index: int | None  # type: ignore[assignment] # shadows tuple.index
    message: str


def _change_one_byte(copy: sqlite3.Connection) -> None:
    query = "SELECT entry FROM entries WHERE idx = ?"
    entry = bytearray(copy.execute(query, (_ALTERED,)).fetchone()[0])
    entry[len(entry) // 2] ^= 1
    copy.execute("UPDATE entries SET entry = ? WHERE idx = ?", (bytes(entry), _ALTERED))


def _change_sealed(copy: sqlite3.Connection) -> None:
    query = "SELECT payload FROM sealed WHERE idx = ?"
    payload = bytearray(copy.execute(query, (_ALTERED,)).fetchone()[0])
    payload[-1] ^= 1
    copy.execute("UPDATE sealed SET payload = ? WHERE idx = ?", (bytes(payload), _ALTERED))


def _delete_record(copy: sqlite3.Connection) -> None:
    copy.execute("DELETE FROM sealed WHERE idx = ?", (_DELETED,))
    copy.execute("DELETE FROM entries WHERE idx = ?", (_DELETED,))


def _cut_tail(copy: sqlite3.Connection) -> None:
    copy.execute("DELETE FROM sealed WHERE idx > ?", (_LAST_KEPT,))
    copy.execute("DELETE FROM entries WHERE idx > ?", (_LAST_KEPT,))


def _cut_tail_cleanly(copy: sqlite3.Connection) -> None:
    _cut_tail(copy)
    copy.execute("UPDATE head SET size = ?", (_LAST_KEPT + 1,))


DAMAGES: Sequence[Damage] = (
    Damage(f"a byte of entry {_ALTERED} changed", _change_one_byte, "altered", _ALTERED),
    Damage("a byte changed of what is sealed", _change_sealed, "altered", _ALTERED),
    Damage(f"entry {_DELETED} deleted", _delete_record, "missing", _DELETED),
    Damage("last record cut off", _cut_tail, "truncated", _LAST_KEPT + 1),
    Damage("and the head set back", _cut_tail_cleanly, None, None),
    Damage(
        "and a checkpoint was kept",
        _cut_tail_cleanly,
        "rolled back",
        _LAST_KEPT + 1,
        against_checkpoint=True,
    ),
)


def damage_copy(log: Path, copy: Path, damage: Damage, key: str, checkpoint: str) -> Verdict:
    """Copy a log, break the copy, and verify it.

    Args:
        log: The log; only read.
        copy: Path of the copy.
        damage: What to do to it.
        key: The log's verifier key.
        checkpoint: The checkpoint that the auditor kept.
    """
    with _broken_into(log, copy) as connection:
        damage.do(connection)
    kept = checkpoint if damage.against_checkpoint else ()
    try:
        verify_log(copy, key, from_checkpoint=kept, workers=1)
    except VerificationError as error:
        return Verdict(error.kind, error.exit_code, error.index, str(error))
    return Verdict(None, 0, None, "")


@contextmanager
def _broken_into(log: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a copy, past the triggers, which are put back: no trace of force is left."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        with closing(sqlite3.connect(f"{log.absolute().as_uri()}?mode=ro", uri=True)) as original:
            original.backup(connection)
        connection.execute("PRAGMA journal_mode = DELETE")  # one file, not three
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        triggers = connection.execute(query).fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        yield connection
        for _, statement in triggers:
            connection.execute(statement)

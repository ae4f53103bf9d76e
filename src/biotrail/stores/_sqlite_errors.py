"""SQLite's failures in biotrail's words; translated here and nowhere else."""

from __future__ import annotations

import sqlite3
from types import TracebackType

from biotrail.errors import (
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

__all__ = ["FAILURES", "translate", "translated"]

_PRIMARY = 0xFF  # the primary result code lies in the low eight bits of the extended one


FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What Python's module for SQLite raises: the second where a message of SQLite's quotes a damaged
schema, whose text is not UTF-8 any more."""


def translate(error: sqlite3.Error | UnicodeDecodeError, name: str) -> StoreError:
    """The store error that stands for a failure of SQLite on the file `name`."""
    if isinstance(error, UnicodeDecodeError):
        return StoreUnavailableError(f"{name} is damaged: run 'biotrail verify'")
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & _PRIMARY
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(
            f"{name} is locked by another program: close what holds it open for writing, or wait "
            "longer (timeout=)"
        )
    # The second says that the file beside the log, shared by its readers, could not grow.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return StoreFullError(f"no space is left for {name}: free some, then record again")
    if code == sqlite3.SQLITE_READONLY:
        return StoreReadOnlyError(f"{name} cannot be written: check its permissions and its mount")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailableError(f"{name} cannot be opened: {error}")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreUnavailableError(
            f"{name} is damaged or not a database ({error}): run 'biotrail verify'"
        )
    if code == sqlite3.SQLITE_IOERR:
        return StoreUnavailableError(f"the disk failed under {name}: {error}")
    return StoreError(f"{name}: {error}")


class translated:
    """Translates what SQLite raises inside the block; may be used again and again."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, FAILURES):
            raise translate(error, self._name) from error

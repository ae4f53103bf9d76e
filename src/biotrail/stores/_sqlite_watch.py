"""Being told of commits to a SQLite file: SQLite counts those of other connections itself.

``PRAGMA data_version`` reads one number from memory that all processes share, which every commit by
another connection changes. Nothing else is needed, neither a notification of the file system (which
comes at writing, not at committing) nor a package. See decision record 0026.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from biotrail.errors import StoreUnavailableError
from biotrail.stores.watching import PolledWatch

__all__ = ["watch_file"]


def watch_file(
    path: Path, reading: Callable[[], AbstractContextManager[sqlite3.Connection]]
) -> PolledWatch:
    """Watch a file for commits, and for being there at all.

    Args:
        path: The file.
        reading: Gives the waiting thread its connection, the same while it is open.

    Raises:
        StoreUnavailableError: There is no such file.
    """
    file = _identity(path)

    def look() -> tuple[sqlite3.Connection, int]:
        # A connection would go on reading a file that was deleted or replaced.
        if _identity(path) != file:
            raise StoreUnavailableError(
                f"{path} is another file now than when following began: verify it, and open it anew"
            )
        with reading() as connection:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            # The numbers of two connections do not compare: after a fork it is another one.
            return connection, version

    return PolledWatch(look)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoreUnavailableError(
            f"{path} is no longer there: nothing more can be read of this log ({error.strerror})"
        ) from error
    return status.st_dev, status.st_ino

"""Being told of commits to a SQLite file: SQLite counts those of other connections itself.

``PRAGMA data_version`` reads one number from memory that all processes share, which every commit by
another connection changes. Nothing else is needed, neither a notification of the file system (which
comes at writing, not at committing) nor a package. See decision record 0026.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from biotrail.stores._sqlite_file import FileIdentity, check_same_file
from biotrail.stores.watching import PolledWatch

__all__ = ["watch_file"]


def watch_file(
    path: Path,
    file: FileIdentity,
    reading: Callable[[], AbstractContextManager[sqlite3.Connection]],
) -> PolledWatch:
    """Watch a file for commits, and for being there at all.

    Args:
        path: Where it lies.
        file: Which file it is.
        reading: Gives the waiting thread its connection, the same while it is open.
    """

    def look() -> tuple[sqlite3.Connection, int]:
        # A connection would go on reading a file that was deleted or replaced.
        check_same_file(path, file)
        with reading() as connection:
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            # The numbers of two connections do not compare: after a fork it is another one.
            return connection, version

    return PolledWatch(look)

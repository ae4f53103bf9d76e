"""SQLite and fork: no connection may be open at the moment of a fork.

SQLite's locks belong to a process. What it remembers of them is copied into a forked child, where
it is wrong: the child believes that it holds what only the parent holds. When the parent then
closes its last connection, it folds the write-ahead log into the file and deletes it, while the
child goes on writing to the deleted one, and acknowledged records are lost.

So connections are closed just before a fork and opened again when next needed, in the parent and in
the child. Where one cannot be closed just then (a commit or a reading is under way in the thread
that forks, or goes on for too long in another), the child refuses to use the file.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from biotrail.errors import ForkedProcessError

__all__ = ["Lease", "ReadingConnection", "check_usable_here", "inherit", "watch"]

_PATIENCE = 5.0
_INHERITED: list[object] = []
_UNUSABLE: set[tuple[int, int]] = set()


class ReadingConnection(sqlite3.Connection):
    """A connection of one thread, which knows whether it is in use."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lock = threading.Lock()
        self.thread = threading.get_ident()
        self.cursors: WeakSet[sqlite3.Cursor] = WeakSet()
        self.is_open = True

    def close(self) -> None:
        """Close it, and remember that."""
        if self.is_open:
            self.is_open = False
            # A reading that was given up would hold its lock on the file until it is collected.
            for cursor in list(self.cursors):
                cursor.close()
        super().close()

    def close_if_idle(self) -> bool:
        """Close it unless it is in use and stays so; returns whether it is closed."""
        waits = self.thread != threading.get_ident()
        deadline = time.monotonic() + (_PATIENCE if waits else 0)
        while True:
            if self.lock.acquire(blocking=False):
                try:
                    if not self.cursors:
                        self.close()
                        return True
                finally:
                    self.lock.release()
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.001)


class Lease:
    """Closes a thread's connection when the thread ends; the collector may come much later."""

    __slots__ = ("_process", "connection")

    def __init__(self, connection: ReadingConnection) -> None:
        self.connection = connection
        self._process = os.getpid()

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        if self._process == getpid():  # in a child it is not ours to close
            self.connection.close()


class Forkable(Protocol):
    """What holds connections."""

    path: Path

    def let_go(self) -> None:
        """Close all connections, and keep any from being opened until told to go on."""

    def go_on(self) -> None:
        """Go on in the parent."""

    def begin_in_child(self) -> None:
        """Begin anew in the child."""


_watched: WeakSet[Any] = WeakSet()
_holding: list[Forkable] = []
_forking = threading.Lock()


def watch(holder: Forkable) -> None:
    """Tell a holder of connections of every fork to come."""
    _watched.add(holder)


def _before() -> None:
    _forking.acquire()
    for holder in list(_watched):
        _holding.append(holder)
        holder.let_go()


def _in_parent() -> None:
    while _holding:
        _holding.pop().go_on()
    _forking.release()


def _in_child() -> None:
    global _forking
    _forking = threading.Lock()
    _holding.clear()
    for holder in list(_watched):
        holder.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def inherit(path: Path, connections: Iterable[object]) -> None:
    """Take note, in a child, of connections that were open at the fork.

    They are kept out of reach of the collector, since closing them would act on what the parent
    holds; and the file must not be opened in this process.
    """
    kept = list(connections)
    if kept:
        _INHERITED.extend(kept)
        with suppress(OSError):
            _UNUSABLE.add(_identity(path))


def check_usable_here(path: Path) -> None:
    """Refuse a file that the parent of this process had in use when it forked.

    Raises:
        ForkedProcessError: It had.
    """
    if not _UNUSABLE:
        return
    with suppress(OSError):
        if _identity(path) in _UNUSABLE:
            raise ForkedProcessError(
                f"{path} was in use in the parent process at the moment of the fork, so this child "
                "cannot lock it: fork before the log is opened, or start processes by spawn"
            )


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino

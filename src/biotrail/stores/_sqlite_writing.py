"""The connection that writes a log's SQLite file, and the turn of whoever writes over it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from biotrail.errors import StoreReadOnlyError, StoreUnavailableError, UnknownOutcomeError
from biotrail.stores._sqlite_errors import translate, translated
from biotrail.stores._sqlite_fork import check_usable_here, inherit
from biotrail.stores._sqlite_postings import Recent, complete_segments, segments_missing
from biotrail.stores._sqlite_reader import SQLiteReader
from biotrail.stores._sqlite_schema import check_identity, prepare_schema
from biotrail.stores.base import StoredHead

__all__ = ["Writing"]

_CACHE_KIB = 32_768
# Pages that many records share are then folded into the file once, not four times (16 MiB of log).
_WAL_PAGES = 4_000


class Writing(SQLiteReader):
    """Writes over one connection, guarded by a lock; every reading thread has its own."""

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 10.0) -> None:
        """Open the file, creating it (mode 0600) if it is not there.

        Args:
            path: The file. Its directory must exist.
            timeout: Seconds to wait for another program's lock.

        Raises:
            StoreUnavailableError: It cannot be opened, or is not a biotrail log.
            StoreReadOnlyError: It cannot be written.
            StoreBusyError: Another program holds it locked.
        """
        self._timeout = timeout
        self._writing_lock = threading.RLock()
        self._turn_of = 0
        self._turn = _Turn(self)
        self._closed = False
        self._held_for_fork = False
        self._known_head: tuple[int, StoredHead | None] | None = None
        self._remains: set[str] = set()
        self._recent = Recent()
        path = Path(path)
        _create_privately(path)
        self._stale = False
        with translated(str(path)):
            self._writing = self._connect_for_writing(path)
        try:
            super().__init__(path)
            with self._translated:
                self._complete_segments()
        except BaseException:
            self.close()
            raise

    def _connect_for_writing(self, path: Path) -> sqlite3.Connection:
        for place in (path, path.absolute().parent):  # the write-ahead log lies beside the file
            if not os.access(place, os.W_OK):
                raise StoreReadOnlyError(f"{place} cannot be written: check its permissions")
        check_usable_here(path)
        connection = sqlite3.connect(
            path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            check_identity(connection, str(path))  # before anything in the file is changed
            self._use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            # The indexes over tags are written all over; by default 2 MB of them are kept at hand.
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            connection.execute("BEGIN IMMEDIATE")
            prepare_schema(connection, str(path))
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _complete_segments(self) -> None:
        """Write the postings of an older log; between two transactions others get their turn."""
        connection, goes_on = self._writing, segments_missing(self._writing) > 0
        while goes_on:
            connection.execute("BEGIN IMMEDIATE")
            try:
                (size,) = connection.execute("SELECT size FROM head WHERE one = 1").fetchone()
                goes_on = complete_segments(connection, size, self._recent) > 0
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def renew_postings(self) -> None:
        """Throw all postings away and write them anew from the look-up columns.

        Broken off, it leaves less of them than there could be: readers read the columns instead,
        and who opens the log for writing next goes on.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._translated, self._writing_lock:
            self._begin()
            try:
                self._writing.execute("DELETE FROM postings")
                self._writing.execute("DELETE FROM posting_times")
                self._writing.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._complete_segments()

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        # Of several that switch a new file at once, SQLite turns all but one away without a wait.
        deadline = monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                    raise
            sleep(0.005)

    def turn(self) -> AbstractContextManager[None]:
        """Take the writer's turn among all threads and processes."""
        return self._turn

    def take_turn(self) -> None:
        """Wait for the turn; to be given back by the same thread."""
        try:
            self._writing_lock.acquire()
            self._begin()
            self._turn_of = threading.get_ident()
        except BaseException:
            with suppress(RuntimeError):  # interrupted before the lock was had
                self.give_turn_back()
            raise

    def give_turn_back(self) -> None:
        """Let the next one write; what was not committed is rolled back."""
        self._turn_of = 0
        try:
            self._roll_back()
        finally:
            self._writing_lock.release()

    def _begin(self) -> None:
        if self._closed:
            raise StoreUnavailableError(f"{self.path}: the store is closed")
        try:
            if self._stale or self._writing.in_transaction:
                self._renew()
            self._writing.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise translate(error, str(self.path)) from error

    def _begin_writing(self) -> None:
        """Begin a transaction, unless the turn of this thread has begun one."""
        if not self._turn_of:
            self._begin()
        elif not self._writing.in_transaction:
            self._writing.execute("BEGIN IMMEDIATE")

    def _renew(self) -> None:
        """Open the writing connection anew: after a fork, or when a transaction hangs in it."""
        check_usable_here(self.path)
        self._known_head, self._stale = None, True
        self._writing.close()
        self._writing = self._connect_for_writing(self.path)
        self._stale = False

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # Whoever has the turn reads over the writing connection: no second lock, no second cache.
        if self._turn_of == threading.get_ident() and not self._stale:
            yield self._writing
            return
        with super()._reading() as connection:
            yield connection

    def head(self) -> StoredHead | None:
        """The head, or None for an empty store."""
        if self._turn_of != threading.get_ident() or self._stale:
            return super().head()
        # SQLite counts the commits of other connections: without one, the head is as it was.
        with self._translated:
            version = self._writing.execute("PRAGMA data_version").fetchone()[0]
        if self._known_head is None or self._known_head[0] != version:
            self._known_head = version, super().head()
        return self._known_head[1]

    def _commit(self) -> None:
        try:
            self._writing.execute("COMMIT")
        except sqlite3.Error as error:
            # No space, or busy: SQLite has written no commit, and nothing of it is durable. Of a
            # failing disk it cannot say: the frames may be there.
            failed_disk = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_IOERR
            self._roll_back()
            translated_error = translate(error, str(self.path))
            if failed_disk:
                raise UnknownOutcomeError(
                    f"{self.path}: the disk failed while committing, so it is not known whether "
                    "the records are durable; record the same events again"
                ) from translated_error
            raise translated_error from error

    def _roll_back(self) -> None:
        try:
            if not self._stale and self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
        except sqlite3.Error:
            # Closing drops the transaction: what hangs in it must neither be seen nor grow.
            self._stale = True
            self._writing.close()

    def let_go(self) -> None:
        """Before a fork: close all connections, once no commit is under way."""
        waits = self._turn_of != threading.get_ident()
        self._held_for_fork = waits and self._writing_lock.acquire(timeout=self._timeout + 5)
        if self._held_for_fork:
            self._writing.close()
            self._stale = True
        super().let_go()

    def go_on(self) -> None:
        """After a fork, in the parent: connections are opened again when next needed."""
        super().go_on()
        if self._held_for_fork:
            self._held_for_fork = False
            self._writing_lock.release()

    def begin_in_child(self) -> None:
        """After a fork, in the child: what was still open is not to be touched."""
        if not self._stale:
            inherit(self.path, [self._writing])
            self._writing, self._stale = sqlite3.connect(":memory:"), True
            self._writing.close()
        super().begin_in_child()
        self._writing_lock = threading.RLock()
        self._turn_of = 0
        self._known_head = None

    def reopen_after_fork(self) -> None:
        """Open the file anew in a child."""
        with self._writing_lock, translated(str(self.path)):
            self._renew()

    def close(self) -> None:
        """Close all connections; the write-ahead log is folded into the file."""
        with self._writing_lock:
            self._closed = True
            super().close()
            self._writing.close()


class _Turn:
    """The writer's turn as a context."""

    __slots__ = ("_store",)

    def __init__(self, store: Writing) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._store.take_turn()

    def __exit__(self, *_: object) -> None:
        self._store.give_turn_back()


def _create_privately(path: Path) -> None:
    """Create the file for this user only: payloads lie in it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        read_only = isinstance(error, PermissionError) or error.errno == 30
        kind = StoreReadOnlyError if read_only else StoreUnavailableError
        raise kind(f"{path} cannot be created: {error.strerror}") from error

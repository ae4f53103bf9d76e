"""A gallery that rests in PostgreSQL, encrypted, and is searched in the memory of many nodes.

A node keeps an ordinary `Gallery` in memory, remembers the number of the last change that it has
seen, and asks for what came later. How changes lie in the database, and what it cannot read of
them, is in `biotrail.matchers.gallery._changes`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biotrail._closing import Closing
from biotrail.errors import MissingDependencyError, UnknownReferenceError
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._changes import CHANNEL, Changes
from biotrail.matchers.gallery._checks import checked_id, checked_rows, refuse_others
from biotrail.matchers.gallery._ends import end_of
from biotrail.matchers.gallery._expiring import Gallery
from biotrail.matchers.gallery.candidates import Candidate, Identification
from biotrail.matchers.reference import Reference, checked_reference_id

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["PostgresGallery"]


class PostgresGallery(Closing):
    """A gallery in PostgreSQL, and this node's copy of it. Thread-safe.

    A change is durable when the call returns, and seen by this node from then on; by others when
    they refresh, or within `follow`'s interval, usually at once. `gallery` is an ordinary
    `Gallery`, e.g. for ``attempt.identify``; change it through this object only. Its version is the
    number of the last change that this node has seen, the same on all nodes.

    Deleted rows stay in PostgreSQL's files, sealed, until they are vacuumed.

    Args:
        connection: What ``psycopg.connect`` takes.
        card: As for a `Gallery`.
        key: 32 bytes, the same on all nodes.
        name: Name of the gallery: several may share a database.
        clock: As for a `Gallery`; by it references end on this node.

    Raises:
        MissingDependencyError: psycopg is not installed.
        MatcherError: The gallery is of another model, or was made with another key.
    """

    def __init__(
        self,
        connection: str,
        card: ModelCard,
        *,
        key: bytes,
        name: str = "gallery",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDependencyError(
                "PostgresGallery needs psycopg: pip install 'biotrail[postgres]'"
            ) from error
        self.gallery = Gallery(card, name=name, clock=clock)
        self._info = connection
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard: datetime | None = None
        self._connection = psycopg.connect(connection, autocommit=True)
        try:
            self._changes = Changes(self._connection, card, name, key)
            self.refresh()
        except BaseException:
            self._connection.close()
            raise

    # --- changing ----------------------------------------------------------------------------

    def add(
        self,
        features: Features,
        *,
        reference: str | None = None,
        refuse_duplicates: float | None = None,
    ) -> str:
        """Enrol features or a reference; as `Gallery.add`.

        Args:
            features: Of this gallery's model.
            reference: As for `Gallery.add`.
            refuse_duplicates: A threshold; references of another id that reach it, whichever node
                enrolled them, are duplicates. No node can enrol in between.

        Raises:
            DuplicateReferenceError: The person seems to be enrolled already; nothing was added.
            MatcherError: Another model made the features, or they cannot be compared.
            psycopg.Error: The database failed; the reference may or may not be enrolled.
        """
        rows = checked_rows(self.gallery.card, features)
        identifier = checked_id(features, reference)
        with self._lock, self._changes.alone():
            if refuse_duplicates is not None:
                self._take_in(self._connection)  # all that was committed before this lock
                found = self.gallery.duplicates(features, threshold=refuse_duplicates)
                refuse_others(found, identifier)
            self._changes.add(identifier, rows, end_of(features))
        self.refresh()
        return identifier

    def remove(self, reference: str) -> int:
        """Remove a reference; answers how many samples it had.

        Raises:
            UnknownReferenceError: There is none with this id.
            psycopg.Error: The database failed; the reference may or may not be there still.
        """
        checked_reference_id(reference)
        with self._lock, self._changes.alone():
            removed = self._changes.remove(reference)
            if not removed:
                raise UnknownReferenceError("no reference with this id is in the gallery")
        self.refresh()
        return removed

    # --- following ---------------------------------------------------------------------------

    @property
    def heard(self) -> datetime | None:
        """When this node last knew that it was up to date: a node that is cut off grows old."""
        return self._heard

    def refresh(self) -> int:
        """Take in what has changed; answers how many changes there were.

        Raises:
            MatcherError: A row was changed, moved or sealed with another key.
            psycopg.Error: The database cannot be reached.
        """
        return self._take_in(self._connection)

    def _take_in(self, connection: Connection[Any]) -> int:
        table, digest = self.gallery._table, self.gallery.card.digest
        count = 0
        with self._lock:
            began = datetime.now(UTC)
            for number, reference, row, end in self._changes.after(table.version, connection):
                if row is not None:
                    self.gallery.add(
                        Reference(card_digest=digest, values=row, id=reference, expires=end)
                    )
                elif reference in self.gallery:
                    self.gallery.remove(reference)
                table.version = number
                count += 1
            self._heard = began
        return count

    def follow(self, *, every: float = 1.0) -> None:
        """Take in others' changes from now on, in a thread of this object's, until `close`.

        PostgreSQL tells of changes at once; besides, and after a lost connection, the thread asks.

        Args:
            every: Seconds after which to ask in any case.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._following, args=(every,), daemon=True)
            self._thread.start()

    def _following(self, every: float) -> None:
        import psycopg

        while not self._stop.is_set():
            try:
                with psycopg.connect(self._info, autocommit=True) as own:
                    own.execute(f"LISTEN {CHANNEL}")
                    while not self._stop.is_set():
                        self._take_in(own)
                        list(own.notifies(timeout=every, stop_after=1))
            except psycopg.Error:
                self._stop.wait(every)

    # --- searching ---------------------------------------------------------------------------

    def identify(
        self, probe: Features, *, threshold: float | None = None, top: int | None = None
    ) -> Identification:
        """Search this node's copy; as `Gallery.identify`."""
        return self.gallery.identify(probe, threshold=threshold, top=top)

    def identify_many(
        self,
        probes: Sequence[Features],
        *,
        threshold: float | None = None,
        top: int | None = None,
    ) -> list[Identification]:
        """Search this node's copy; as `Gallery.identify_many`."""
        return self.gallery.identify_many(probes, threshold=threshold, top=top)

    def duplicates(self, features: Features, *, threshold: float) -> tuple[Candidate, ...]:
        """Search this node's copy; as `Gallery.duplicates`."""
        return self.gallery.duplicates(features, threshold=threshold)

    def __len__(self) -> int:
        return len(self.gallery)

    def __contains__(self, reference: str) -> bool:
        return reference in self.gallery

    def close(self) -> None:
        """End following, and close the connection; calling it again does nothing."""
        self._stop.set()
        if self._thread is not None:
            if not self._connection.closed:
                self._connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))  # wakes it
            self._thread.join()
        self._connection.close()

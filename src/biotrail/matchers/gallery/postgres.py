"""A gallery that rests in PostgreSQL, encrypted, and is searched in the memory of many nodes.

Every change of a gallery has a number, given under a lock of the gallery's row, so that changes are
committed in the order of their numbers and without gaps. A node keeps an ordinary `Gallery` in
memory, remembers the last number it has seen, and asks for what came later. A removal deletes the
reference's rows and leaves its id, so that nodes learn of it.

Features are sealed with AES-256-GCM under a key of the gallery's own (HKDF-SHA256 of the host's key
with the gallery's salt), bound to the gallery, the change's number and the reference's id: the
database holds ids, numbers and sealed values, and a row that was moved or changed does not open.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from biotrail.errors import MatcherError, MissingDependencyError, UnknownReferenceError
from biotrail.matchers._closing import Closing
from biotrail.matchers.backend import Features
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._checks import checked_id, checked_rows
from biotrail.matchers.gallery._cipher import RowCipher, new_salt
from biotrail.matchers.gallery._gallery import Gallery
from biotrail.matchers.gallery.candidates import Identification
from biotrail.matchers.reference import checked_reference_id

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["PostgresGallery"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS biotrail_gallery (
    name text PRIMARY KEY, card bytea NOT NULL, salt bytea NOT NULL, proof bytea NOT NULL,
    changes bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS biotrail_gallery_change (
    gallery text NOT NULL REFERENCES biotrail_gallery (name), number bigint NOT NULL,
    reference text NOT NULL, sealed bytea, PRIMARY KEY (gallery, number)
);
CREATE INDEX IF NOT EXISTS biotrail_gallery_reference
    ON biotrail_gallery_change (gallery, reference);
"""
_CHANNEL = "biotrail_gallery"
_LOCK = 0x62_74_67_61
"""Advisory lock while tables are made: two nodes may start at once."""


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

    Raises:
        MissingDependencyError: psycopg is not installed.
        MatcherError: The gallery is of another model, or was made with another key.
    """

    def __init__(
        self, connection: str, card: ModelCard, *, key: bytes, name: str = "gallery"
    ) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise MissingDependencyError(
                "PostgresGallery needs psycopg: pip install 'biotrail[postgres]'"
            ) from error
        self.gallery = Gallery(card, name=name)
        self._info = connection
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard: datetime | None = None
        self._connection = psycopg.connect(connection, autocommit=True)
        try:
            self._cipher = self._open(key)
            self.refresh()
        except BaseException:
            self._connection.close()
            raise

    def _open(self, key: bytes) -> RowCipher:
        """Find the gallery, or make it, and see that card and key are its own."""
        card, name = self.gallery.card.digest, self.gallery.name
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            cursor.execute(_SCHEMA)
            asked = "SELECT card, salt, proof FROM biotrail_gallery WHERE name = %s"
            found = cursor.execute(asked, (name,)).fetchone()
            if found is None:
                cipher = RowCipher(key, salt := new_salt())
                proof = cipher.seal(b"", name, 0, "")
                cursor.execute(
                    "INSERT INTO biotrail_gallery VALUES (%s, %s, %s, %s, 0)",
                    (name, card, salt, proof),
                )
                return cipher
        if bytes(found[0]) != card:
            raise MatcherError(
                f"the gallery {name} is of another model (card {bytes(found[0]).hex()[:16]}, not "
                f"{card.hex()[:16]}); enrol again with this one, under another name"
            )
        cipher = RowCipher(key, bytes(found[1]))
        cipher.open(bytes(found[2]), name, 0, "")
        return cipher

    # --- changing ----------------------------------------------------------------------------

    def add(self, features: Features, *, reference: str | None = None) -> str:
        """Enrol features or a reference; as `Gallery.add`, without the refusal of duplicates.

        Raises:
            MatcherError: Another model made the features, or they cannot be compared.
            psycopg.Error: The database failed; the reference may or may not be enrolled.
        """
        rows = checked_rows(self.gallery.card, features)
        identifier = checked_id(features, reference)
        with self._lock, self._connection.transaction(), self._connection.cursor() as cursor:
            last = self._next(cursor, len(rows))
            for number, row in enumerate(rows, last - len(rows) + 1):
                plain = row.astype("<f4").tobytes()
                sealed = self._cipher.seal(plain, self.gallery.name, number, identifier)
                cursor.execute(
                    "INSERT INTO biotrail_gallery_change VALUES (%s, %s, %s, %s)",
                    (self.gallery.name, number, identifier, sealed),
                )
        self.refresh()
        return identifier

    def remove(self, reference: str) -> int:
        """Remove a reference; answers how many samples it had.

        Raises:
            UnknownReferenceError: There is none with this id.
            psycopg.Error: The database failed; the reference may or may not be there still.
        """
        checked_reference_id(reference)
        name = self.gallery.name
        with self._lock, self._connection.transaction(), self._connection.cursor() as cursor:
            number = self._next(cursor, 1)
            cursor.execute(
                "DELETE FROM biotrail_gallery_change "
                "WHERE gallery = %s AND reference = %s AND sealed IS NOT NULL",
                (name, reference),
            )
            removed = cursor.rowcount
            if not removed:
                raise UnknownReferenceError("no reference with this id is in the gallery")
            cursor.execute(
                "INSERT INTO biotrail_gallery_change VALUES (%s, %s, %s, NULL)",
                (name, number, reference),
            )
        self.refresh()
        return removed

    def _next(self, cursor: Any, count: int) -> int:
        """The last of so many numbers for changes, under the lock that keeps them in order."""
        name = self.gallery.name
        cursor.execute(
            "UPDATE biotrail_gallery SET changes = changes + %s WHERE name = %s RETURNING changes",
            (count, name),
        )
        (last,) = cursor.fetchone()
        cursor.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, name))
        return int(last)

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
        import numpy

        table, name = self.gallery._table, self.gallery.name
        with self._lock, connection.cursor() as cursor:
            began = datetime.now(UTC)
            cursor.execute(
                "SELECT number, reference, sealed FROM biotrail_gallery_change "
                "WHERE gallery = %s AND number > %s ORDER BY number",
                (name, table.version),
            )
            found = cursor.fetchall()
            for number, reference, sealed in found:
                if sealed is None:
                    if reference in self.gallery:
                        self.gallery.remove(reference)
                else:
                    plain = self._cipher.open(bytes(sealed), name, number, reference)
                    row = numpy.frombuffer(plain, "<f4").astype(numpy.float64)
                    digest = self.gallery.card.digest
                    self.gallery.add(Features(card_digest=digest, values=row), reference=reference)
                table.version = number
            self._heard = began
        return len(found)

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
                    own.execute(f"LISTEN {_CHANNEL}")
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

    def __len__(self) -> int:
        return len(self.gallery)

    def __contains__(self, reference: str) -> bool:
        return reference in self.gallery

    def close(self) -> None:
        """End following, and close the connection; calling it again does nothing."""
        self._stop.set()
        if self._thread is not None:
            if not self._connection.closed:
                self._connection.execute("SELECT pg_notify(%s, '')", (_CHANNEL,))  # wakes it
            self._thread.join()
        self._connection.close()

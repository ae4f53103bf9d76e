"""The rows of a gallery in PostgreSQL: numbered changes, sealed for their place.

Every change has a number, given under a lock of the gallery's row, so that changes are committed in
the order of their numbers and without gaps. A removal deletes the reference's rows and leaves its
id, so that nodes learn of it.

What is sealed of a sample is its values, float32, and where it has an end, that in microseconds
since 1970, 8 bytes, all little-endian. The key for AES-256-GCM is the gallery's own (HKDF-SHA256 of
the host's key with the gallery's salt), and each row is bound to the gallery, the change's number
and the reference's id: the database holds ids, numbers and sealed values, and a row that was moved
or changed does not open.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from biotrail.errors import MatcherError
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._cipher import RowCipher, new_salt

if TYPE_CHECKING:
    from psycopg import Connection

    from biotrail.matchers.backend import Vector
    from biotrail.matchers.search.kernels import Rows

__all__ = ["CHANNEL", "Changes"]

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
CHANNEL = "biotrail_gallery"
"""Where PostgreSQL tells of changes."""
_END = struct.Struct("<q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LOCK = 0x62_74_67_61
"""Advisory lock while tables are made: two nodes may start at once."""


class Changes:
    """The changes of one gallery, which is made where there is none.

    Args:
        connection: To the database.
        card: Card of the gallery's model.
        name: Name of the gallery.
        key: The host's key, 32 bytes.

    Raises:
        MatcherError: The gallery is of another model, or was made with another key.
    """

    def __init__(self, connection: Connection[Any], card: ModelCard, name: str, key: bytes) -> None:
        self._connection, self._name = connection, name
        self._dimension = card.dimension
        self._cipher = self._open(card.digest, key)

    def _open(self, card: bytes, key: bytes) -> RowCipher:
        """Find the gallery, or make it, and see that card and key are its own."""
        name = self._name
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

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction during which no other node changes the gallery."""
        locked = "SELECT 1 FROM biotrail_gallery WHERE name = %s FOR UPDATE"
        with self._connection.transaction():
            self._connection.execute(locked, (self._name,))
            yield

    def add(self, reference: str, rows: Rows, end: datetime | None) -> None:
        """Write samples of a reference, float32, and when it ends; in a transaction."""
        last = self._next(len(rows))
        ending = b"" if end is None else _END.pack((end - _EPOCH) // _MICROSECOND)
        for number, row in enumerate(rows, last - len(rows) + 1):
            plain = row.astype("<f4").tobytes() + ending
            self._write(number, reference, self._cipher.seal(plain, self._name, number, reference))

    def remove(self, reference: str) -> int:
        """Delete the samples of a reference, and answer how many there were; in a transaction."""
        number = self._next(1)
        gone = self._connection.execute(
            "DELETE FROM biotrail_gallery_change "
            "WHERE gallery = %s AND reference = %s AND sealed IS NOT NULL",
            (self._name, reference),
        )
        self._write(number, reference, None)
        return gone.rowcount

    def after(
        self, number: int, connection: Connection[Any]
    ) -> Iterator[tuple[int, str, Vector | None, datetime | None]]:
        """Later changes in their order: number, reference, sample and its end.

        The sample is None for a removal, and the end where it has none.

        Raises:
            MatcherError: A row was changed, moved or sealed with another key.
        """
        import numpy

        found = connection.execute(
            "SELECT number, reference, sealed FROM biotrail_gallery_change "
            "WHERE gallery = %s AND number > %s ORDER BY number",
            (self._name, number),
        ).fetchall()
        for later, reference, sealed in found:
            if sealed is None:
                yield later, reference, None, None
            else:
                plain = self._cipher.open(bytes(sealed), self._name, later, reference)
                row = numpy.frombuffer(plain, "<f4", self._dimension).astype(numpy.float64)
                yield later, reference, row, _end(plain[4 * self._dimension :])

    def _next(self, count: int) -> int:
        """The last of so many numbers for changes, under the lock that keeps them in order."""
        counted = self._connection.execute(
            "UPDATE biotrail_gallery SET changes = changes + %s WHERE name = %s RETURNING changes",
            (count, self._name),
        ).fetchone()
        self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self._name))
        (last,) = counted or (0,)
        return int(last)

    def _write(self, number: int, reference: str, sealed: bytes | None) -> None:
        self._connection.execute(
            "INSERT INTO biotrail_gallery_change VALUES (%s, %s, %s, %s)",
            (self._name, number, reference, sealed),
        )


def _end(sealed: bytes) -> datetime | None:
    """The end that stands behind a sample's values, if it has one."""
    return _EPOCH + _END.unpack(sealed)[0] * _MICROSECOND if sealed else None

"""The rows of a reference store: sealed on the way in, opened and checked on the way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from biotrail.errors import (
    AlteredReferenceError,
    MatcherError,
    RevokedReferenceError,
    UnknownReferenceError,
)
from biotrail.matchers._reference_file import ReferenceFile
from biotrail.matchers._reference_seal import ACTIVE, REVOKED, RowHead, RowSeal
from biotrail.matchers._traces import needles_of
from biotrail.matchers.reference import Reference

__all__ = ["ReferenceRows", "Row"]

Row = tuple[RowHead, bytes]
"""What is not secret of a row, and what is sealed."""

_ROW = "SELECT id, card, mark, state, sealed FROM reference WHERE id = ?"
_INSERT = "INSERT INTO reference VALUES (?, ?, ?, ?, ?)"
_REVOKE = "UPDATE reference SET state = ?, sealed = ? WHERE id = ?"
_DELETE = "DELETE FROM reference WHERE id = ?"
_IDS = "SELECT id FROM reference WHERE state <= ? ORDER BY id"
_IDS_OF_PERSON = "SELECT id FROM reference WHERE state <= ? AND mark = ? ORDER BY id"
_IDS_OF_CARD = "SELECT id FROM reference WHERE state <= ? AND card = ? ORDER BY id"
_SHORTEST_SOUGHT = 16
"""Shorter ids are not sought in the file's bytes: they could be part of anything."""


class ReferenceRows:
    """Rows of one file under one seal. Who changes them holds a transaction of the file."""

    def __init__(self, file: ReferenceFile, seal: RowSeal) -> None:
        self._file, self._seal = file, seal

    def ids(
        self, *, subject: str | None = None, card: bytes | None = None, revoked: bool = False
    ) -> list[str]:
        """Identifiers in ascending order: of all, of one person, or of one card."""
        state = REVOKED if revoked else ACTIVE
        if subject is not None:
            found = self._file.query(_IDS_OF_PERSON, (state, self._seal.mark(subject)))
        elif card is not None:
            found = self._file.query(_IDS_OF_CARD, (state, card))
        else:
            found = self._file.query(_IDS, (state,))
        return [row[0] for row in found]

    def find(self, ids: Sequence[str]) -> list[Row]:
        """Those rows that there are."""
        return [_parts(row) for id in ids for row in self._file.query(_ROW, (id,))]

    def row(self, id: str) -> Row:
        """One row, or UnknownReferenceError."""
        rows = self.find([id])
        if not rows:
            raise UnknownReferenceError(f"no reference is kept under {id!r}")
        return rows[0]

    def open(self, id: str) -> Reference:
        """The reference, expired or not; what was revoked or altered is refused."""
        head, sealed = self.row(id)
        content = self._seal.open(head, sealed)
        if head.state == REVOKED:
            raise RevokedReferenceError(f"the reference {id!r} was revoked")
        return Reference.from_bytes(content)

    def insert(self, reference: Reference, mark: bytes) -> None:
        """Seal and keep a reference under an id that is not taken."""
        if reference.id is None:
            raise MatcherError("a reference that is kept needs an id")
        if self.find([reference.id]):
            raise MatcherError(f"the id {reference.id!r} is taken; a new reference has a new id")
        head = RowHead(reference.id, reference.card_digest, mark, ACTIVE)
        self._file.query(_INSERT, (*head, self._seal.seal(head, reference.to_bytes())))

    def revoke(self, id: str, reason: str, when: datetime) -> bytes:
        """Put a tombstone in a row's place, and return what was sealed in it."""
        head, sealed = self.row(id)
        if head.state == REVOKED:
            raise RevokedReferenceError(f"the reference {id!r} is revoked already")
        ended = head._replace(state=REVOKED)
        tombstone = self._seal.seal(ended, f"{when.isoformat()} {reason}".encode())
        self._file.query(_REVOKE, (REVOKED, tombstone, id))
        return sealed

    def delete(self, ids: Sequence[str]) -> list[Row]:
        """Delete those rows that there are, and return them as they were."""
        rows = self.find(ids)
        for head, _ in rows:
            self._file.query(_DELETE, (head.id,))
        return rows

    def needles(self, rows: Sequence[Row]) -> list[bytes]:
        """What must not be in the file after these rows are deleted.

        Sealed bytes, and ids, unless they are short or part of another id that stays.
        """
        needles = [one for _, sealed in rows for one in needles_of(sealed)]
        names = [head.id for head, _ in rows if len(head.id) >= _SHORTEST_SOUGHT]
        others = "\n".join(self.ids(revoked=True)) if names else ""
        return needles + [name.encode() for name in names if name not in others]


def _parts(row: tuple[Any, ...]) -> Row:
    """A row whose columns have the types that were written."""
    id, card, mark, state, sealed = row
    blobs = all(isinstance(one, bytes) for one in (card, mark, sealed))
    if not (isinstance(id, str) and blobs and state in (ACTIVE, REVOKED)):
        raise AlteredReferenceError("a row of the reference store was changed or damaged")
    return RowHead(id, card, mark, state), sealed

"""Cursors: where the next page begins, for one question to one log at one size.

A cursor is opaque and bound to what it was given for; it grants nothing. The size of the first
page's checkpoint is in it, so that its pages are the same while the log grows.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

from biotrail.errors import QueryError

__all__ = ["Asked", "Cursor", "Position", "read_cursor", "write_cursor"]

_DOMAIN = b"biotrail/cursor/1\n"
_VERSION = 1
_FIELDS = Struct(">B4s8sQqQ")
_CHECK = 12


class Position(NamedTuple):
    """Where the page before ended.

    Attributes:
        key: What was sorted by: the index, or microseconds since 1970.
        index: Index of the last entry that was looked at.
    """

    key: int
    index: int  # type: ignore[assignment] # shadows tuple.index


class Asked(NamedTuple):
    """What a cursor is bound to.

    Attributes:
        origin: The log's origin.
        question: The condition as text, and the order.
    """

    origin: str
    question: str


def write_cursor(asked: Asked, size: int, root: bytes, position: Position) -> str:
    """The cursor of the page after a position.

    Args:
        asked: The question.
        size: Size of the checkpoint that all its pages are proven against.
        root: Root of that checkpoint.
        position: Where this page ended.
    """
    fields = _FIELDS.pack(
        _VERSION, _digest(asked.origin, 4), _digest(asked.question, 8), size, *position
    )
    return urlsafe_b64encode(fields + _check(fields, root)).decode("ascii")


def read_cursor(text: str, asked: Asked) -> Cursor:
    """Read a cursor.

    Raises:
        QueryError: It is none, or was given for another log or another question.
    """
    try:
        data = b64decode(text, altchars=b"-_", validate=True)
    except (TypeError, ValueError):
        data = b""
    whole = len(data) == _FIELDS.size + _CHECK and urlsafe_b64encode(data) == text.encode()
    if not whole or data[0] != _VERSION:
        raise QueryError("this is no cursor: begin again with the first page")
    _, origin, question, size, key, index = _FIELDS.unpack_from(data)
    if origin != _digest(asked.origin, 4):
        raise QueryError("this cursor was given for another log")
    if question != _digest(asked.question, 8):
        raise QueryError("this cursor was given for another condition or another order")
    return Cursor(size, Position(key, index), data)


class Cursor(NamedTuple):
    """A cursor that was read.

    Attributes:
        size: Size of the checkpoint that its pages are proven against.
        position: Where the page before ended.
        data: Its bytes.
    """

    size: int
    position: Position
    data: bytes

    def check(self, root: bytes) -> None:
        """Check that it is as it was given.

        Args:
            root: Root of the checkpoint of its size.

        Raises:
            QueryError: It was altered, or is of another log of the same name.
        """
        fields = self.data[: _FIELDS.size]
        if self.data[_FIELDS.size :] != _check(fields, root):
            raise QueryError("this cursor was altered, or is of another log: begin again")


def _digest(text: str, size: int) -> bytes:
    return sha256(_DOMAIN + text.encode()).digest()[:size]


def _check(fields: bytes, root: bytes) -> bytes:
    return sha256(_DOMAIN + root + fields).digest()[:_CHECK]

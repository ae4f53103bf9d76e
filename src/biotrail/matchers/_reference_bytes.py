"""The bytes of a reference, in two versions; see docs/spec/references.md.

Nothing here knows the class: plain parts in, bytes out, and back. What is read is written again and
compared, so that one reference has one form of bytes.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["Parts", "read_reference", "write_reference"]

_FIRST = b"biotrail/reference/1\n"
_SECOND = b"biotrail/reference/2\n"
_DIGEST = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = -(2**63)
_REAL, _SIGNS = 0, 1


class Parts(NamedTuple):
    """What the bytes hold.

    Attributes:
        digest: Digest of the model card, 32 bytes.
        id: Identifier, or None.
        rows: The samples' values, float64, of the shape (samples, values).
        created: When it was enrolled, in UTC, or None.
        expires: When it ends, in UTC, or None.
    """

    digest: bytes
    id: str | None
    rows: Vector
    created: datetime | None = None
    expires: datetime | None = None


def write_reference(parts: Parts) -> bytes:
    """The bytes: version 1 where that can say it all, else version 2."""
    several = len(parts.rows) > 1 or parts.created is not None or parts.expires is not None
    return _second(parts) if several or _are_signs(parts.rows) else _first(parts)


def read_reference(data: bytes) -> Parts:
    """Read what `write_reference` wrote, and all bytes of version 1.

    Raises:
        ValueError: These are not the bytes of a reference.
    """
    import numpy

    given: object = data
    if not isinstance(given, bytes | bytearray | memoryview):
        raise ValueError(f"{type(given).__name__} instead of bytes")
    data = bytes(given)
    reader = _Reader(data)
    head = reader.take(len(_FIRST))
    if head not in (_FIRST, _SECOND):
        raise ValueError("wrong first line")
    try:
        parts = _read_first(reader) if head == _FIRST else _read_second(reader)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
    again = _first(parts) if head == _FIRST else write_reference(parts)
    if again != data or not parts.rows.size or not numpy.isfinite(parts.rows).all():
        raise ValueError("not as it would be written")
    return parts


def _first(parts: Parts) -> bytes:
    values = parts.rows.astype("<f8").tobytes()
    return _FIRST + parts.digest + _text(parts.id) + struct.pack("<I", parts.rows.shape[1]) + values


def _second(parts: Parts) -> bytes:
    count, length = parts.rows.shape
    signs = _are_signs(parts.rows)
    times = struct.pack("<qq", _microseconds(parts.created), _microseconds(parts.expires))
    shape = struct.pack("<HIB", count, length, _SIGNS if signs else _REAL)
    values = _pack_signs(parts.rows) if signs else parts.rows.astype("<f8").tobytes()
    return _SECOND + parts.digest + _text(parts.id) + times + shape + values


def _read_first(reader: _Reader) -> Parts:
    digest, name = reader.take(_DIGEST), reader.text()
    (length,) = reader.unpack("<I")
    return Parts(digest, name, reader.real(1, length))


def _read_second(reader: _Reader) -> Parts:
    digest, name = reader.take(_DIGEST), reader.text()
    created, expires, count, length, kind = reader.unpack("<qqHIB")
    if kind not in (_REAL, _SIGNS):
        raise ValueError("unknown form of values")
    rows = reader.real(count, length) if kind == _REAL else reader.signs(count, length)
    return Parts(digest, name, rows, _moment(created), _moment(expires))


def _are_signs(rows: Vector) -> bool:
    """Whether all values are 1 or -1, and fill whole bytes: a projection's signs, one bit each."""
    return rows.shape[1] % 8 == 0 and bool((abs(rows) == 1).all())


def _pack_signs(rows: Vector) -> bytes:
    import numpy

    return numpy.packbits(rows > 0, axis=1, bitorder="little").tobytes()


def _text(value: str | None) -> bytes:
    encoded = (value or "").encode()
    return struct.pack("<H", len(encoded)) + encoded


def _microseconds(moment: datetime | None) -> int:
    return _ABSENT if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime | None:
    return None if microseconds == _ABSENT else _EPOCH + timedelta(microseconds=microseconds)


class _Reader:
    """Reads from the front, and never beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("cut off")
        self._at += count
        return taken

    def unpack(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def text(self) -> str | None:
        (length,) = self.unpack("<H")
        return self.take(length).decode() or None

    def real(self, count: int, length: int) -> Vector:
        import numpy

        values = numpy.frombuffer(self.take(count * length * 8), "<f8")
        return values.astype(numpy.float64).reshape(count, length)

    def signs(self, count: int, length: int) -> Vector:
        import numpy

        packed = numpy.frombuffer(self.take(count * (length // 8)), numpy.uint8)
        bits = numpy.unpackbits(packed, bitorder="little").reshape(count, length)
        return bits.astype(numpy.float64) * 2 - 1

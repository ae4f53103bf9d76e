r"""A reference: the features that a person was enrolled with, and how a host keeps them.

The bytes of a reference, for the host to encrypt and store (all numbers little-endian)::

    "biotrail/reference/1\n" · card digest (32) · length of id (2) · id, UTF-8
                             · number of values (4) · values, float64

They are biometric data: whoever reads them can look for the person elsewhere.
"""

from __future__ import annotations

import struct

import attrs

from biotrail.errors import MatcherError
from biotrail.matchers.backend import Features

__all__ = ["Reference"]

_HEAD = b"biotrail/reference/1\n"
_IDENTIFIER_LIMIT = 128


def _identifier(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None and not 1 <= len(value.encode()) <= _IDENTIFIER_LIMIT:
        raise MatcherError("the id of a reference must have 1 to 128 bytes, or be None")


@attrs.frozen(eq=False, kw_only=True)
class Reference(Features):
    """Features that were enrolled for later comparisons.

    Attributes:
        id: Random identifier of the reference, or None. It is written into log entries and stays
            there, so it must not be a person's name.
    """

    id: str | None = attrs.field(default=None, validator=_identifier)

    @property
    def reference_id(self) -> str | None:
        """The same as `id`."""
        return self.id

    @classmethod
    def from_features(cls, features: Features, *, id: str | None = None) -> Reference:
        """Enrol these features, under an identifier if one is given."""
        return cls(card_digest=features.card_digest, values=features.values, id=id)

    def to_bytes(self) -> bytes:
        """The reference as bytes, to be encrypted and kept by the host."""
        name = (self.id or "").encode()
        values = self.values.astype("<f8").tobytes()
        head = _HEAD + self.card_digest + struct.pack("<H", len(name)) + name
        return head + struct.pack("<I", len(values) // 8) + values

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """Read what `to_bytes` wrote.

        Raises:
            MatcherError: These are not the bytes of a reference.
        """
        import numpy

        try:
            digest, name, count, body = _split(data)
            values = numpy.frombuffer(body, "<f8").astype(numpy.float64)
            reference = cls(card_digest=digest, values=values, id=name.decode() or None)
        except (struct.error, ValueError) as error:
            raise MatcherError("these bytes are not a reference") from error
        if reference.to_bytes() != data or not count or not numpy.isfinite(values).all():
            raise MatcherError("these bytes are not a reference")
        return reference


def _split(data: bytes) -> tuple[bytes, bytes, int, bytes]:
    """Digest, id, number of values, and the values' bytes."""
    if not data.startswith(_HEAD):
        raise ValueError("wrong first line")
    at = len(_HEAD) + 32
    (length,) = struct.unpack_from("<H", data, at)
    name = data[at + 2 : at + 2 + length]
    (count,) = struct.unpack_from("<I", data, at + 2 + length)
    return data[at - 32 : at], name, count, data[at + 6 + length :]

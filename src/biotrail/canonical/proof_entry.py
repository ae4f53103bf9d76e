"""The entry that travels in a proof file: what the file's ``extra`` line holds.

Deterministic CBOR, ``{"entry": bstr}``, so that the file alone shows what was recorded.
"""

from __future__ import annotations

from biotrail.canonical.cbor import decode_value, encode_value
from biotrail.errors import CanonicalError

__all__ = ["decode_proof_entry", "encode_proof_entry"]

_NAME = "entry"


def encode_proof_entry(entry: bytes) -> bytes:
    """The bytes of ``extra`` for an entry."""
    return encode_value({_NAME: entry})


def decode_proof_entry(extra: bytes) -> bytes:
    """The entry in the bytes of ``extra``.

    Raises:
        CanonicalError: Not what `encode_proof_entry` would emit.
    """
    value = decode_value(extra)
    entry = value.get(_NAME) if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(entry, bytes):
        raise CanonicalError("the extra line of a biotrail proof file holds exactly one entry")
    return entry

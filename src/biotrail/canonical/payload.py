r"""Payloads: the personal fields of an event, and the commitments that bind an entry to them.

An entry holds one hash, the *payload root*. It is computed over one salted commitment per field,
so that a single field can be shown, with its own salt and the other fields' commitments, without
showing the others; and so that once payload and salt are destroyed nothing about a field can be
confirmed by guessing. The rules (specified in ``docs/spec/payload.md``)::

    field salt   = SHA-256("biotrail/salt/1\n"    || CBOR(name) || payload salt)
    commitment   = SHA-256("biotrail/field/1\n"   || field salt || CBOR([event id, name, value]))
    payload root = SHA-256("biotrail/payload/1\n" || commitment || commitment ...)

with the fields in the canonical order of their names. The work for a field is constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

import cbor2

from biotrail.canonical.cbor import CborValue, decode_value, encode_value
from biotrail.errors import CanonicalError

__all__ = [
    "SALT_SIZE",
    "Payload",
    "commitment",
    "commitments_of",
    "decode_payload",
    "encode_payload",
    "field_salt",
    "payload_root",
]

SALT_SIZE = 32
MAXIMUM_FIELDS = 23
_KEPT_NAMES = 256
_VERSION = 1
SALT_DOMAIN = b"biotrail/salt/1\n"
FIELD_DOMAIN = b"biotrail/field/1\n"
ROOT_DOMAIN = b"biotrail/payload/1\n"


class Payload(NamedTuple):
    """A payload, decoded.

    Attributes:
        salt: 32 random bytes, in no other place than this payload.
        fields: Field names and values, in canonical order.
    """

    salt: bytes
    fields: dict[str, CborValue]


def field_salt(salt: bytes, name: str) -> bytes:
    """The salt of one field; showing it says nothing about the others'."""
    return sha256(SALT_DOMAIN + cbor2.dumps(name) + salt).digest()


def commitment(event_id: bytes, name: str, value: CborValue, own_salt: bytes) -> bytes:
    """The commitment to one field of one event, given that field's own salt."""
    return _commitment(event_id, name, encode_value(value), own_salt)


def _commitment(event_id: bytes, name: str, value: bytes, own_salt: bytes) -> bytes:
    committed = b"\x83\x50" + event_id + cbor2.dumps(name) + value
    return sha256(FIELD_DOMAIN + own_salt + committed).digest()


def payload_root(commitments: Iterable[bytes]) -> bytes:
    """The hash that the entry holds, over the fields' commitments in canonical order."""
    return sha256(ROOT_DOMAIN + b"".join(commitments)).digest()


def commitments_of(event_id: bytes, payload: Payload) -> list[bytes]:
    """All commitments of a payload as it was decoded: everything in it is in canonical order."""
    return [
        _commitment(event_id, name, cbor2.dumps(value), field_salt(payload.salt, name))
        for name, value in payload.fields.items()
    ]


def encode_payload(
    event_id: bytes, fields: Sequence[tuple[str, CborValue]], salt: bytes
) -> tuple[bytes, bytes]:
    """Encode personal fields and commit to them.

    The caller gives plain values that have a canonical form (the event's own door saw to it) and
    names in canonical order; this is the hot path and does not check them again.

    Args:
        event_id: The event's id, 16 bytes.
        fields: At least one and at most 23 pairs of name and value.
        salt: 32 bytes from a cryptographic source, used for this payload only.

    Returns:
        The payload's bytes and its root.

    Raises:
        CanonicalError: Salt or number of fields out of bounds.
    """
    if len(salt) != SALT_SIZE or not 1 <= len(fields) <= MAXIMUM_FIELDS:
        raise CanonicalError("a payload needs a salt of 32 bytes and 1 to 23 fields")
    parts = [b"\x83\x01\x58\x20", salt, bytes((0xA0 + len(fields),))]
    commitments = [ROOT_DOMAIN]
    add_part, add_commitment, dumps = parts.append, commitments.append, cbor2.dumps
    # CBOR([event id, name, value]) begins so: an array of three, a byte string of 16.
    opening = b"\x83\x50" + event_id
    for name, value in fields:
        encoded_name, salted = _names.get(name) or _name(name)
        encoded = encoded_name + dumps(value)
        add_part(encoded)
        own_salt = sha256(salted + salt).digest()
        add_commitment(sha256(FIELD_DOMAIN + own_salt + opening + encoded).digest())
    return b"".join(parts), sha256(b"".join(commitments)).digest()


def decode_payload(data: bytes) -> Payload:
    """Decode a payload, strictly.

    Raises:
        CanonicalError: Not canonical, or not of a payload's form.
    """
    value = decode_value(data)
    # True equals 1 in Python, and is another byte.
    if not isinstance(value, list) or len(value) != 3 or value[0] is True or value[0] != _VERSION:
        raise CanonicalError("a payload is an array of version 1, salt and fields")
    _, salt, fields = value
    if not isinstance(salt, bytes) or len(salt) != SALT_SIZE:
        raise CanonicalError("a payload's salt has 32 bytes")
    if not isinstance(fields, dict) or not 1 <= len(fields) <= MAXIMUM_FIELDS:
        raise CanonicalError("a payload holds a map of 1 to 23 fields")
    return Payload(salt, fields)


_names: dict[str, tuple[bytes, bytes]] = {}


def _name(name: str) -> tuple[bytes, bytes]:
    """A field's name encoded, alone and after the domain of the salts; kept for the next time."""
    encoded = cbor2.dumps(name)
    if len(_names) < _KEPT_NAMES:
        _names[name] = encoded, SALT_DOMAIN + encoded
    return encoded, SALT_DOMAIN + encoded

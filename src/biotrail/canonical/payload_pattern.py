"""The usual payload as one regular expression over its bytes, cut into its fields.

One pass says of most payloads what decoding and re-encoding would say: that they are canonical. It
also gives each field as it is encoded, which is what the commitments are over. It accepts less than
`biotrail.canonical.payload.decode_payload`, and nothing that it would refuse; fields that a host's
policy has moved here, the host's own attributes, and texts that are long or not in ASCII are left
to the general decoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from operator import itemgetter
from typing import TypeAlias

import cbor2

from biotrail.canonical.event_pattern import ascii_text, encoded_word, integer, one_of, unsigned
from biotrail.canonical.payload import FIELD_DOMAIN, ROOT_DOMAIN, SALT_DOMAIN

__all__ = ["root_of_usual_payload"]

_LONG = 255
_MAP = 0xA0
_SALT_AT, _SALT_END = 4, 36
_KEYS = 6  # of a location that has all of them
_Groups: TypeAlias = tuple[bytes | None, ...]


def root_of_usual_payload(event_id: bytes, data: bytes) -> bytes | None:
    """The payload root of a payload in its bytes, if it is a usual one in canonical form.

    None means only that the general decoder must be asked.

    Args:
        event_id: The event's id, 16 bytes.
        data: The payload.
    """
    match, salted_names, fields_of, location_of = _compiled()
    found = match(data)
    if found is None:
        return None
    groups = found.groups()
    header, *optional = location_of(groups)
    if header is not None and header[0] - _MAP != _KEYS - optional.count(None):
        return None
    salt = data[_SALT_AT:_SALT_END]
    # CBOR([event id, name, value]) begins so: an array of three, a byte string of 16.
    opening = b"\x83\x50" + event_id
    commitments = [ROOT_DOMAIN]
    for salted, encoded in zip(salted_names, fields_of(groups), strict=True):
        if encoded is not None:
            own = FIELD_DOMAIN + sha256(salted + salt).digest() + opening
            commitments.append(sha256(own + encoded).digest())
    if data[_SALT_END] - _MAP != len(commitments) - 1:
        return None
    return sha256(b"".join(commitments)).digest()


@cache
def _compiled() -> tuple[
    Callable[[bytes], re.Match[bytes] | None],
    tuple[bytes, ...],
    Callable[[_Groups], _Groups],
    Callable[[_Groups], _Groups],
]:
    """The expression, and before each field's salt is hashed what goes first.

    Also the fields among its groups; and the header of a location, and the keys that it may have.
    """
    text = ascii_text(64)
    person = rb"(?:\xa1%b|\xa2%b%b)"
    subject = person % (_pair("id", text), _pair("id", text), _pair("name", text))
    actor = rb"(?:\xa2%b|\xa3%b%b)" % (
        _pair("id", text) + _pair("kind", text),
        _pair("id", text) + _pair("kind", text),
        _pair("name", text),
    )
    forms = {
        "ip": one_of([rb"\x44.{4}", rb"\x50.{16}"]),
        "actor": actor,
        "subject": subject,
        "location": _location(text),
        "device_id": text,
        "session_id": text,
        "user_agent": ascii_text(_LONG),
        "score_micro": integer(),
    }
    fields = b"".join(
        b"(?P<%b>" % name.encode() + _pair(name, form) + b")?" for name, form in forms.items()
    )
    pattern = rb"\x83\x01\x58\x20.{32}[\xa1-\xa9]" + fields
    salted = tuple(SALT_DOMAIN + cbor2.dumps(name) for name in forms)
    compiled = re.compile(pattern, re.DOTALL)
    places = [compiled.groupindex[name] - 1 for name in forms]
    inner = [one for one in range(compiled.groups) if one not in places]
    return compiled.fullmatch, salted, itemgetter(*places), itemgetter(*inner)


def _location(text: bytes) -> bytes:
    """A location; its header is a group, and so is each key that may be missing."""
    optional = {"city": text, "region": text, "country": text, "accuracy_m": unsigned()}
    keys = b"".join(b"(" + _pair(name, form) + b")?" for name, form in optional.items())
    place = _pair("latitude_micro", integer()) + _pair("longitude_micro", integer())
    return rb"([\xa2-\xa6])" + keys + place


def _pair(name: str, form: bytes) -> bytes:
    return encoded_word(name) + form

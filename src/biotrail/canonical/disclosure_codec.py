"""Disclosures as bytes: what the extra line of their file holds, in its one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from biotrail.canonical.cbor import decode_value, encode_value
from biotrail.canonical.disclosure import Disclosed, DisclosedPart, ShownField
from biotrail.canonical.payload import MAXIMUM_FIELDS
from biotrail.canonical.sealed import Remnant
from biotrail.errors import CanonicalError

__all__ = ["decode_disclosure", "encode_disclosure", "is_disclosure"]

_CLEAR, _SEALED = 1, 2
_OWNERS = (0, 1, 2)


def is_disclosure(extra: bytes) -> bool:
    """Whether the extra of a proof file says that it is a disclosure's."""
    return extra.startswith(b"\xa2\x65entry")


def encode_disclosure(disclosed: Disclosed) -> bytes:
    """The bytes of ``extra``."""
    first = disclosed.parts[0]
    payload: list[Any]
    if isinstance(first, DisclosedPart) and first.owner is None:
        payload = [_CLEAR, _encoded(first.fields)]
    else:
        payload = [_SEALED, [_encoded_part(part) for part in disclosed.parts]]
    return encode_value({"entry": disclosed.entry, "payload": payload})


def _encoded_part(part: DisclosedPart | Remnant) -> list[Any]:
    if isinstance(part, Remnant):
        return list(part)
    return [part.owner, part.seal, _encoded(part.fields)]


def _encoded(fields: Sequence[ShownField | bytes]) -> list[Any]:
    return [
        [field.name, encode_value(field.value), field.salt]
        if isinstance(field, ShownField)
        else field
        for field in fields
    ]


def decode_disclosure(extra: bytes) -> Disclosed:
    """Decode the bytes of ``extra``, strictly.

    Raises:
        CanonicalError: Not of a disclosure's form.
    """
    value = decode_value(extra)
    if not isinstance(value, dict) or list(value) != ["entry", "payload"]:
        raise CanonicalError("the extra line of a disclosure holds an entry and what is shown")
    entry, payload = value["entry"], value["payload"]
    if not isinstance(entry, bytes) or not isinstance(payload, list) or len(payload) != 2:
        raise CanonicalError("what a disclosure shows is an array of version and fields or parts")
    version, content = payload
    if type(version) is not int or version not in (_CLEAR, _SEALED):
        raise CanonicalError("what a disclosure shows is of version 1 or 2")
    if version == _CLEAR:
        return _checked(entry, (DisclosedPart(None, None, _fields(content)),))
    if not isinstance(content, list) or not content:
        raise CanonicalError("a disclosure of a sealed payload has at least one part")
    return _checked(entry, tuple(map(_part, content)))


def _checked(entry: bytes, parts: tuple[DisclosedPart | Remnant, ...]) -> Disclosed:
    disclosed = Disclosed(entry, parts)
    count = sum(
        isinstance(field, ShownField)
        for part in parts
        if isinstance(part, DisclosedPart)
        for field in part.fields
    )
    if not count or count != len(disclosed.fields):
        raise CanonicalError("a disclosure shows at least one field, and none twice")
    return disclosed


def _part(value: object) -> DisclosedPart | Remnant:
    if isinstance(value, list) and value and type(value[0]) is int and value[0] in _OWNERS:
        if len(value) == 2 and _is_hash(value[1]):
            return Remnant(value[0], value[1])
        if len(value) == 3 and _is_hash(value[1]):
            return DisclosedPart(value[0], value[1], _fields(value[2]))
    raise CanonicalError("a part is [owner, seal, fields], or [owner, root] where it is hidden")


def _fields(value: object) -> tuple[ShownField | bytes, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAXIMUM_FIELDS:
        raise CanonicalError(f"a disclosure has 1 to {MAXIMUM_FIELDS} fields of a part")
    fields = tuple(map(_field, value))
    names = [field.name for field in fields if isinstance(field, ShownField)]
    # The names themselves are checked by what makes a map of them.
    if list(dict.fromkeys(names)) != names or encode_value(dict.fromkeys(names)) != _map(names):
        raise CanonicalError("shown fields stand in canonical order, each once")
    return fields


def _map(names: Sequence[str]) -> bytes:
    """A map of these names to null, in this order."""
    encoded = [encode_value(name) + b"\xf6" for name in names]
    return bytes((0xA0 + len(names),)) + b"".join(encoded)


def _field(value: object) -> ShownField | bytes:
    if _is_hash(value):
        assert isinstance(value, bytes)
        return value
    if isinstance(value, list) and len(value) == 3:
        name, data, salt = value
        if isinstance(name, str) and isinstance(data, bytes) and _is_hash(salt):
            return ShownField(name, decode_value(data), salt)
    raise CanonicalError("a field is [name, value, salt], or a commitment where it is hidden")


def _is_hash(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == 32

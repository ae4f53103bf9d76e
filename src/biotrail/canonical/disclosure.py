"""Disclosures: chosen personal fields of one event, and the commitments of the others.

What is shown of a payload, or of a part of a sealed one, is a list in the order of its fields: of a
shown field its name, value and own salt, of a hidden one its commitment. From these the payload
root in the entry is calculated again. Specified in ``docs/spec/disclosure.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from biotrail.canonical.cbor import CborValue, decode_value, encode_value
from biotrail.canonical.payload import (
    MAXIMUM_FIELDS,
    Payload,
    commitment,
    commitments_of,
    field_salt,
    payload_root,
)
from biotrail.canonical.sealed import Part, Remnant, SealedPart, root_over_parts, root_with_seal
from biotrail.errors import CanonicalError

__all__ = [
    "Disclosed",
    "DisclosedPart",
    "ShownField",
    "decode_disclosure",
    "disclose",
    "disclosed_root",
    "encode_disclosure",
    "is_disclosure",
]

_CLEAR, _SEALED = 1, 2
_OWNERS = (0, 1, 2)


class ShownField(NamedTuple):
    """A field that is shown.

    Attributes:
        name: Its name.
        value: Its value.
        salt: The field's own salt, 32 bytes.
    """

    name: str
    value: CborValue
    salt: bytes


class DisclosedPart(NamedTuple):
    """What is shown of a part of a payload, or of one in the clear.

    Attributes:
        owner: Whom it concerns, as in a sealed payload; None for a payload in the clear.
        seal: SHA-256 over key, nonce and ciphertext; None for a payload in the clear.
        fields: Shown fields, and the commitments of the others, in order.
    """

    owner: int | None
    seal: bytes | None
    fields: tuple[ShownField | bytes, ...]


class Disclosed(NamedTuple):
    """What the extra line of a disclosure holds.

    Attributes:
        entry: The entry's bytes.
        parts: What is shown of each part, or what stands for one that is hidden whole; exactly one
            without owner where the payload is in the clear.
    """

    entry: bytes
    parts: tuple[DisclosedPart | Remnant, ...]

    @property
    def fields(self) -> dict[str, CborValue]:
        """The fields that are shown."""
        return {
            field.name: field.value
            for part in self.parts
            if isinstance(part, DisclosedPart)
            for field in part.fields
            if isinstance(field, ShownField)
        }


def disclose(
    event_id: bytes,
    names: Collection[str],
    payloads: Mapping[int, Payload],
    parts: Sequence[Part] = (),
) -> tuple[DisclosedPart | Remnant, ...]:
    """Choose what to show.

    Args:
        event_id: The event's id, 16 bytes.
        names: Names of the fields to show; each must be in one of the payloads.
        payloads: The opened parts by owner; of a payload in the clear, that alone under any key.
        parts: The stored parts of a sealed payload; empty for one in the clear.

    Returns:
        What is shown of each part; a part of which nothing is shown is hidden whole.
    """
    if not parts:
        (payload,) = payloads.values()
        return (DisclosedPart(None, None, _chosen(event_id, names, payload)),)
    return tuple(_disclosed(event_id, names, payloads.get(part.owner), part) for part in parts)


def _disclosed(
    event_id: bytes, names: Collection[str], payload: Payload | None, part: Part
) -> DisclosedPart | Remnant:
    if not isinstance(part, SealedPart):
        return part
    if payload is None or not any(name in payload.fields for name in names):
        return part.remnant()
    return DisclosedPart(part.owner, part.seal, _chosen(event_id, names, payload))


def _chosen(
    event_id: bytes, names: Collection[str], payload: Payload
) -> tuple[ShownField | bytes, ...]:
    return tuple(
        ShownField(name, value, field_salt(payload.salt, name)) if name in names else hidden
        for (name, value), hidden in zip(
            payload.fields.items(), commitments_of(event_id, payload), strict=True
        )
    )


def disclosed_root(event_id: bytes, parts: Sequence[DisclosedPart | Remnant]) -> bytes:
    """The payload root that follows from what is shown, 32 bytes."""
    roots = [_root(event_id, part) for part in parts]
    first = parts[0]
    is_clear = isinstance(first, DisclosedPart) and first.owner is None
    return roots[0] if is_clear else root_over_parts(roots)


def _root(event_id: bytes, part: DisclosedPart | Remnant) -> bytes:
    if isinstance(part, Remnant):
        return part.root
    fields_root = payload_root(
        commitment(event_id, *field) if isinstance(field, ShownField) else field
        for field in part.fields
    )
    if part.owner is None or part.seal is None:
        return fields_root
    return root_with_seal(part.owner, fields_root, part.seal)


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

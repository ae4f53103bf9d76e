"""Disclosures: chosen personal fields of one event, and the commitments of the others.

What is shown of a payload, or of a part of a sealed one, is a list in the order of its fields: of a
shown field its name, value and own salt, of a hidden one its commitment. From these the payload
root in the entry is calculated again. Specified in ``docs/spec/disclosure.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from biotrail.canonical.cbor import CborValue
from biotrail.canonical.payload import (
    Payload,
    commitment,
    commitments_of,
    field_salt,
    payload_root,
)
from biotrail.canonical.sealed import Part, Remnant, SealedPart, root_over_parts, root_with_seal

__all__ = [
    "Disclosed",
    "DisclosedPart",
    "ShownField",
    "disclose",
    "disclosed_root",
]


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

"""Destroying payloads in chunks, each a transaction; what is destroyed already is passed by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from biotrail.canonical import Entry, decode_entry, decode_payload
from biotrail.canonical.sealed import ACTOR, Part, SealedPart, decode_sealed, encode_sealed
from biotrail.errors import CanonicalError
from biotrail.stores.sealed import SealedStore, SealedStoreReader

__all__ = [
    "CHUNK",
    "chunks",
    "clear_of",
    "count_destroyed",
    "count_named_in_clear",
    "destroy_clear",
    "destroy_parts",
    "owner_reference",
]

CHUNK = 1_000


def chunks(indices: Iterable[int]) -> Iterator[list[int]]:
    """Indices in groups that one transaction bears."""
    group: list[int] = []
    for index in indices:
        group.append(index)
        if len(group) == CHUNK:
            yield group
            group = []
    if group:
        yield group


def destroy_parts(
    store: SealedStore, indices: Iterable[int], is_due: Callable[[int, SealedPart], bool]
) -> int:
    """Replace parts of sealed payloads by what remains of them.

    Args:
        store: The store.
        indices: Where to look.
        is_due: Says of an index and a part whether it is to be destroyed.

    Returns:
        How many parts were destroyed.
    """
    count = 0
    for group in chunks(indices):
        replaced = []
        for index, data in store.payloads_at(group).items():
            try:
                parts = decode_sealed(data)
            except CanonicalError:
                continue  # altered, or in the clear: no part of it can be told from another
            due = [isinstance(one, SealedPart) and is_due(index, one) for one in parts]
            if any(due):
                replaced.append((index, _remains(parts, due), _takes_tags(parts, due)))
                count += sum(due)
        if replaced:
            store.replace_payloads(replaced)
    return count


def _remains(parts: Sequence[Part], due: Sequence[bool]) -> bytes:
    return encode_sealed(
        [
            part.remnant() if gone and isinstance(part, SealedPart) else part
            for part, gone in zip(parts, due, strict=True)
        ]
    )


def _takes_tags(parts: Sequence[Part], due: Sequence[bool]) -> bool:
    """Whether device and address, which the tags lead to, are among what is destroyed."""
    # Beside a subject, the actor's part holds the actor's identity alone.
    return len(parts) == 1 or any(
        gone and part.owner != ACTOR for part, gone in zip(parts, due, strict=True)
    )


def clear_of(store: SealedStoreReader, references: frozenset[bytes], through: int) -> Iterator[int]:
    """Indices of payloads in the clear whose entry's subject is one of these references."""
    for group in chunks(list(store.clear_payloads(0, through))):
        for index, data in sorted(store.entries_at(group).items()):
            if any(one in data for one in references):
                entry = _decoded(data)
                if entry is not None and entry.content.get("subject") in references:
                    yield index


def destroy_clear(store: SealedStore, indices: Iterable[int]) -> int:
    """Delete payloads in the clear; returns how many there were."""
    return sum(store.delete_payloads(group) for group in chunks(list(indices)))


def count_destroyed(
    store: SealedStoreReader,
    references: frozenset[bytes],
    through: int,
    is_retained: Callable[[Entry], bool],
    *,
    sealed_only: bool = False,
) -> int:
    """How many parts and payloads of these references are gone.

    For an erasure that was broken off, of which it is not known any more what it had destroyed.

    Args:
        store: The store.
        references: Whose.
        through: Looks at every entry below this.
        is_retained: Says of an event whether its payload went before, by a retention.
        sealed_only: Look at sealed payloads alone: these are found without looking at every entry.
    """
    found: set[int] = set()
    if not sealed_only:
        found.update(i for i, columns in store.lookups(0, through) if columns.subject in references)
    for one in references:
        found.update(store.sealed_of(one, 0, through))
    count = 0
    for group in chunks(sorted(found)):
        payloads = store.payloads_at(group)
        for index, data in store.entries_at(group).items():
            entry = _decoded(data)
            if entry is not None and "payload" in entry.content and not is_retained(entry):
                count += _gone(entry, payloads.get(index), references)
    return count


def count_named_in_clear(store: SealedStoreReader, tenant: str, identity: str) -> int:
    """How many payloads in the clear name a person as the actor, and go with somebody else."""
    head, name = store.head(), identity.encode()
    count = 0
    for group in chunks(store.clear_payloads(0, 0 if head is None else head.size)):
        naming = [index for index, data in store.payloads_at(group).items() if name in data]
        payloads = store.payloads_at(naming)
        for index, data in store.entries_at(naming).items():
            entry = _decoded(data)
            if entry is not None and (entry.content.get("tenant") or "") == tenant:
                count += _is_named_as_actor_alone(payloads[index], identity)
    return count


def _is_named_as_actor_alone(data: bytes, identity: str) -> bool:
    try:
        fields: Any = decode_payload(data).fields
    except CanonicalError:
        return False
    named = [
        isinstance(fields.get(who), dict) and fields[who].get("id") == identity
        for who in ("subject", "actor")
    ]
    return named == [False, True]


def _gone(entry: Entry, data: bytes | None, references: frozenset[bytes]) -> int:
    if data is None:
        return int(entry.content.get("subject") in references)
    try:
        parts = decode_sealed(data)
    except CanonicalError:
        return 0
    return sum(
        not isinstance(part, SealedPart) and owner_reference(entry, part.owner) in references
        for part in parts
    )


def owner_reference(entry: Entry, owner: int) -> object:
    """The reference of whom a part concerns, as the entry says; None for nobody known."""
    if owner == 0:
        return None
    return entry.content.get("actor" if owner == ACTOR else "subject")


def _decoded(data: bytes) -> Entry | None:
    try:
        return decode_entry(data)
    except CanonicalError:
        return None

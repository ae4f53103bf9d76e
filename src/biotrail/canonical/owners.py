"""Whose parts a sealed payload has: the one rule for whoever opens it and whoever verifies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from biotrail.canonical.sealed import ACTOR, NOBODY, SUBJECT, Owner, Part, SealedPart

__all__ = ["WrongOwner", "is_usual", "owners_of", "wrong_owner"]

_NOBODY: Mapping[Owner, bytes | None] = {NOBODY: None}
_WHOSE = {SUBJECT: "of the subject", ACTOR: "of the actor"}


class WrongOwner(NamedTuple):
    """What is wrong with the owners of parts.

    Attributes:
        what: In words.
        expected: What should be there.
        found: What is there.
    """

    what: str
    expected: object
    found: object


def owners_of(subject: bytes | None, actor: bytes | None) -> Mapping[Owner, bytes | None]:
    """Whose parts the sealed payload of an event has, and by which reference; in order.

    Args:
        subject: The reference of the subject that the entry names.
        actor: The reference of the actor that it names.
    """
    owners: dict[Owner, bytes | None] = {} if subject is None else {SUBJECT: subject}
    if actor is not None and actor != subject:
        owners[ACTOR] = actor
    return owners or _NOBODY


def is_usual(parts: Sequence[Part], subject: bytes | None, actor: bytes | None) -> bool:
    """Whether parts are a subject's, and an actor's who is somebody else: told at once.

    True where `wrong_owner` would find nothing; False says nothing.
    """
    if subject is None:
        return False
    others = actor is not None and actor != subject
    if len(parts) != 1 + others or not _is_sealed_for(parts[0], SUBJECT, subject):
        return False
    return not others or _is_sealed_for(parts[1], ACTOR, actor)


def _is_sealed_for(part: Part, owner: Owner, reference: bytes | None) -> bool:
    return type(part) is SealedPart and part.owner == owner and part.key == reference


def wrong_owner(parts: Sequence[Part], owners: Mapping[Owner, bytes | None]) -> WrongOwner | None:
    """What is wrong if parts are not those of their owners, each under the owner's own key."""
    found = [part.owner for part in parts]
    if found != list(owners):
        return WrongOwner("it has not the parts of those whom the entry names", [*owners], found)
    for part in parts:
        reference = owners[part.owner]
        if reference is not None and isinstance(part, SealedPart) and part.key != reference:
            whose = _WHOSE[part.owner]
            return WrongOwner(
                f"the part {whose} names the key of somebody else", reference.hex(), part.key.hex()
            )
    return None

"""Legal holds: whose records are not to be destroyed, as the log's entries say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from biotrail.audit.erasure_request import checked_reason, checked_tenant, person_of
from biotrail.audit.overtaken import Overtaken, Write
from biotrail.audit.receipt import Receipt
from biotrail.canonical import format_time, parse_time
from biotrail.errors import (
    ErasureIncompleteError,
    EventError,
    LegalHoldError,
    UnknownPersonError,
    VaultError,
)
from biotrail.events import Subject
from biotrail.sealing import People
from biotrail.sealing.destroyed import entries_of_kind
from biotrail.stores.sealed import SealedStore, SealedStoreReader

__all__ = [
    "Hold",
    "HoldReason",
    "holds",
    "holds_in_force",
    "place_hold",
    "references_of",
    "refuse_held",
    "release_hold",
]

_ID_SIZE = 16


class HoldReason(StrEnum):
    """Why records are held, or held no more. Hosts add their own as ``host.<word>``."""

    LITIGATION = "litigation"
    INVESTIGATION = "investigation"
    LEGAL_OBLIGATION = "legal_obligation"
    SUBJECT_REQUEST = "subject_request"
    """The person wants them kept, to establish a claim (GDPR Art. 18(1)(c))."""
    ENDED = "ended"
    """What it was placed for is over."""


@attrs.frozen
class Hold:
    """A hold as the log has it.

    Attributes:
        id: Names it, 16 bytes.
        index: Index of the entry that places it.
        references: Whose records are held, 16 bytes each.
        reason: Why.
        until: When it ends by itself, if it does.
        released: Index of the entry that released it, if one did.
    """

    id: bytes
    index: int
    references: tuple[bytes, ...]
    reason: str
    until: datetime | None = None
    released: int | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether it holds at this time."""
        return self.released is None and (self.until is None or now < self.until)


def holds(store: SealedStoreReader) -> list[Hold]:
    """All holds, in the order in which they were placed, read from the entries themselves."""
    found: dict[bytes, Hold] = {}
    for entry in entries_of_kind(store, "hold_placed", "hold_released"):
        content: dict[str, Any] = entry.content
        name, known = content["id"], found.get(content["id"])
        if entry.kind == "hold_released":
            if known is not None and known.released is None:
                found[name] = attrs.evolve(known, released=entry.index)
            continue
        until = parse_time(content["until"]) if "until" in content else None
        hold = Hold(name, entry.index, tuple(content["references"]), content["reason"], until)
        found.setdefault(name, hold)
    return list(found.values())


def holds_in_force(store: SealedStoreReader, now: datetime) -> list[Hold]:
    """The holds that are in force at a time."""
    return [one for one in holds(store) if one.is_in_force(now)]


def refuse_held(store: SealedStoreReader, references: Iterable[bytes], now: datetime) -> None:
    """Refuse to erase what is held.

    Raises:
        LegalHoldError: A hold on one of the references is in force.
    """
    wanted = frozenset(references)
    found = [one for one in holds_in_force(store, now) if wanted.intersection(one.references)]
    if found:
        places = tuple(one.index for one in found)
        raise LegalHoldError(
            f"the person's records are under a legal hold (entries {', '.join(map(str, places))}): "
            "release it first",
            places,
        )


def references_of(
    store: SealedStore, people: People, tenant: str, identity: str
) -> tuple[bytes, ...]:
    """All references under which a person has records, sealed or not, and not erased.

    Raises:
        UnknownPersonError: There are none.
    """
    gone = people.fenced[1]
    found = [*people.references(tenant, identity), *store.references(tenant, identity)]
    found = [one for one in dict.fromkeys(found) if one not in gone]
    if not found:
        raise UnknownPersonError(
            "nothing leads to records of this person: never recorded in this log, in another "
            "tenant, or erased already"
        )
    return tuple(found)


def place_hold(
    store: SealedStore,
    people: People,
    subject: Subject | str,
    *,
    write: Write,
    name: bytes,
    reason: str,
    tenant: str | None = None,
    until: datetime | None = None,
) -> Hold:
    """Place a hold; see `biotrail.AuditLogger.place_hold`.

    Args:
        store: The log's store.
        people: Those whom the log knows.
        subject: The person.
        write: Appends an entry that is no event.
        name: The hold's id, 16 random bytes.
        reason: A word of `HoldReason`, or ``host.<word>``.
        tenant: The person's tenant.
        until: When it ends by itself.
    """
    person = person_of(subject)
    word = checked_reason(reason, person, HoldReason)
    if until is not None and until.tzinfo is None:
        raise EventError("until", until, "must be an aware time")
    people.take_fences()
    references = references_of(store, people, checked_tenant(tenant), person.id)
    content: dict[str, Any] = {"id": name, "references": list(references), "reason": word}
    if until is not None:
        content["until"] = format_time(until)

    def unless() -> None:
        for fence in store.fences():
            if set(references).intersection(fence.references):
                raise Overtaken(fence.erasure)

    try:
        index = write("hold_placed", content, unless=unless).index
    except Overtaken as erasure:
        raise ErasureIncompleteError(
            "the person's data was being erased when the hold was placed: it came too late",
            erasure.by,
        ) from None
    return Hold(name, index, references, word, until)


def release_hold(store: SealedStore, hold: bytes, *, write: Write, reason: str) -> Receipt:
    """Release a hold; see `biotrail.AuditLogger.release_hold`."""
    known = {one.id: one for one in holds(store)}.get(hold)
    if known is None or known.released is not None:
        raise VaultError("there is no hold of this id, or it was released already")
    word = checked_reason(reason, Subject(id=hold.hex()), HoldReason)
    return write("hold_released", {"id": hold, "reason": word})

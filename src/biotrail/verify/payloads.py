"""Payloads held against the entries: those in the clear are opened, sealed ones need no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from biotrail.canonical import Entry, Payload, decode_payload, encode_payload
from biotrail.canonical.owners import owners_of, wrong_owner
from biotrail.canonical.sealed import (
    Remnant,
    SealedPart,
    decode_sealed,
    is_sealed,
    sealed_root,
)
from biotrail.errors import AlteredError, CanonicalError, MissingError
from biotrail.verify.destruction import Destruction, Reason

__all__ = ["PayloadCounts", "Payloads"]

_NOT_AS_RECORDED = "the sealed payload of entry {} is not the one that was recorded"
_DOES_NOT_OPEN = "the payload of entry {} does not open to the commitments in the entry"
_NOBODY, _SUBJECT, _ACTOR = 0, 1, 2
_WHOSE = {_NOBODY: "of nobody known", _SUBJECT: "of the subject", _ACTOR: "of the actor"}


@attrs.define
class PayloadCounts:
    """What was found of payloads. A payload in the clear counts as one part.

    Attributes:
        opened: Payloads in the clear that opened to the commitments in their entries.
        sealed: Parts that are sealed, and are those that were recorded.
        erased: Parts that are gone, by an erasure that the log records.
        retained: Parts that are gone, by a retention that the log records.
        overdue: Parts, in the clear or sealed, that are there although an erasure is recorded, or
            a retention that covers them, and no hold keeps them.
        disbelieved: Parts that are gone, by an erasure or a retention that only entries record
            which a stolen key vouches for.
    """

    opened: int = 0
    sealed: int = 0
    erased: int = 0
    retained: int = 0
    overdue: int = 0
    disbelieved: int = 0

    def __add__(self, other: PayloadCounts) -> PayloadCounts:
        """Both together."""
        mine, others = attrs.astuple(self), attrs.astuple(other)
        return PayloadCounts(*(one + more for one, more in zip(mine, others, strict=True)))


class Payloads:
    """The payloads of a stretch, in order of index, one looked at before it is taken."""

    def __init__(self, rows: Iterator[tuple[int, bytes]], destruction: Destruction) -> None:
        """Begin at the first row."""
        self._rows = rows
        self._first = next(rows, None)
        self._destruction = destruction
        self.counts = PayloadCounts()
        self.last_sealed: int | None = None

    def check(self, entry: Entry) -> Payload | None:
        """Check the payload of an entry, which must have one exactly if the entry says so.

        Returns:
            The payload, where it is in the clear.

        Raises:
            AlteredError: It is not the one that was recorded.
            MissingError: It, or a part of it, is gone, and the log does not say why.
        """
        index = entry.index
        root: Any = entry.content.get("payload") if entry.kind == "event" else None
        there = self._first is not None and self._first[0] == index
        if root is None and not there:
            return None
        if root is None:
            raise AlteredError(f"entry {index} has a payload that it knows nothing of", index=index)
        if not there:
            self._check_absence(entry, root)
            return None
        data = self._take(index)
        if type(data) is bytes and is_sealed(data):
            self._check_sealed(entry, root, data)
            self.last_sealed = index
            return None
        payload = _opened(entry, root, data)
        self.counts.opened += 1
        subject: Any = entry.content.get("subject")
        self.counts.overdue += self._destruction.is_overdue(entry, subject)
        return payload

    def _take(self, index: int) -> bytes:
        assert self._first is not None
        _, data = self._first
        self._first = next(self._rows, None)
        if self._first is not None and self._first[0] == index:
            raise AlteredError(f"entry {index} has two payloads", index=index)
        return data

    def _check_absence(self, entry: Entry, root: bytes) -> None:
        people = _owners_of(entry).values()
        reasons = [self._destruction.reason(entry, reference) for reference in people]
        if None in reasons:
            raise MissingError(
                f"the payload of entry {entry.index} is missing, and no erasure was recorded that "
                "names its person, nor a retention that covers it; an erasure may be unfinished: "
                "run 'biotrail doctor'",
                index=entry.index,
                expected=root.hex(),
            )
        self._count("disbelieved" if "disbelieved" in reasons else reasons[0])

    def _check_sealed(self, entry: Entry, root: bytes, data: bytes) -> None:
        index = entry.index
        owners = _owners_of(entry)
        parts = _parts(index, root, data)
        _check_owners(index, owners, parts)
        _check_root(index, root, sealed_root(parts), _NOT_AS_RECORDED)
        for part in parts:
            reference = owners[part.owner]
            if isinstance(part, SealedPart):
                self.counts.sealed += 1
                self.counts.overdue += self._destruction.is_overdue(entry, reference)
            else:
                self._check_remnant(entry, part, reference)

    def _check_remnant(self, entry: Entry, part: Remnant, reference: bytes | None) -> None:
        reason = self._destruction.reason(entry, reference)
        if reason is None:
            raise MissingError(
                f"the part {_WHOSE[part.owner]} in the payload of entry {entry.index} is missing, "
                "and neither an erasure nor a retention was recorded that says so; an erasure may "
                "be unfinished: run 'biotrail doctor'",
                index=entry.index,
                expected=part.root.hex(),
            )
        self._count(reason)

    def _count(self, reason: Reason | None) -> None:
        if reason == "erased":
            self.counts.erased += 1
        elif reason == "retained":
            self.counts.retained += 1
        else:
            self.counts.disbelieved += 1


def _check_owners(
    index: int, owners: Mapping[int, bytes | None], parts: Sequence[SealedPart | Remnant]
) -> None:
    wrong = wrong_owner(parts, owners)
    if wrong is not None:
        raise AlteredError(
            f"the sealed payload of entry {index}: {wrong.what}",
            index=index,
            expected=wrong.expected,
            found=wrong.found,
        )


def _owners_of(entry: Entry) -> Mapping[int, bytes | None]:
    content: Any = entry.content
    return owners_of(content.get("subject"), content.get("actor"))


def _parts(index: int, root: bytes, data: bytes) -> list[SealedPart | Remnant]:
    try:
        return decode_sealed(data)
    except CanonicalError as error:
        raise AlteredError(
            f"the sealed payload of entry {index} cannot be read: {error}",
            index=index,
            expected=root.hex(),
        ) from error


def _opened(entry: Entry, root: bytes, data: bytes) -> Payload:
    index, event_id = entry.index, entry.content["id"]
    assert isinstance(event_id, bytes)
    try:
        payload = decode_payload(data)
        _, found = encode_payload(event_id, list(payload.fields.items()), payload.salt)
    except CanonicalError as error:
        raise AlteredError(
            f"the payload of entry {index} cannot be read: {error}",
            index=index,
            expected=root.hex(),
        ) from error
    _check_root(index, root, found, _DOES_NOT_OPEN)
    return payload


def _check_root(index: int, root: bytes, found: bytes, wrong: str) -> None:
    if found != root:
        message = wrong.format(index)
        raise AlteredError(message, index=index, expected=root.hex(), found=found.hex())

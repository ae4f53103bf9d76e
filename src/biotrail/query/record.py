"""A record as a reader sees it: what its entry says, and what of its personal fields is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import attrs

from biotrail.canonical import PERSONAL_FIELDS, CborValue, Entry, decode_entry, decode_event
from biotrail.errors import AlteredError, BiotrailError, CanonicalError
from biotrail.events import Event
from biotrail.query.gone import Gone, raise_gone, raise_sealed
from biotrail.sealing import Opened
from biotrail.tlog import leaf_hash

__all__ = ["OWNERS", "Record", "Unreadable"]

OWNERS = ("nobody", "subject", "actor")
"""Whom a part of a payload concerns, by the number that stands for it in the payload."""
# "actor" and "subject" are in an entry too, and are references there.
_MOVABLE = frozenset(PERSONAL_FIELDS) - {"actor", "subject"}
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Record:
    """One entry, with what could be opened of its payload.

    The payload was held against the commitments in the entry. That the entry is the one that was
    recorded is another question: verification answers it.

    Attributes:
        index: Its index.
        data: The entry's bytes.
        opened: What became of its payload; None where the entry has none, or where it is gone.
        gone: The parts of the payload that are no longer there, and why.
        tenant: The tenant of an event that has one.
    """

    __slots__ = ("_entry", "_event", "data", "gone", "index", "opened", "tenant")

    def __init__(
        self,
        index: int,
        data: bytes,
        opened: Opened | None = None,
        gone: tuple[Gone, ...] = (),
        tenant: str | None = None,
    ) -> None:
        """Keep what was read: entries and events are decoded when they are asked for."""
        self.index = index
        self.data = data
        self.opened = opened
        self.gone = gone
        self.tenant = tenant
        self._entry: Entry | None = None
        self._event: Event | None = None

    @property
    def entry(self) -> Entry:
        """The entry, decoded."""
        entry = self._entry
        if entry is None:
            entry = self._entry = decode_entry(self.data)
        return entry

    @property
    def leaf_hash(self) -> bytes:
        """Leaf hash of the entry, 32 bytes."""
        return leaf_hash(self.data)

    @property
    def kind(self) -> str:
        """Kind of the entry: ``"event"``, or another."""
        return self.entry.kind

    @property
    def recorded(self) -> datetime:
        """When it was recorded, in UTC."""
        return self.entry.recorded

    @property
    def content(self) -> Mapping[str, Any]:
        """What the entry says, in the words and units of its specification."""
        return self.entry.content

    @property
    def personal(self) -> Mapping[str, CborValue]:
        """The fields of the payload that were opened, in the words and units of its specification.

        Empty where there are none, and where they are sealed or gone: `sealed` and `gone` tell.
        """
        return _NOTHING if self.opened is None else self.opened.fields

    @property
    def sealed(self) -> tuple[str, ...]:
        """Whose fields are there and were not opened: of ``"subject"``, ``"actor"``, ``"nobody"``.

        ``"nobody"`` stands for fields of a record that concerns nobody known.
        """
        return () if self.opened is None else tuple(OWNERS[one] for one in self.opened.sealed)

    @property
    def event(self) -> Event | None:
        """The event, with the personal fields that were opened; None for other kinds.

        Times among the host's own values come back as text.

        Raises:
            AlteredError: What the payload holds is no event's.
        """
        if self._event is None and self.kind == "event":
            try:
                self._event = decode_event(self.content, self.personal)
            except CanonicalError as error:
                raise AlteredError(
                    f"the fields of entry {self.index} are no event's: {error}", index=self.index
                ) from error
        return self._event

    def field(self, name: str) -> CborValue:
        """One personal field, e.g. ``"ip"``, as the payload holds it; None where there is none.

        Raises:
            SealedError: It may be there, and the key that would tell was not given.
            ErasedError: What it would be in was destroyed, as an entry says.
            MissingError: What it would be in is not there, and no entry says why.
        """
        if name in self.personal:
            return self.personal[name]
        if name in _MOVABLE and name in self.content:  # by the host's policy
            value: CborValue = self.content[name]
            return value
        owner = self._owner_of(name)
        if owner in self.sealed:
            raise_sealed(self.index, name)
        for one in self.gone:
            if one.owner == owner:
                raise_gone(self.index, name, one)
        return None

    def __repr__(self) -> str:
        return f"<Record {self.index}>"

    def _owner_of(self, name: str) -> str:
        content = self.content
        subject, actor = content.get("subject"), content.get("actor")
        if subject is None:
            return "nobody" if actor is None else "actor"
        return "actor" if name == "actor" and actor not in (None, subject) else "subject"


@attrs.frozen(eq=False)
class Unreadable:
    """An entry that cannot be read as the record that it should be.

    Attributes:
        index: Where it lies.
        data: Its bytes.
        entry: The entry, where that much can be read.
        error: What is wrong.
    """

    index: int
    data: bytes
    entry: Entry | None
    error: BiotrailError

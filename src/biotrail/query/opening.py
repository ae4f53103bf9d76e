"""From rows of a store to records: decoded, held against each other, and opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from biotrail.canonical import Entry, decode_entry
from biotrail.canonical.event_pattern import EventMarks, marks_of_entry
from biotrail.canonical.owners import owners_of
from biotrail.canonical.sealed import ACTOR, SUBJECT, Part, SealedPart
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    CanonicalError,
    KeyProviderError,
    MalformedError,
    ReorderedError,
    StoreError,
    VaultError,
)
from biotrail.query.gone import Gone, Reasons
from biotrail.query.record import OWNERS, Record, Unreadable
from biotrail.query.rows import Rows
from biotrail.sealing import Keyring, Opener
from biotrail.stores import StoreReader
from biotrail.vault import DataKey

__all__ = ["Opening", "readable"]

# What lies in a processor's cache is opened faster.
_AT_ONCE = 128
_NONE: Mapping[int, Entry] = {}
Found: TypeAlias = Record | Unreadable
# What the entry says, the payload, and its parts: it waits for its keys.
_Begun: TypeAlias = tuple[EventMarks, bytes, Sequence[Part]]


class Opening:
    """Opens the records of one log, many at a time: each key is asked for once."""

    def __init__(self, store: StoreReader, origin: str, keyring: Keyring | None) -> None:
        """Open with these keys.

        Args:
            store: The log.
            origin: Its origin.
            keyring: Its data keys, for a reader who holds the vault.
        """
        self._store: Any = store
        self._keyring = keyring
        self._opener = Opener(origin)
        self._reasons = Reasons(store)
        self._fences: tuple[int, frozenset[bytes]] = (0, frozenset())

    def open(
        self, rows: Rows, payloads: Mapping[int, bytes], *, entries: Mapping[int, Entry] = _NONE
    ) -> Iterator[Found]:
        """Open some records, in the order in which they are given.

        Args:
            rows: Index and entry of each.
            payloads: Their payloads, by index.
            entries: Those that are decoded already, by index: they are not looked through again.

        Raises:
            KeyProviderError: The key provider is out of reach, or refuses.
            StoreError: The store cannot be read.
        """
        for at in range(0, len(rows), _AT_ONCE):
            yield from self._open(rows[at : at + _AT_ONCE], payloads, entries)

    def _open(
        self, rows: Rows, payloads: Mapping[int, bytes], entries: Mapping[int, Entry]
    ) -> list[Found]:
        found: list[Any] = []
        begun: list[tuple[int, bytes, _Begun]] = []
        for index, data in rows:
            begin = self._begin(index, data, payloads.get(index), entries.get(index))
            if type(begin) is tuple:
                begun.append((len(found), data, begin))
            found.append(begin)
        keys = self._keys(begin[2] for _, _, begin in begun)
        open_parts = self._opener.open_parts
        for place, data, (marks, payload, parts) in begun:
            try:
                opened = open_parts(marks, payload, parts, keys)
                gone = self._gone(data, marks, opened.erased) if opened.erased else ()
                found[place] = Record(marks.index, data, opened, gone, marks.tenant)
            except (KeyProviderError, StoreError):
                raise
            except BiotrailError as error:
                found[place] = Unreadable(marks.index, data, decode_entry(data), error)
        return found

    def _keys(self, many: Iterable[Sequence[Part]]) -> Mapping[bytes, DataKey | VaultError]:
        if self._keyring is None:
            return {}
        wanted = {part.key for parts in many for part in parts if type(part) is SealedPart}
        return self._keyring.found(wanted, gone=self._fenced()) if wanted else {}

    def _begin(
        self, index: int, data: bytes, payload: bytes | None, entry: Entry | None
    ) -> Found | _Begun:
        try:
            if type(data) is not bytes:
                raise MalformedError(f"entry {index} is no bytes", index=index)
            marks = marks_of_entry(data) if entry is None else _marks_of(entry)
            if marks is None:
                entry = _decoded(index, data)
                marks = _marks_of(entry)
            if marks.index != index:
                raise ReorderedError(
                    f"where entry {index} should be lies one that says that it is entry "
                    f"{marks.index}",
                    index=index,
                    expected=index,
                    found=marks.index,
                )
            if payload is None:
                owners = [*owners_of(marks.subject, marks.actor)]
                gone = () if marks.root is None else self._gone(data, marks, owners)
                return Record(index, data, None, gone, marks.tenant)
            if marks.root is None:
                raise AlteredError(
                    f"entry {index} has a payload that it knows nothing of", index=index
                )
            return marks, payload, self._opener.parts(marks, payload)
        except StoreError:
            raise
        except BiotrailError as error:
            if entry is None and not isinstance(error, MalformedError):
                entry = decode_entry(data)
            return Unreadable(index, data, entry, error)

    def _gone(self, data: bytes, marks: EventMarks, owners: Sequence[int]) -> tuple[Gone, ...]:
        entry = decode_entry(data)
        references = {SUBJECT: marks.subject, ACTOR: marks.actor}
        gone = []
        for owner in owners:
            reference = references.get(owner)
            why = self._reasons.of(entry, OWNERS[owner], reference)
            if why is None:
                fenced = reference in self._fenced()
                why = Gone(OWNERS[owner], "being erased" if fenced else "missing")
            gone.append(why)
        return tuple(gone)

    def _fenced(self) -> frozenset[bytes]:
        """References whose erasure was begun: their keys are not used, even where they are left."""
        if not hasattr(self._store, "fence_count"):
            return frozenset()
        count = self._store.fence_count()
        if count != self._fences[0]:
            fences = self._store.fences()
            self._fences = count, frozenset(one for fence in fences for one in fence.references)
        return self._fences[1]


def _decoded(index: int, data: bytes) -> Entry:
    try:
        return decode_entry(data)
    except CanonicalError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _marks_of(entry: Entry) -> EventMarks:
    content: Any = entry.content
    if entry.kind != "event":
        return EventMarks(entry.index, b"", None, None, None)
    said = [content.get(name) for name in ("subject", "actor", "payload", "tenant")]
    return EventMarks(entry.index, content["id"], *said)


def readable(found: Record | Unreadable) -> Record:
    """A record; of what cannot be read its error is raised."""
    if isinstance(found, Unreadable):
        raise found.error
    return found

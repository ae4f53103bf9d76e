"""What lies beside the entries: payloads that must open, columns and references that must agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from biotrail.canonical import Entry, Payload, decode_entry, parse_time
from biotrail.errors import AlteredError, CanonicalError, MalformedError, MissingError
from biotrail.stores import Lookup, StoreReader
from biotrail.tlog import leaf_hash
from biotrail.verify.destruction import Destruction
from biotrail.verify.payloads import PayloadCounts, Payloads

__all__ = ["check_beside", "lookup_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def check_beside(
    store: StoreReader,
    start: int,
    leaves: Sequence[bytes],
    *,
    destruction: Destruction,
    payloads: bool,
    lookups: bool,
) -> PayloadCounts:
    """Check what lies beside entries that have been proven.

    Args:
        store: The store.
        start: Index of the first entry.
        leaves: Leaf hashes of the entries, as they were proven.
        destruction: What the log says was destroyed.
        payloads: Check the payloads.
        lookups: Compare look-up columns, and with `payloads` also the subjects' references.

    Returns:
        What was found of payloads.

    Raises:
        AlteredError: A payload is not the one that was recorded, or a column does not agree.
        MissingError: A payload, a row or a subject's reference is not there.
        MalformedError: An entry cannot be read.
    """
    stop = start + len(leaves)
    stored = Payloads(store.payloads(start, stop), destruction) if payloads else None
    columns = iter(store.lookups(start, stop)) if lookups else None
    people = _People(store, start, stop) if lookups else None
    references = _References(store, destruction) if payloads and lookups else None
    for (index, data, _), leaf in zip(store.raw_entries(start, stop), leaves, strict=True):
        entry = _decoded(index, data, leaf)
        if columns is not None:
            _check_columns(entry, next(columns, None))
        filed = people is not None and people.check(entry)
        payload = None if stored is None else stored.check(entry)
        if stored is not None and people is not None and people.there:
            _check_place(index, filed, payload, stored)
        if payload is not None and references is not None:
            references.check(entry, payload)
    return PayloadCounts() if stored is None else stored.counts


def lookup_of(entry: Entry) -> Lookup:
    """The look-up columns that belong to an entry."""
    recorded = _microseconds(entry.recorded)
    if entry.kind != "event":
        return Lookup(entry.kind, recorded)
    content: Any = entry.content
    comparison = content.get("comparison")
    return Lookup(
        kind="event",
        recorded=recorded,
        event_id=content["id"],
        occurred=_microseconds(parse_time(content["occurred"])),
        action=content["action"],
        target=content.get("target"),
        modality=content["modality"],
        decision=content["decision"],
        outcome=content["outcome"],
        reason=content["reason"],
        tenant=content.get("tenant"),
        matcher=None if comparison is None else comparison["matcher"],
        subject=content.get("subject"),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _decoded(index: int, data: bytes, leaf: bytes) -> Entry:
    if type(data) is not bytes or leaf_hash(data) != leaf:
        raise AlteredError(f"entry {index} was changed while it was verified", index=index)
    try:
        return decode_entry(data)
    except CanonicalError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _check_columns(entry: Entry, row: tuple[int, Lookup] | None) -> None:
    if row is None or row[0] != entry.index:
        raise MissingError(
            f"the look-up columns of entry {entry.index} are missing", index=entry.index
        )
    expected, found = lookup_of(entry), row[1]
    # The types too: True equals 1.
    if expected == found and [*map(type, expected)] == [*map(type, found)]:
        return
    for name, true, stored in zip(Lookup._fields, expected, found, strict=True):
        if true != stored or not isinstance(stored, type(true)):
            raise AlteredError(
                f"the look-up column {name!r} of entry {entry.index} does not say what the entry "
                "says",
                index=entry.index,
                expected=true,
                found=stored,
            )


class _People:
    """Whose a sealed payload is, as the columns beside it say: who erases or looks up goes by them.

    A payload that is not sealed, or a store that seals nothing, has no such columns.
    """

    def __init__(self, store: StoreReader, start: int, stop: int) -> None:
        rows = getattr(store, "sealed_people", None)
        self.there = rows is not None
        self._rows = iter(()) if rows is None else iter(rows(start, stop))
        self._first = next(self._rows, None)

    def check(self, entry: Entry) -> bool:
        """Check that the columns say what the entry says; whether there are any."""
        if self._first is None or self._first[0] != entry.index:
            return False
        found, self._first = tuple(self._first[1:]), next(self._rows, None)
        subject, actor = entry.content.get("subject"), entry.content.get("actor")
        expected = (subject, None if actor == subject else actor)
        if found != expected:
            raise AlteredError(
                f"the columns beside the sealed payload of entry {entry.index} name others than "
                "the entry does, so that it would not be found, nor erased",
                index=entry.index,
                expected=expected,
                found=found,
            )
        return True


def _check_place(index: int, filed: bool, payload: Payload | None, stored: Payloads) -> None:
    """Check that a payload lies among those of its kind: an erasure looks for it there."""
    if filed if payload is not None else not filed and stored.last_sealed == index:
        kind, other = ("clear", "sealed") if payload is not None else ("sealed", "clear")
        raise AlteredError(
            f"the payload of entry {index} is {kind} and lies among the {other} ones, where it "
            "would not be found, nor erased",
            index=index,
        )


class _References:
    """Who stands behind a random reference: kept outside the log, and held against payloads.

    A person's records are found by reference, so one that is missing would hide them. One that was
    erased is meant to be.
    """

    def __init__(self, store: StoreReader, destruction: Destruction) -> None:
        self._store = store
        self._destruction = destruction
        self._kept: dict[tuple[str, str], frozenset[bytes]] = {}

    def check(self, entry: Entry, payload: Payload) -> None:
        """Check that the subject's reference is kept under the subject's identity."""
        subject: Any = payload.fields.get("subject")
        if type(subject) is not dict or type(subject.get("id")) is not str:
            return
        key: Any = entry.content.get("tenant") or "", subject["id"]
        if key not in self._kept:
            self._kept[key] = frozenset(self._store.references(*key))
        reference: Any = entry.content.get("subject")
        if self._destruction.is_erased(reference, entry.index):
            return
        if reference not in self._kept[key]:
            raise MissingError(
                f"the subject of entry {entry.index} is not known by the reference in the entry: "
                "the row was deleted or changed, so that their records would not be found; an "
                "erasure may be unfinished: run 'biotrail doctor'",
                index=entry.index,
                expected=None if reference is None else reference.hex(),
                found=len(self._kept[key]),
            )

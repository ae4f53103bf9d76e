"""What lies beside the entries: payloads that must open, columns and references that must agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from biotrail.canonical import (
    Entry,
    Payload,
    decode_entry,
    decode_payload,
    encode_payload,
    parse_time,
)
from biotrail.errors import AlteredError, CanonicalError, MalformedError, MissingError
from biotrail.stores import Lookup, StoreReader
from biotrail.tlog import leaf_hash

__all__ = ["check_beside", "lookup_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def check_beside(
    store: StoreReader, start: int, leaves: Sequence[bytes], *, payloads: bool, lookups: bool
) -> int:
    """Check what lies beside entries that have been proven.

    Args:
        store: The store.
        start: Index of the first entry.
        leaves: Leaf hashes of the entries, as they were proven.
        payloads: Open the payloads.
        lookups: Compare look-up columns, and with `payloads` also the subjects' references.

    Returns:
        How many payloads opened to their commitments.

    Raises:
        AlteredError: A payload does not open to its commitments, or a column does not agree.
        MissingError: A payload, a row or a subject's reference is not there.
        MalformedError: An entry cannot be read.
    """
    opened = 0
    stop = start + len(leaves)
    stored = _Payloads(store.payloads(start, stop)) if payloads else None
    columns = iter(store.lookups(start, stop)) if lookups else None
    references = _References(store) if payloads and lookups else None
    for (index, data, _), leaf in zip(store.raw_entries(start, stop), leaves, strict=True):
        entry = _decoded(index, data, leaf)
        if columns is not None:
            _check_columns(entry, next(columns, None))
        payload = None if stored is None else stored.open(entry)
        if payload is not None:
            opened += 1
            if references is not None:
                references.check(entry, payload)
    return opened


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
    for name, true, stored in zip(Lookup._fields, expected, found, strict=True):
        if true != stored or not isinstance(stored, type(true)):
            raise AlteredError(
                f"the look-up column {name!r} of entry {entry.index} does not say what the entry "
                "says",
                index=entry.index,
                expected=true,
                found=stored,
            )


class _Payloads:
    """Payloads in order of index, one looked at before it is taken."""

    def __init__(self, rows: Iterator[tuple[int, bytes]]) -> None:
        self._rows = rows
        self._first = next(rows, None)

    def open(self, entry: Entry) -> Payload | None:
        """Open the payload of an entry, which must have one exactly if the entry says so."""
        index = entry.index
        root: Any = entry.content.get("payload") if entry.kind == "event" else None
        there = self._first is not None and self._first[0] == index
        if root is None and not there:
            return None
        if root is None:
            raise AlteredError(f"entry {index} has a payload that it knows nothing of", index=index)
        if not there:
            raise MissingError(
                f"the payload of entry {index} is missing, and no erasure was recorded",
                index=index,
                expected=root.hex(),
            )
        return _opened(entry, root, self._take())

    def _take(self) -> bytes:
        assert self._first is not None
        _, data = self._first
        self._first = next(self._rows, None)
        return data


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
    if found != root:
        raise AlteredError(
            f"the payload of entry {index} does not open to the commitments in the entry",
            index=index,
            expected=root.hex(),
            found=found.hex(),
        )
    return payload


class _References:
    """Who stands behind a random reference: kept outside the log, and held against payloads.

    A person's records are found by reference, so one that is missing would hide them.
    """

    def __init__(self, store: StoreReader) -> None:
        self._store = store
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
        if reference not in self._kept[key]:
            raise MissingError(
                f"the subject of entry {entry.index} is not known by the reference in the entry: "
                "the row was deleted or changed, so that their records would not be found",
                index=entry.index,
                expected=None if reference is None else reference.hex(),
                found=len(self._kept[key]),
            )

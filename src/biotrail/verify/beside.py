"""What lies beside the entries: payloads that must open, columns that must agree, tiles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from biotrail.canonical import (
    Entry,
    commitments_of,
    decode_entry,
    decode_payload,
    parse_time,
    payload_root,
)
from biotrail.errors import AlteredError, CanonicalError, MalformedError, MissingError
from biotrail.stores import Lookup, StoreReader

__all__ = ["Beside", "check_beside", "lookup_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@attrs.define
class Beside:
    """How much was checked.

    Attributes:
        payloads: Payloads that opened to their commitments.
        events: Entries that are events.
    """

    payloads: int = 0
    events: int = 0


def check_beside(
    store: StoreReader, start: int, stop: int, *, payloads: bool, lookups: bool
) -> Beside:
    """Check payloads and look-up columns of a range whose entries have been proven.

    Raises:
        AlteredError: A payload does not open to its commitments, or a column does not agree.
        MissingError: A payload is not there.
        MalformedError: An entry or payload cannot be read.
    """
    counted = Beside()
    stored = _ahead(store.payloads(start, stop)) if payloads else None
    columns = iter(store.lookups(start, stop)) if lookups else None
    for index, data, _ in store.raw_entries(start, stop):
        entry = _decoded(data, index)
        counted.events += entry.kind == "event"
        if columns is not None:
            _check_columns(entry, next(columns, None))
        if stored is not None:
            counted.payloads += _check_payload(entry, stored)
    return counted


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


def _decoded(data: bytes, index: int) -> Entry:
    try:
        return decode_entry(data)
    except CanonicalError as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _check_columns(entry: Entry, row: tuple[int, Lookup] | None) -> None:
    if row is None or row[0] != entry.index:
        raise MissingError(f"the look-up columns of entry {entry.index} are missing")
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


class _ahead:
    """Payloads in order of index, one looked at before it is taken."""

    def __init__(self, rows: Iterator[tuple[int, bytes]]) -> None:
        self._rows = rows
        self.first = next(rows, None)

    def take(self) -> bytes:
        assert self.first is not None
        _, data = self.first
        self.first = next(self._rows, None)
        return data


def _check_payload(entry: Entry, stored: _ahead) -> int:
    index = entry.index
    root = entry.content.get("payload") if entry.kind == "event" else None
    there = stored.first is not None and stored.first[0] == index
    if root is None:
        if there:
            raise AlteredError(f"entry {index} has a payload that it knows nothing of", index=index)
        return 0
    if not there:
        raise MissingError(
            f"the payload of entry {index} is missing, and no erasure was recorded", index=index
        )
    event_id: Any = entry.content["id"]
    data = stored.take()
    try:
        found = payload_root(commitments_of(event_id, decode_payload(data)))
    except CanonicalError as error:
        raise AlteredError(
            f"the payload of entry {index} cannot be read: {error}", index=index
        ) from error
    if found != root:
        raise AlteredError(
            f"the payload of entry {index} does not open to the commitments in the entry",
            index=index,
            expected=root.hex() if isinstance(root, bytes) else root,
            found=found.hex(),
        )
    return 1

"""Records as they are read from a log: decoded from the entries, never from look-up columns.

Nothing here is verified: whoever wants to rely on it verifies the log. An entry that cannot be read
is a record too, one that says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from biotrail.canonical import (
    CborValue,
    Entry,
    commitments_of,
    decode_entry,
    decode_payload,
    payload_root,
)
from biotrail.errors import CanonicalError, MalformedError, MissingError
from biotrail.stores import StoreReader
from biotrail.tlog import leaf_hash

__all__ = ["Record", "log_size", "origin_of", "read_record", "read_records"]

_CHUNK = 500


@attrs.frozen
class Record:
    """One entry with its payload.

    Attributes:
        index: Where it lies in the store.
        data: The entry's bytes.
        entry: The entry, or None where the bytes cannot be read.
        fault: Why they cannot be read, or that they say another index; None where all is well.
        payload: ``"none"``, ``"opens"`` (to the entry's commitments), ``"does not open"`` or
            ``"missing"``.
        personal: The payload's fields, if it opens.
    """

    index: int
    data: bytes
    entry: Entry | None
    fault: str | None
    payload: str
    personal: Mapping[str, Any]

    @property
    def leaf_hash(self) -> bytes:
        """Leaf hash of the entry, 32 bytes."""
        return leaf_hash(self.data)

    @property
    def event(self) -> Mapping[str, Any]:
        """The event's content; empty for other kinds, and for what cannot be read."""
        entry = self.entry
        return entry.content if entry is not None and entry.kind == "event" else {}


def log_size(store: StoreReader) -> int:
    """How many entries the head names.

    Raises:
        MissingError: There is no head.
    """
    head = store.head()
    if head is None:
        raise MissingError("the log is empty: there is not even a genesis entry", index=0)
    return head.size


def origin_of(store: StoreReader) -> str:
    """The origin that the genesis entry names.

    Raises:
        MissingError: There is no first entry.
        MalformedError: The first entry cannot be read, or is another one.
    """
    entry = read_record(store, 0).entry
    if entry is None or entry.kind != "genesis":
        raise MalformedError("entry 0 is not a genesis entry: verify the log", index=0)
    return str(entry.content["origin"])


def read_record(store: StoreReader, index: int) -> Record:
    """The record at an index.

    Raises:
        MissingError: There is none.
    """
    for record in read_records(store, index, index + 1):
        return record
    raise MissingError(f"entry {index} is missing", index=index)


def read_records(store: StoreReader, start: int, stop: int) -> Iterator[Record]:
    """The records with ``start <= index < stop``, in order; entries that are missing are not."""
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        payloads = dict(store.payloads(first, last))
        for index, data, _ in store.entries(first, last):
            yield _record(index, data, payloads.get(index))


def _record(index: int, data: bytes, payload: bytes | None) -> Record:
    try:
        entry = decode_entry(data)
    except CanonicalError as error:
        return Record(index, data, None, str(error), "none", {})
    fault = None if entry.index == index else f"says that it is entry {entry.index}"
    state, personal = _opened(entry, payload)
    return Record(index, data, entry, fault, state, personal)


def _opened(entry: Entry, payload: bytes | None) -> tuple[str, Mapping[str, CborValue]]:
    root = entry.content.get("payload") if entry.kind == "event" else None
    if root is None:
        return ("none" if payload is None else "does not open"), {}
    if payload is None:
        return "missing", {}
    event_id: Any = entry.content["id"]
    try:
        decoded = decode_payload(payload)
        opens = payload_root(commitments_of(event_id, decoded)) == root
    except CanonicalError:
        opens = False
    return ("opens", decoded.fields) if opens else ("does not open", {})

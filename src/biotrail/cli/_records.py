"""Records as commands show them: decoded from the entries, never from look-up columns.

Nothing here is verified: whoever wants to rely on it verifies the log. An entry that cannot be read
is a record too, one that says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from biotrail.canonical import Entry
from biotrail.errors import BiotrailError, MissingError, ReorderedError
from biotrail.query import Gone, RecordReader, Unreadable
from biotrail.query import Record as Opened
from biotrail.query.rows import origin_of
from biotrail.stores import StoreReader
from biotrail.tlog import leaf_hash

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = [
    "Record",
    "check_within",
    "log_size",
    "origin_of",
    "read_record",
    "read_records",
    "reader_of",
    "shown",
]


@attrs.frozen
class Record:
    """One entry with its payload.

    Attributes:
        index: Where it lies in the store.
        data: The entry's bytes.
        entry: The entry, or None where the bytes cannot be read.
        fault: Why they cannot be read, or that they say another index; None where all is well.
        payload: ``"none"``, ``"opens"`` (to the entry's commitments), ``"opens in part"``,
            ``"sealed"``, ``"erased"``, ``"being erased"``, ``"retained"``, ``"does not open"`` or
            ``"missing"``.
        personal: The payload's fields, as far as it opens.
        sealed: Whose fields are there and were not opened.
        gone: What is no longer there, and why.
        in_clear: Whether the payload lies in the clear beside the log.
    """

    index: int
    data: bytes
    entry: Entry | None
    fault: str | None
    payload: str
    personal: Mapping[str, Any]
    sealed: tuple[str, ...] = ()
    gone: tuple[Gone, ...] = ()
    in_clear: bool = False

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


def reader_of(store: StoreReader, vault: Vault | None = None) -> RecordReader:
    """A reader of a log, be its first entry readable or not."""
    try:
        origin = origin_of(store)
    except BiotrailError:
        if vault is not None:
            raise
        origin = ""  # only the vault's keys are bound to it
    return RecordReader(store, vault=vault, origin=origin)


def read_record(reader: RecordReader, index: int) -> Record:
    """The record at an index.

    Raises:
        MissingError: There is none.
    """
    for record in read_records(reader, index, index + 1):
        return record
    raise MissingError(f"entry {index} is missing", index=index)


def check_within(store: StoreReader, index: int) -> None:
    """See that a log has an index, before anybody takes a slip in typing for damage.

    Raises:
        BiotrailError: It is too short.
    """
    size = log_size(store)
    if index >= size:
        raise BiotrailError(f"there is no entry {index}: the last one is {size - 1}")


def read_records(reader: RecordReader, start: int, stop: int) -> Iterator[Record]:
    """The records with ``start <= index < stop``, in order; entries that are missing are not."""
    return shown(reader.examine(start, stop))


def shown(records: Iterable[Opened | Unreadable]) -> Iterator[Record]:
    """Records that were read, as they are shown."""
    for one in records:
        yield _unreadable(one) if isinstance(one, Unreadable) else _readable(one)


def _readable(record: Opened) -> Record:
    opened = record.opened
    return Record(
        record.index,
        record.data,
        record.entry,
        None,
        _state(record),
        record.personal,
        record.sealed,
        record.gone,
        opened is not None and bool(opened.plain) and not opened.parts,
    )


def _state(record: Opened) -> str:
    if record.opened is not None and record.opened.plain:
        return "opens in part" if record.sealed or record.gone else "opens"
    if record.sealed:
        return "sealed"
    return record.gone[0].how if record.gone else "none"


def _unreadable(one: Unreadable) -> Record:
    if one.entry is None:
        cause = one.error.__cause__ or one.error
        return Record(one.index, one.data, None, str(cause), "none", {})
    if isinstance(one.error, ReorderedError):
        fault = f"says that it is entry {one.entry.index}"
        return Record(one.index, one.data, one.entry, fault, "none", {})
    return Record(one.index, one.data, one.entry, None, "does not open", {})

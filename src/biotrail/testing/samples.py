"""Rows for stores: opaque to them, the same in every run, and different from each other."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from biotrail.stores import Batch, Lookup, StoredTile, SubjectReference, WrittenEntry

__all__ = ["sample_batch", "sample_entry", "sample_event_id"]

_YEAR_2026 = 1_767_225_600_000_000


def sample_event_id(index: int, *, writer: str = "") -> bytes:
    """The event id (16 bytes) of the sample entry at an index."""
    return sha256(f"event {writer} {index}".encode()).digest()[:16]


def sample_entry(index: int, *, writer: str = "", kind: str = "event") -> WrittenEntry:
    """A row for an index, full in every column; every third has no payload.

    Args:
        index: The index that it is meant for.
        writer: Makes the row another one for the same index.
        kind: Kind of the entry; others than ``"event"`` have no event columns and no payload.
    """
    entry = sha256(f"entry {writer} {index}".encode()).digest() * (1 + index % 5)
    recorded = _YEAR_2026 + index
    if kind != "event":
        return WrittenEntry(entry, None, Lookup(kind, recorded))
    lookup = Lookup(
        kind=kind,
        recorded=recorded,
        event_id=sample_event_id(index, writer=writer),
        occurred=recorded - 1_000,
        action=f"door.open {index}",
        target="Gebäude 7\u2028'; --",
        modality="face",
        decision="granted" if index % 2 else "denied",
        outcome="success",
        reason="match",
        tenant=None if index % 2 else "tenant",
        matcher="matcher",
        subject=sha256(f"subject {index % 7}".encode()).digest()[:16],
    )
    return WrittenEntry(entry, None if index % 3 == 2 else entry[::-1], lookup)


def sample_batch(
    first: int,
    count: int = 1,
    *,
    writer: str = "",
    kind: str = "event",
    tiles: Sequence[StoredTile] = (),
    subjects: Sequence[SubjectReference] = (),
) -> Batch:
    """A batch of sample entries, with a text in place of a signed checkpoint.

    Args:
        first: Index of the first entry.
        count: Number of entries.
        writer: Makes the rows others for the same indices.
        kind: Kind of the entries.
        tiles: Tiles that go with it.
        subjects: References that go with it.
    """
    entries = [sample_entry(first + i, writer=writer, kind=kind) for i in range(count)]
    checkpoint = f"checkpoint of size {first + count}\n\n— {writer or 'nobody'}\n"
    return Batch(first, entries, checkpoint, tiles, subjects)

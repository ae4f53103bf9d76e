"""A store in memory: for tests, and for looking at a log without a file."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager

from biotrail.errors import EventIdTakenError, ForkedProcessError, HeadMovedError, StoreError
from biotrail.stores._memory_segments import SegmentedMemory
from biotrail.stores.base import Batch, Extent, Lookup, StoredEntry, StoredHead

__all__ = ["MemoryStore"]


class MemoryStore(SegmentedMemory):
    """Keeps everything in lists and dictionaries of this process."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._entries: list[StoredEntry] = []
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._events: dict[bytes, int] = {}

    def turn(self) -> AbstractContextManager[None]:
        """Take the writer's turn among this process's threads."""
        return _Held(self._turn)

    def append(self, batch: Batch) -> None:
        """Write a batch if the size is as expected; see `Store.append`."""
        with self._turn:
            if len(self._entries) != batch.first:
                raise HeadMovedError(f"the log has {len(self._entries)} entries")
            self._refuse_sealed(batch)
            self._refuse_repetition(batch)
            self._write(batch)

    def _refuse_repetition(self, batch: Batch) -> None:
        ids = [one.lookup.event_id for one in batch.entries if one.lookup.event_id is not None]
        if taken := self.find_events(ids):
            raise EventIdTakenError(taken)
        if len(set(ids)) < len(ids):
            raise StoreError("two entries of the batch bear the same event id")
        places = {(tile.level, tile.index) for tile in batch.tiles}
        if len(places) < len(batch.tiles) or not places.isdisjoint(self._tiles):
            raise StoreError("a tile of the batch is there already")

    def _write(self, batch: Batch) -> None:
        for tenant, identity, reference in batch.subjects:
            known = self._references.setdefault((tenant, identity), [])
            if reference not in known:
                known.append(reference)
        self._tiles.update({(tile.level, tile.index): tile.hashes for tile in batch.tiles})
        for index, one in enumerate(batch.entries, batch.first):
            checkpoint = batch.checkpoint if index == batch.size - 1 else None
            if one.lookup.event_id is not None:
                self._events[one.lookup.event_id] = index
            self._lookups.append(one.lookup)
            self._entries.append(StoredEntry(index, one.entry, checkpoint))
        self._write_sealed(batch)

    def head(self) -> StoredHead | None:
        """The head, or None for an empty store."""
        with self._turn:
            if not self._entries:
                return None
            return StoredHead(len(self._entries), self._entries[-1].checkpoint or "")

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Entries of a range, in order."""
        return iter(self._entries[max(start, 0) : max(stop, 0)])

    def raw_entries(self, start: int, stop: int) -> Iterable[tuple[int, bytes, str | None]]:
        """The same as plain tuples."""
        return self._entries[max(start, 0) : max(stop, 0)]

    def lookups(self, start: int, stop: int) -> Iterator[tuple[int, Lookup]]:
        """Look-up columns of a range."""
        return enumerate(self._lookups[max(start, 0) : max(stop, 0)], max(start, 0))

    def entries_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The entries at these indices."""
        return {i: self._entries[i].entry for i in indices if 0 <= i < len(self._entries)}

    def tile(self, level: int, index: int) -> bytes | None:
        """A full tile, or None."""
        return self._tiles.get((level, index))

    def tiles(self) -> Iterator[tuple[int, int]]:
        """Level and index of every tile kept."""
        return iter(sorted(self._tiles))

    def checkpoint_from(self, size: int) -> tuple[int, str] | None:
        """The first checkpoint of a tree of at least `size`."""
        for index in range(max(size, 1) - 1, len(self._entries)):
            if (checkpoint := self._entries[index].checkpoint) is not None:
                return index + 1, checkpoint
        return None

    def find_events(self, event_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Indices of the entries that bear these ids."""
        return {one: self._events[one] for one in event_ids if one in self._events}

    def indices_of_other_kinds(self) -> list[int]:
        """Indices of the entries that are not events."""
        return [i for i, lookup in enumerate(self._lookups) if lookup.kind != "event"]

    def references(self, tenant: str, identity: str) -> list[bytes]:
        """All random references of a person."""
        return list(self._references.get((tenant, identity), ()))

    def extent(self) -> Extent:
        """How far each kind of row reaches."""
        with self._turn:
            size = len(self._entries)
            checkpoint = self._entries[-1].checkpoint if size else None
            last = max((*self._clear, *self._sealed), default=-1)
            return Extent(size, size, last + 1, checkpoint)

    def structure_faults(self) -> list[str]:
        """Nothing: lists have no structure of their own to break."""
        return []

    def reopen_after_fork(self) -> None:
        """Refuse: a child's records would go into a copy that nobody else sees."""
        raise ForkedProcessError("a log in memory cannot be shared with a forked process")

    def close(self) -> None:
        """Nothing is held."""


class _Held:
    """A re-entrant lock as a context that yields None."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

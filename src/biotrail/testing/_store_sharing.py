"""The store contract: turns, threads, and closing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from biotrail.errors import HeadMovedError, StoreBusyError
from biotrail.stores import Batch, Store
from biotrail.testing._store_base import StoreCases, everything
from biotrail.testing.samples import sample_batch, sample_event_id

__all__ = ["SharingCases", "append_retrying", "race"]


def append_retrying(store: Store, batch_at: Callable[[int], Batch]) -> int:
    """Append at the head as it is, again and again until no other writer was first."""
    while True:
        head = store.head()
        first = 0 if head is None else head.size
        try:
            store.append(batch_at(first))
        except (HeadMovedError, StoreBusyError):
            continue
        return first


def race(stores: Iterable[Store], batches: int) -> list[tuple[str, int]]:
    """Let a writer for each store append batches of two; returns who wrote at which index."""

    def write(name: str, store: Store) -> list[tuple[str, int]]:
        return [
            (name, append_retrying(store, lambda first: sample_batch(first, 2, writer=name)))
            for _ in range(batches)
        ]

    named = {f"writer {number}": store for number, store in enumerate(stores)}
    with ThreadPoolExecutor(len(named)) as pool:
        answers = pool.map(write, named, named.values())
        return [one for several in answers for one in several]


def check_race(store: Store, written: list[tuple[str, int]]) -> None:
    """Check that every acknowledged batch is there, once, and that there is nothing else."""
    assert sorted(first for _, first in written) == list(range(0, 2 * len(written), 2))
    expected = {
        first + i: one.entry
        for name, first in written
        for i, one in enumerate(sample_batch(first, 2, writer=name).entries)
    }
    assert {one.index: one.entry for one in store.entries(0, 2**40)} == expected


class SharingCases(StoreCases):
    """Cases about several users of one store."""

    def test_a_batch_is_written_in_a_turn(self, store: Store) -> None:
        """Inside a turn the head is read and a batch appended; another turn can follow."""
        for first in (0, 1):
            with store.turn():
                head = store.head()
                assert (0 if head is None else head.size) == first
                store.append(sample_batch(first))
        assert store.extent().entries == 2

    def test_a_refused_batch_leaves_the_turn_usable(self, store: Store) -> None:
        """After a refusal inside a turn, the right batch can be appended in the same turn."""
        store.append(sample_batch(0))
        with store.turn():
            with pytest.raises(HeadMovedError):
                store.append(sample_batch(0, writer="late"))
            store.append(sample_batch(1))
        assert store.extent().entries == 2

    def test_a_turn_that_raises_writes_nothing(self, store: Store) -> None:
        """An exception leaves the turn as it is, and nobody else waits for it."""
        store.append(sample_batch(0))
        before = everything(store)
        with pytest.raises(KeyError, match="on purpose"), store.turn():
            raise KeyError("on purpose")
        assert everything(store) == before
        with store.turn():
            store.append(sample_batch(1))

    def test_of_two_writers_with_one_head_one_wins(self, store: Store) -> None:
        """Two threads that append at the same size at once: one is written, one is told."""
        both = threading.Barrier(2)

        def write(name: str) -> str | None:
            both.wait()
            try:
                store.append(sample_batch(0, 3, writer=name))
            except HeadMovedError:
                return None
            return name

        with ThreadPoolExecutor(2) as pool:
            winners = [name for name in pool.map(write, ("one", "other")) if name]
        assert len(winners) == 1
        expected = [one.entry for one in sample_batch(0, 3, writer=winners[0]).entries]
        assert [one.entry for one in store.entries(0, 9)] == expected

    def test_threads_share_a_store(self, store: Store) -> None:
        """What several threads wrote is all there, nothing twice and nothing mixed."""
        check_race(store, race([store] * 4, 8))

    def test_a_reader_sees_whole_batches(self, store: Store) -> None:
        """While another thread writes, whatever the head names can be read."""
        done = threading.Event()
        seen = []

        def read() -> None:
            while not done.is_set():
                head = store.head()
                if head is not None:
                    entries = list(store.entries(0, head.size))
                    whole = len(entries) == head.size
                    seen.append(whole and entries[-1].checkpoint == head.checkpoint)

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            for first in range(0, 120, 4):
                store.append(sample_batch(first, 4))
            done.set()
            reading.result()
        assert all(seen)

    def test_threads_find_what_is_written(self, store: Store) -> None:
        """What one thread appended, another finds at once."""
        with ThreadPoolExecutor(1) as pool:
            for first in range(3):
                store.append(sample_batch(first))
                found = pool.submit(store.find_events, [sample_event_id(first)]).result()
                assert found == {sample_event_id(first): first}

    def test_closing_twice(self, store: Store) -> None:
        """A store may be closed twice."""
        store.append(sample_batch(0))
        store.close()
        store.close()

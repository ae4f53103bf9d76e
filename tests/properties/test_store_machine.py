"""Stores against a model, step by step: appends, refusals, readings, openings in any order."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from biotrail.errors import EventIdTakenError, HeadMovedError, StoreError
from biotrail.stores import (
    Batch,
    Extent,
    Lookup,
    MemoryStore,
    SQLiteStore,
    Store,
    StoredTile,
    SubjectReference,
    WrittenEntry,
)

_texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_integers = st.none() | st.integers(-(2**63), 2**63 - 1)
_ids = st.none() | st.integers(0, 25).map(lambda number: bytes([number]) * 16)
_entries = st.builds(
    WrittenEntry,
    st.binary(min_size=1, max_size=20),
    st.none() | st.binary(max_size=20),
    st.builds(
        Lookup,
        kind=st.sampled_from(["event", "genesis", "log_read"]),
        recorded=st.integers(-(2**63), 2**63 - 1),
        event_id=_ids,
        occurred=_integers,
        action=_texts,
        tenant=_texts,
        subject=st.none() | st.binary(max_size=16),
    ),
)
_tiles = st.builds(
    StoredTile,
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 255).map(lambda number: bytes([number]) * 8_192),
)
_subjects = st.builds(
    SubjectReference,
    st.sampled_from(["", "bank"]),
    st.sampled_from(["ann", "bob"]),
    st.integers(0, 3).map(lambda number: bytes([number]) * 16),
)


class StoreMachine(RuleBasedStateMachine):
    """A store, and lists and dictionaries that say what must be in it."""

    batches = Bundle("batches")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = self.open()
        self.rows: list[tuple[WrittenEntry, str | None]] = []
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.subjects: dict[tuple[str, str], list[bytes]] = {}

    def open(self) -> Store:
        return MemoryStore()

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @property
    def taken(self) -> dict[bytes, int]:
        return {
            one.lookup.event_id: index
            for index, (one, _) in enumerate(self.rows)
            if one.lookup.event_id is not None
        }

    @rule(
        target=batches,
        entries=st.lists(_entries, min_size=1, max_size=4),
        tiles=st.lists(_tiles, max_size=2),
        subjects=st.lists(_subjects, max_size=3),
        checkpoint=st.text("ab\n— é", min_size=1, max_size=10),
    )
    def make(self, entries: Any, tiles: Any, subjects: Any, checkpoint: str) -> Batch:
        return Batch(0, entries, checkpoint, tiles, subjects)

    def expected(self, batch: Batch) -> type[StoreError] | None:
        ids = [one.lookup.event_id for one in batch.entries if one.lookup.event_id is not None]
        places = [(tile.level, tile.index) for tile in batch.tiles]
        if batch.first != len(self.rows):
            return HeadMovedError
        if self.taken.keys() & set(ids):
            return EventIdTakenError
        if len(set(ids)) < len(ids) or len(set(places)) < len(places):
            return StoreError
        return StoreError if self.tiles.keys() & set(places) else None

    @rule(batch=batches, off=st.sampled_from([0, 0, 0, 0, -1, 1, 50]), in_turn=st.booleans())
    def append(self, batch: Batch, off: int, in_turn: bool) -> None:
        batch = batch._replace(first=len(self.rows) + off)
        refusal = self.expected(batch)
        if refusal is None:
            self.write(batch, in_turn)
            self.take_up(batch)
            return
        with pytest.raises(refusal) as caught:
            self.write(batch, in_turn)
        if isinstance(caught.value, EventIdTakenError):
            ids = {one.lookup.event_id for one in batch.entries}
            assert caught.value.taken == {k: v for k, v in self.taken.items() if k in ids}

    def write(self, batch: Batch, in_turn: bool) -> None:
        if not in_turn:
            self.store.append(batch)
            return
        with self.store.turn():
            self.store.append(batch)

    def take_up(self, batch: Batch) -> None:
        notes: list[str | None] = [None] * (len(batch.entries) - 1) + [batch.checkpoint]
        self.rows += zip(batch.entries, notes, strict=True)
        self.tiles.update({(tile.level, tile.index): tile.hashes for tile in batch.tiles})
        for tenant, identity, reference in batch.subjects:
            known = self.subjects.setdefault((tenant, identity), [])
            if reference not in known:
                known.append(reference)

    @rule(start=st.integers(-3, 12), stop=st.integers(-3, 12))
    def ranges(self, start: int, stop: int) -> None:
        inside = [(i, *row) for i, row in enumerate(self.rows) if start <= i < stop]
        assert list(self.store.entries(start, stop)) == [(i, e.entry, c) for i, e, c in inside]
        assert list(self.store.lookups(start, stop)) == [(i, e.lookup) for i, e, _ in inside]
        assert list(self.store.payloads(start, stop)) == [
            (i, e.payload) for i, e, _ in inside if e.payload is not None
        ]

    @rule(size=st.integers(0, 15))
    def checkpoint_from(self, size: int) -> None:
        kept = [(i + 1, note) for i, (_, note) in enumerate(self.rows) if note is not None]
        expected = next((one for one in kept if one[0] >= max(size, 1)), None)
        assert self.store.checkpoint_from(size) == expected

    @rule(asked=st.lists(st.integers(0, 30).map(lambda number: bytes([number]) * 16)))
    def find(self, asked: list[bytes]) -> None:
        expected = {one: self.taken[one] for one in asked if one in self.taken}
        assert self.store.find_events(asked) == expected

    @invariant()
    def head_and_extent(self) -> None:
        size = len(self.rows)
        note = self.rows[-1][1] if size else None
        assert self.store.head() == ((size, note) if size else None)
        with_payload = [i for i, (one, _) in enumerate(self.rows) if one.payload is not None]
        payloads = with_payload[-1] + 1 if with_payload else 0
        assert self.store.extent() == Extent(size, size, payloads, note)

    @invariant()
    def beside_the_entries(self) -> None:
        assert {place: self.store.tile(*place) for place in self.store.tiles()} == self.tiles
        assert list(self.store.tiles()) == sorted(self.tiles)
        for (tenant, identity), references in self.subjects.items():
            assert self.store.references(tenant, identity) == references
        others = [i for i, (one, _) in enumerate(self.rows) if one.lookup.kind != "event"]
        assert self.store.indices_of_other_kinds() == others


class SQLiteStoreMachine(StoreMachine):
    """The same over a file, which may be closed and opened again, or opened twice."""

    def open(self) -> Store:
        return SQLiteStore(self.folder / "log.db")

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.open()

    @precondition(lambda self: len(self.rows) > 0)
    @rule(batch=StoreMachine.batches)
    def another_opening_appends(self, batch: Batch) -> None:
        mine, other = self.store, self.open()
        self.store = other
        try:
            self.append(batch, 0, False)
        finally:
            self.store = mine
            other.close()

    @rule()
    def structure(self) -> None:
        assert self.store.structure_faults() == []


@pytest.mark.parametrize("machine", [StoreMachine, SQLiteStoreMachine])
def test_stores_do_as_the_model(machine: type[StoreMachine]) -> None:
    """After every step a store holds exactly what the model holds, refusals included."""
    steps = settings(max_examples=60, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(machine, settings=steps)

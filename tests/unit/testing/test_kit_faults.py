"""Stores that fail when they are told to."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import HeadMovedError, StoreUnavailableError
from biotrail.stores import Fence, MemoryStore, SealedStore, SQLiteStore, WrappedKey
from biotrail.stores.postings import SearchableStore
from biotrail.testing import (
    STEPS,
    FaultyStore,
    sample_batch,
)

_KEY = WrappedKey(bytes(16), "key", b"wrapped", bytes(32))


def _steps(store: Any) -> dict[str, Callable[[], Any]]:
    """Return each step of a store that holds three entries, as a call."""

    def turn() -> None:
        with store.turn():
            pass

    return {
        "turn": turn,
        "append": lambda: store.append(sample_batch(3)),
        "head": store.head,
        "entries": lambda: store.entries(0, 3),
        "raw_entries": lambda: store.raw_entries(0, 3),
        "lookups": lambda: store.lookups(0, 3),
        "payloads": lambda: store.payloads(0, 3),
        "payloads_at": lambda: store.payloads_at([0]),
        "clear_payloads": lambda: store.clear_payloads(0, 3),
        "entries_at": lambda: store.entries_at([0]),
        "tile": lambda: store.tile(0, 0),
        "tiles": store.tiles,
        "checkpoint_from": lambda: store.checkpoint_from(1),
        "find_events": lambda: store.find_events([]),
        "indices_of_other_kinds": store.indices_of_other_kinds,
        "references": lambda: store.references("", "ann"),
        "segments": lambda: store.segments(0, 1),
        "postings": lambda: store.postings("kind", "event", 0, 1),
        "field_postings": lambda: store.field_postings("kind", 0, 1),
        "occurred": lambda: store.occurred(0, 1),
        "sealed_of": lambda: store.sealed_of(bytes(16), 0, 3),
        "sealed_people": lambda: store.sealed_people(0, 3),
        "sealed_by_device": lambda: store.sealed_by_device(bytes(16), 0, 3),
        "sealed_by_ip": lambda: store.sealed_by_ip(bytes(4), 0, 3),
        "data_keys": lambda: store.data_keys([bytes(16)]),
        "data_keys_after": lambda: store.data_keys_after(0, 1),
        "count_data_keys": store.count_data_keys,
        "fence_count": store.fence_count,
        "fences": store.fences,
        "keep_key": lambda: store.keep_key(_KEY),
        "rewrap_keys": lambda: store.rewrap_keys([(_KEY, _KEY)]),
        "write_fence": lambda: store.write_fence(Fence(b"erasure", (bytes(16),), b"", 0)),
        "destroy_identities": lambda: store.destroy_identities([bytes(16)]),
        "replace_payloads": lambda: store.replace_payloads([]),
        "delete_payloads": lambda: store.delete_payloads([0]),
        "finish_fence": lambda: store.finish_fence(b"begun", 2),
        "purge_remains": store.purge_remains,
        "extent": store.extent,
        "structure_faults": store.structure_faults,
        "reopen_after_fork": store.reopen_after_fork,
        "close": store.close,
    }


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyStore]:
    """A faulty store over a file with three entries."""
    with closing(SQLiteStore(tmp_path / "log.db")) as inner:
        inner.append(sample_batch(0, 3))
        inner.write_fence(Fence(b"begun", (bytes(16),), b"", 0))
        yield FaultyStore(inner)


def test_steps_are_the_methods_of_a_store() -> None:
    """Every method of the contract is a step, and a faulty store is a store."""
    methods = {
        name
        for base in (*SealedStore.__mro__, *SearchableStore.__mro__)
        for name, one in vars(base).items()
        if isinstance(one, types.FunctionType) and not name.startswith("_")
    }
    assert methods == set(STEPS) == set(_steps(MemoryStore()))
    assert isinstance(FaultyStore(MemoryStore()), SealedStore)
    assert isinstance(FaultyStore(MemoryStore()), SearchableStore)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("written", [False, True])
def test_each_step_fails_when_told(faulty: FaultyStore, step: str, written: bool) -> None:
    """A step that is told to fail raises just that error, once, and then works again."""
    error = StoreUnavailableError("the disk failed")
    plan = faulty.fail(step, error, written=written)
    call = _steps(faulty)[step]
    with pytest.raises(StoreUnavailableError) as caught:
        call()
    assert caught.value is error
    assert plan.times == 0
    assert faulty.calls == [step]
    if not (step == "append" and written):
        call()


@pytest.mark.parametrize(("written", "size"), [(False, 3), (True, 4)])
def test_written_or_not(faulty: FaultyStore, written: bool, size: int) -> None:
    """What was told to be written is there although it raised; otherwise it is not."""
    faulty.fail("append", StoreUnavailableError("no answer"), written=written)
    with pytest.raises(StoreUnavailableError):
        faulty.append(sample_batch(3))
    assert faulty.extent().head == size


def test_failing_later_and_several_times(faulty: FaultyStore) -> None:
    """A plan may let some calls pass, then fail some, and can be dropped."""
    faulty.fail("head", StoreUnavailableError("no answer"), after=2, times=2)
    outcomes = []
    for _ in range(6):
        try:
            faulty.head()
            outcomes.append("passed")
        except StoreUnavailableError:
            outcomes.append("failed")
    assert outcomes == ["passed", "passed", "failed", "failed", "passed", "passed"]
    faulty.fail("head", StoreUnavailableError("no answer"), times=99)
    faulty.heal()
    assert faulty.head() is not None


def test_real_failures_go_through(faulty: FaultyStore) -> None:
    """A failure of the store itself is not hidden by a plan to fail after the work."""
    faulty.fail("append", StoreUnavailableError("no answer"), written=True)
    with pytest.raises(HeadMovedError):
        faulty.append(sample_batch(0))


def test_unknown_steps() -> None:
    """A step that no store has cannot be told to fail."""
    with pytest.raises(ValueError, match="no step 'apend'"):
        FaultyStore(MemoryStore()).fail("apend", StoreUnavailableError("no answer"))

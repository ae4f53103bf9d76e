"""Threat: two writers sign on top of the same head, and two histories come out of it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from biotrail import AuditLogger, Event, MemoryStore, SQLiteStore, verify_log
from biotrail.audit.state import LogState
from biotrail.errors import HeadMovedError
from biotrail.stores import Batch, Lookup, Store, WrittenEntry
from tests.attacks._tools import event, key_of, open_fast, rows_of, signer


def test_a_batch_over_a_stale_head_is_refused(singles: Path) -> None:
    """The store takes one batch for one head: the second is told that the head moved."""
    rows = rows_of(singles)
    store = SQLiteStore(singles)
    late = WrittenEntry(rows[299].entry, None, Lookup("log_stopped", 0))
    with pytest.raises(HeadMovedError):
        store.append(Batch(299, [late], rows[299].note or ""))
    store.close()
    assert rows_of(singles) == rows
    assert verify_log(singles, key_of(), workers=1).size == 300


def test_two_loggers_take_turns(singles: Path) -> None:
    """Two loggers with the same key, each unaware of the other, make one history."""
    with open_fast(singles) as one, open_fast(singles) as other:
        receipts = []
        for number in range(1000, 1020, 2):
            receipts += [one.record(event(number)), other.record(event(number + 1))]
    assert [receipt.index for receipt in receipts] == list(range(300, 320))
    notes = [receipt.checkpoint.note for receipt in receipts]
    assert verify_log(singles, key_of(), from_checkpoint=notes, workers=1).size == 320


class _StaleHead:
    """A store whose other writer is always first once."""

    def __init__(self, store: Store, other: AuditLogger) -> None:
        self._store = store
        self._other = other
        self._numbers = iter(range(5000, 6000))
        self._first = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def append(self, batch: Batch) -> None:
        """Let the other one write between framing and appending."""
        if self._first:
            self._first = False
            writer = threading.Thread(target=self._other.record, args=(event(next(self._numbers)),))
            writer.start()
            writer.join()
        else:
            self._first = True
        self._store.append(batch)


class _NoTurn(MemoryStore):
    """A store without locks: only the head swap orders the writers."""

    def turn(self) -> AbstractContextManager[None]:
        """A turn that keeps nobody out."""
        return nullcontext()


def test_who_was_second_frames_anew() -> None:
    """A writer that finds the head moved signs nothing on top of the old one that is kept."""
    store = _NoTurn()
    other = AuditLogger(store, signer())
    stale = AuditLogger(_StaleHead(store, other), signer())  # type: ignore[arg-type]
    receipts = [stale.record(event(number)) for number in range(20)]
    assert sorted({receipt.index for receipt in receipts}) == [r.index for r in receipts]
    notes = [receipt.checkpoint.note for receipt in receipts]
    report = verify_log(store, key_of(), from_checkpoint=notes)
    assert report.size == 41
    assert report.complete_since == tuple(receipt.index + 1 for receipt in receipts)


def test_a_state_that_lags_behind_follows_and_checks(singles: Path) -> None:
    """A writer follows what others wrote only after it has checked it."""
    store = SQLiteStore(singles)
    head = store.head()
    assert head is not None
    state = LogState.read(store, head, signer().verifier_key.name, [signer().verifier_key])
    with open_fast(singles) as logger:
        logger.record(Event(action="door.open", decision="denied"))
    moved = store.head()
    assert moved is not None
    state.follow(store, moved)
    assert (state.size, state.note) == (301, moved.checkpoint)
    store.close()

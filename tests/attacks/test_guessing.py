"""Guessing at a biometric: many at once, by restarting, and with the records of locks cut off."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit.locks import locks
from biotrail.errors import BiotrailError
from biotrail.limits import Limit, LimitPolicy
from biotrail.stores import SQLiteReader

ORIGIN = "example.com/door"
PROCESSES, THREADS, GUESSES = 8, 3, 4
POLICY = LimitPolicy(name="five", subject=Limit(failures=5, lock=timedelta(hours=1)))


def _open(path: Path, **options: Any) -> biotrail.AuditLogger:
    return biotrail.open(
        path, origin=ORIGIN, passphrase="secret", limits=POLICY, timeout=120, **options
    )


def _guess(log: biotrail.AuditLogger, *, match: bool) -> biotrail.Attempt:
    with log.attempt(action="door.open", subject="anna", modality="face") as attempt:
        if match:
            attempt.grant()
        else:
            attempt.deny(biotrail.Reason.NON_MATCH)
    return attempt


def _attack(path: Path, start: Any, answers: Any) -> None:
    """One process: threads that guess wrongly, one of which then has the right face."""
    with _open(path) as log:
        granted: list[bool] = []

        def run(last: bool) -> None:
            start.wait()
            guesses = [
                _guess(log, match=last and number == GUESSES) for number in range(GUESSES + 1)
            ]
            granted.extend(one.granted for one in guesses)

        threads = [threading.Thread(target=run, args=(n == 0,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers.put((sum(granted), len(granted)))


def test_parallel_guessing_by_many_processes_is_stopped(tmp_path: Path) -> None:
    """8 processes of 3 threads: one lock is recorded, and nobody is let in once it is."""
    path = tmp_path / "log.db"
    _open(path).close()
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(PROCESSES * THREADS), context.Queue()
    workers = [
        context.Process(target=_attack, args=(path, start, answers)) for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    told = [answers.get(timeout=240) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(tried for _, tried in told) == PROCESSES * THREADS * (GUESSES + 1)
    with closing(SQLiteReader(path)) as store:
        (lock,) = locks(store)
        rows = [row for _, row in store.lookups(0, 10_000) if row.action == "door.open"]
        before = [row for _, row in store.lookups(0, lock.index) if row.action == "door.open"]
    since_success = 0
    for row in before:
        since_success = 0 if row.decision == "granted" else since_success + 1
    assert since_success == 5
    assert sum(granted for granted, _ in told) == [row.decision for row in rows].count("granted")
    assert len(rows) == PROCESSES * THREADS * (GUESSES + 1)
    assert [row.decision for row in rows[len(before) :]].count("granted") == 0


def test_restarting_forgets_nothing(tmp_path: Path) -> None:
    """Who guesses once and starts the process anew is stopped after five guesses all the same."""
    path = tmp_path / "log.db"
    for _ in range(5):
        with _open(path) as log:
            _guess(log, match=False)
    with _open(path) as log:
        attempt = _guess(log, match=True)
    assert not attempt.granted
    assert attempt.locked is not None


@pytest.mark.parametrize("lost", [False, True])
def test_a_broken_off_commit_leaves_failure_and_lock_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """The fifth failure and its lock are in one transaction: both are there, or neither is."""
    path = tmp_path / "log.db"
    with _open(path) as log:
        for _ in range(4):
            _guess(log, match=False)
        append = log._store.append

        def broken(batch: Any) -> None:
            if not lost:
                append(batch)
            raise biotrail.errors.UnknownOutcomeError("the disk went away")

        monkeypatch.setattr(log._store, "append", broken)
        with pytest.raises(BiotrailError):
            _guess(log, match=False)
        monkeypatch.undo()
        attempt = _guess(log, match=True)
        assert attempt.granted is lost
    with closing(SQLiteReader(path)) as store:
        assert len(locks(store)) == (0 if lost else 1)

"""A commit function for tests, and threads whose end is awaited with a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from biotrail.audit.committer import Committer
from biotrail.audit.prepare import Prepared

LIMIT = 20.0


def record(number: int) -> Prepared:
    """A record that says which it is; nothing else about it matters here."""
    return Prepared("event", str(number).encode())


def number(one: Any) -> int:
    """The number of a record, or of an answer, which here is the record itself."""
    return int(one.body)


class FakeCommit:
    """Answers every record with itself; can be held, and can fail on certain records."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: list[str] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Semaphore(0)
        self.fail: Callable[[list[int]], BaseException | None] = lambda batch: None
        self._inside = threading.Lock()

    def __call__(self, records: Sequence[Prepared]) -> list[Any]:
        assert self._inside.acquire(blocking=False), "two commits at once"
        try:
            batch = [number(one) for one in records]
            self.entered.release()
            assert self.go.wait(LIMIT)
            if error := self.fail(batch):
                raise error
            self.batches.append(batch)
            self.threads.append(threading.current_thread().name)
            return list(records)
        finally:
            self._inside.release()


def running(act: Callable[[], object], name: str | None = None) -> threading.Thread:
    """A daemon thread, started, so that a test that finds a hang can still end."""
    thread = threading.Thread(target=act, name=name, daemon=True)
    thread.start()
    return thread


def ended(threads: Sequence[threading.Thread], limit: float = LIMIT) -> bool:
    """Whether all threads end within the limit."""
    for thread in threads:
        thread.join(limit)
    return not any(thread.is_alive() for thread in threads)


def queued(committer: Committer, count: int) -> None:
    """Wait until so many callers are in the queue."""
    deadline = threading.Event()
    for _ in range(int(LIMIT * 1000)):
        if len(committer._queue) >= count:
            return
        deadline.wait(0.001)
    raise AssertionError(f"{len(committer._queue)} in the queue, not {count}")

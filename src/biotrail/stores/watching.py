"""Being told that a store has grown, by whichever process.

A store that can tell is a `WakingStore`; every other is looked at again and again. A `Watch` may
tell too often, never too rarely: whoever is told reads the head.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol, runtime_checkable

from biotrail.stores.base import StoreReader

__all__ = ["PolledWatch", "WakingStore", "Watch", "watch_store"]

POLLED_EVERY = 0.010
"""Seconds between two looks, where a look costs a few microseconds."""
_HEAD_POLLED_EVERY = 0.025


class Watch(Protocol):
    """Waits for commits, in one thread."""

    def wait(self, seconds: float) -> bool:
        """Wait until something may have been committed since the last wait began, or time is up.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether something may have been committed.

        Raises:
            StoreError: The store cannot be read, or is another one now.
        """
        ...

    def wake(self) -> None:
        """End the wait at once, from any thread; if nobody waits, the next wait ends at once."""
        ...

    def close(self) -> None:
        """Release what is held, in the thread that waited."""
        ...


@runtime_checkable
class WakingStore(Protocol):
    """A store that tells of commits better than by its head being read again and again."""

    def watch(self) -> Watch:
        """A new watch over this store."""
        ...


class PolledWatch:
    """Looks at something that every commit changes."""

    def __init__(self, look: Callable[[], object], *, every: float = POLLED_EVERY) -> None:
        """Watch by looking.

        Args:
            look: Returns something that differs after a commit; called in the thread that waits.
            every: Seconds between two looks.
        """
        self._look = look
        self._every = every
        self._seen: object = self
        # A lock that is held while nobody rings: cheaper to ring than an event.
        self._bell = threading.Lock()
        self._bell.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait for a change, or for a ring; see `Watch.wait`."""
        deadline = monotonic() + seconds
        while not self._changed():
            left = deadline - monotonic()
            if left <= 0:
                return False
            if self._bell.acquire(timeout=min(left, self._every)):
                self._changed()  # seen: the same commit need not be told of twice
                return True
        self._bell.acquire(blocking=False)
        return True

    def wake(self) -> None:
        """Ring; see `Watch.wake`."""
        with suppress(RuntimeError):  # it rings already
            self._bell.release()

    def close(self) -> None:
        """Nothing is held."""

    def _changed(self) -> bool:
        before, self._seen = self._seen, self._look()
        return before != self._seen


def watch_store(store: StoreReader) -> Watch:
    """A watch over a store, by its own means or by its head."""
    if isinstance(store, WakingStore):
        return store.watch()
    return PolledWatch(store.head, every=_HEAD_POLLED_EVERY)

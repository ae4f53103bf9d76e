"""Waiting for new records."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Protocol

from biotrail._closing import Closing
from biotrail.forwarding.reading import LogSource
from biotrail.stores.watching import Watch

__all__ = ["Waits", "Watching"]

_SLICE = 0.1


class Waits(Protocol):
    """Waits for a while, or until it is woken: the place for whatever knows of new records."""

    def __call__(self, seconds: float, /) -> object:
        """Return after so many seconds, or earlier."""


class Watching(Closing):
    """Waits until a log may have grown, or until it is to stop. For one thread."""

    def __init__(self, source: LogSource, stop: threading.Event) -> None:
        """Watch a log.

        Args:
            source: The log.
            stop: Ends a wait when it is set.
        """
        self._source, self._stop = source, stop
        self._watch: Watch | None = None

    def __call__(self, seconds: float, /) -> None:
        """Wait so many seconds at most.

        Raises:
            StoreError: The store cannot be read, or is another one now.
        """
        if self._watch is None:
            self._watch = self._source.watch()
        deadline = monotonic() + seconds
        while not self._stop.is_set() and (left := deadline - monotonic()) > 0:
            # In slices: whoever sets the event does not wake the watch.
            if self._watch.wait(min(left, _SLICE)):
                return

    def close(self) -> None:
        """Let the watch go. May be called twice."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

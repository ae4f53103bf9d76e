"""Telling about findings: callbacks, which can neither hold up recording nor break it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

import attrs

from biotrail.detection.finding import Finding

__all__ = ["Callback", "Callbacks", "Detection"]

_LOG = logging.getLogger(__name__)
_WAITING = 1_000


@attrs.frozen
class Detection:
    """A finding that is recorded.

    Attributes:
        finding: What was found.
        index: Index of the record of it.
        repeated: Whether it was recorded before.
    """

    finding: Finding
    index: int
    repeated: bool


Callback = Callable[[Detection], object]


class Callbacks:
    """Calls the host's functions in a thread of their own, in order.

    What a function raises is logged. Where functions are too slow the oldest detections that wait
    are given up; they are in the log all the same, and `missed` counts them.
    """

    def __init__(self, callbacks: Iterable[Callback], *, waiting: int = _WAITING) -> None:
        """Take the functions; the thread begins with the first detection."""
        self._callbacks = tuple(callbacks)
        self._queue: deque[Detection] = deque()
        self._most = waiting
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = self._closed = False
        self.missed = 0

    def tell(self, detection: Detection) -> None:
        """Have the functions called, soon; returns at once."""
        if not self._callbacks:
            return
        with self._changed:
            if self._closed:
                return
            if len(self._queue) >= self._most:
                self._queue.popleft()
                self.missed += 1
            self._queue.append(detection)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="biotrail-detections", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until all were called; returns whether they were in time."""
        deadline = monotonic() + timeout
        with self._changed:
            while self._queue or self._busy:
                if not self._changed.wait(deadline - monotonic()):
                    return False
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Call what waits, for so many seconds at most, and end the thread."""
        self.drain(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                detection, self._busy = self._queue.popleft(), True
            for callback in self._callbacks:
                try:
                    callback(detection)
                except Exception:
                    _LOG.exception("a callback failed on %s", detection.finding.rule)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

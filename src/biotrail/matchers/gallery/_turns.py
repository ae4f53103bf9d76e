"""A lock that whoever asks for it first gets first, or nearly so."""

from __future__ import annotations

import threading

__all__ = ["Turns"]


class Turns:
    """A lock that cannot be taken again past one who waits; a context.

    A plain lock goes to whoever asks at the right moment. A thread that gives it back and asks
    again a few microseconds later is there before one that has to be woken, again and again. Here
    one asks at a gate first, and who waits for the lock holds the gate closed.
    """

    __slots__ = ("_gate", "_lock")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._gate:
            self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()

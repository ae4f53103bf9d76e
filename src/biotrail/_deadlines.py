"""A time for all of an exchange, where a time-out is one for each of its steps."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["ended_after"]


@contextmanager
def ended_after(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Break a connection off, whatever it is at, once the time is over.

    Whoever reads or writes then sees it end, as if the other side had broken off.
    """

    def end() -> None:
        with suppress(OSError):
            # Not the method of TLS, which would take itself apart under the thread that reads.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()

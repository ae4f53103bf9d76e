"""Reading requests and holding back answers, where calls block: for WSGI."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from copy import deepcopy
from typing import Any

from biotrail.middleware._patience import patiently
from biotrail.middleware.answers import Refused
from biotrail.middleware.guard import Limits

__all__ = ["HeldSession", "header_lines", "hold", "is_at_hand", "read_body"]

_CHUNK = 64 * 1024
_AT_HAND = (io.BytesIO, io.BufferedRandom)


def header_lines(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The header lines of a WSGI environment: lines of one name are one there, joined by commas."""
    return [
        (name[5:].replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]


def is_at_hand(stream: object) -> bool:
    """Whether a body lies in memory or in a file already, so that no read of it can hang.

    Servers that take a request in before they pass it on (waitress) hand over such a one. Sockets
    are never `io.BufferedRandom`, which can seek.
    """
    return isinstance(stream, _AT_HAND)


def read_body(
    read: Callable[[int], bytes], length: int | None, limits: Limits, *, patient: bool = False
) -> bytes | Refused:
    """The body of a request, or why it was not taken.

    Args:
        read: Reads so many bytes, or less at the end.
        length: How many bytes there are; None to read to the end.
        limits: The body's, in bytes and seconds.
        patient: Whether the body is here already, so that nothing needs a time-out.
    """
    if length == 0:
        return b""
    seconds = None if patient else limits.read_seconds
    deadline = None if seconds is None else time.monotonic() + seconds

    def whole() -> bytes | Refused:
        return _read(read, length, limits.body_bytes, deadline)

    try:
        # A read may hang for as long as the client likes: the thread that hangs is left behind.
        return whole() if seconds is None else patiently(seconds, whole)
    except TimeoutError:
        return Refused.TOO_SLOW
    except OSError:
        return Refused.DISCONNECTED


def _read(
    read: Callable[[int], bytes], length: int | None, limit: int, deadline: float | None
) -> bytes | Refused:
    body = bytearray()
    while length is None or len(body) < length:
        wanted = _CHUNK if length is None else min(_CHUNK, length - len(body))
        part = read(wanted)
        if deadline is not None and time.monotonic() > deadline:
            return Refused.TOO_SLOW
        if not part:
            break
        body += part
        if len(body) > limit:
            return Refused.BODY_TOO_LARGE
    return Refused.DISCONNECTED if length is not None and len(body) < length else bytes(body)


def hold(parts: Iterable[bytes], limit: int) -> bytes | None:
    """The whole of an answer; None where it has more than so many bytes."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > limit:
            return None
    return bytes(body)


class HeldSession:
    """A session as it was when a request came, to go back to if the handler is not heard."""

    def __init__(self, session: MutableMapping[str, Any] | None) -> None:
        """Keep a copy of what the session holds."""
        self._session = session
        self._before = None if session is None else deepcopy(dict(session))

    def restore(self) -> None:
        """Take back what was changed since."""
        session, before = self._session, self._before
        if session is not None and before is not None and dict(session) != before:
            session.clear()
            session.update(before)
            if hasattr(session, "modified"):
                session.modified = False  # it is as it is stored: nothing to write back

r"""A bounded file beside the log that holds events while the log cannot be written.

Not evidence: nothing in it is chained or signed. It becomes evidence when it is recorded.

Each frame is the length of its data (4 bytes, big-endian), SHA-256 of the data, and the data: the
canonical CBOR of ``[1, time, body, payload or null]``, with body and payload as for an entry, but
the salt all zero and no reference of the subject. A frame that was cut short by a crash was never
acknowledged, and is cut off by the next writer. Personal fields lie in it in the clear, as in
payloads, so the file is for its owner only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from biotrail.canonical import (
    decode_event,
    decode_payload,
    decode_value,
    encode_event,
    encode_value,
    format_time,
    parse_time,
)
from biotrail.canonical.payload import SALT_SIZE
from biotrail.errors import CanonicalError, SpoolError
from biotrail.events import Event

__all__ = ["SpoolFile", "Spooled"]

_VERSION = 1
_LENGTH = 4
_DIGEST = 32


class Spooled(NamedTuple):
    """What a spool holds.

    Attributes:
        events: The events, in the order in which they were spooled.
        since: When the first was spooled.
        end: Where in the file they end, in bytes.
    """

    events: list[Event]
    since: datetime | None
    end: int


class SpoolFile:
    """The file, shared by threads and processes of one machine; each act opens and locks it."""

    def __init__(self, path: str | os.PathLike[str], *, maximum_bytes: int) -> None:
        """Take a file that need not be there yet.

        Args:
            path: The file; its directory must exist.
            maximum_bytes: How large it may become.
        """
        self.path = Path(path)
        self._maximum = maximum_bytes
        self._lock = threading.Lock()
        self._left: tuple[int, int, int] | None = None

    def add(self, event: Event, moment: datetime) -> None:
        """Append an event, durably.

        Raises:
            SpoolError: It is full, or cannot be written; nothing was added.
        """
        frame = _frame(event, moment)
        with self._opened(create=True) as file:
            # As this object left it, it ends in a whole frame; else all of it is looked through.
            state = _state(file)
            whole = state == self._left
            end = state[1] if whole else _good_end(os.pread(file, self._maximum + 1, 0))
            if end + len(frame) > self._maximum:
                raise SpoolError(
                    f"{self.path} holds {end} bytes and may hold {self._maximum}: it has no room"
                )
            os.ftruncate(file, end)
            written = os.pwrite(file, frame, end)
            os.fsync(file)
            if written != len(frame):
                raise SpoolError(f"{self.path}: no space is left")
            self._left = _state(file)

    def read(self) -> Spooled:
        """Read all that is in it.

        Raises:
            SpoolError: It cannot be read, or holds what was never written there.
        """
        if not self.path.exists():
            return Spooled([], None, 0)
        with self._opened() as file:
            data = os.pread(file, self._maximum + 1, 0)
        found = [self._parse(frame) for frame in _frames(data)]
        since = found[0][0] if found else None
        return Spooled([event for _, event in found], since, _good_end(data))

    def empty(self, end: int) -> bool:
        """Empty it, if all that it holds lies before a place; returns whether it is empty now.

        What came meanwhile keeps the rest: it will be recorded again, and its ids answer for that.

        Raises:
            SpoolError: It cannot be written.
        """
        if not self.path.exists():
            return True
        with self._opened() as file:
            if _good_end(os.pread(file, self._maximum + 1, 0)) > end:
                return False
            os.ftruncate(file, 0)
            os.fsync(file)
            return True

    @contextmanager
    def _opened(self, *, create: bool = False) -> Iterator[int]:
        flags = os.O_RDWR | (os.O_CREAT if create else 0) | getattr(os, "O_CLOEXEC", 0)
        with self._lock:
            try:
                file = os.open(self.path, flags, 0o600)
                try:
                    _lock_file(file)
                    yield file
                finally:
                    os.close(file)  # and with it the lock
            except OSError as error:
                raise SpoolError(f"{self.path}: {error.strerror or error}") from error

    def _parse(self, data: bytes) -> tuple[datetime, Event]:
        try:
            value = decode_value(data)
            if not isinstance(value, list) or len(value) != 4 or value[0] != _VERSION:
                raise CanonicalError("not a frame of version 1")
            _, moment, body, payload = value
            content = decode_value(body)["event"]  # type: ignore[arg-type,call-overload,index]
            fields = None if payload is None else decode_payload(payload).fields  # type: ignore[arg-type]
            return parse_time(moment), decode_event(content, fields)  # type: ignore[arg-type]
        except (CanonicalError, KeyError, TypeError) as error:
            raise SpoolError(f"{self.path} holds what was not spooled: {error}") from error


def _state(file: int) -> tuple[int, int, int]:
    """What changes when anybody writes to the file; the second is its size."""
    status = os.fstat(file)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _frame(event: Event, moment: datetime) -> bytes:
    encoded = encode_event(event, subject=None, salt=bytes(SALT_SIZE))
    data = encode_value([_VERSION, format_time(moment), encoded.body, encoded.payload])
    return len(data).to_bytes(_LENGTH, "big") + sha256(data).digest() + data


def _frames(data: bytes) -> Iterator[bytes]:
    at = 0
    while frame := _frame_at(data, at):
        yield frame
        at += _LENGTH + _DIGEST + len(frame)


def _frame_at(data: bytes, at: int) -> bytes:
    start = at + _LENGTH + _DIGEST
    length = int.from_bytes(data[at : at + _LENGTH], "big")
    frame = data[start : start + length]
    whole = len(frame) == length and sha256(frame).digest() == data[at + _LENGTH : start]
    return frame if whole else b""


def _good_end(data: bytes) -> int:
    return sum(_LENGTH + _DIGEST + len(frame) for frame in _frames(data))


def _lock_file(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # a platform without it: one process only
        return
    fcntl.flock(file, fcntl.LOCK_EX)

r"""A bounded file beside the log that holds events while the log cannot be written.

Not evidence: nothing in it is chained or signed. It becomes evidence when it is recorded.

Each frame is the length of its data (4 bytes, big-endian), SHA-256 of the data, and the data: the
canonical CBOR of ``[1, time, body, payload or null]``, with body and payload as for an entry, but
the salt all zero and no reference of the subject. A frame that was cut short by a crash was never
acknowledged, and is cut off by the next writer.

In a log with a vault such data is sealed, and the frame's data is ``[2, reference, nonce,
ciphertext]``: AES-256-GCM over it, padded as a part of a payload is, with
``"biotrail/spool/1\n" || reference || origin`` as associated data. The key was wrapped when the log
was opened; ``[2, reference, key id, wrapped key, fingerprint]``, wrapped as a data key is, lies in
the file before the first frame that it seals. Without a vault personal fields lie in the file in
the clear. Either way it is for its owner only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from biotrail.audit.spool_frames import data_of, event_of, framed, frames, good_end
from biotrail.canonical import decode_value
from biotrail.errors import CanonicalError, SpoolError
from biotrail.events import Event

if TYPE_CHECKING:
    from biotrail.audit.spool_seal import SpoolSeal
    from biotrail.vault import KeptKey

__all__ = ["SpoolFile", "Spooled"]

_SEALED_VERSION = 2


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

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        maximum_bytes: int,
        seal: SpoolSeal | None = None,
    ) -> None:
        """Take a file that need not be there yet.

        Args:
            path: The file; its directory must exist.
            maximum_bytes: How large it may become.
            seal: Seals what is added, in a log with a vault.
        """
        self._seal = seal
        self.path = Path(path)
        self._maximum = maximum_bytes
        self._lock = threading.Lock()
        self._left: tuple[int, int, int] | None = None

    def add(self, event: Event, moment: datetime) -> None:
        """Append an event, durably.

        Raises:
            SpoolError: It is full, or cannot be written; nothing was added.
        """
        data = data_of(event, moment)
        with self._opened(create=True) as file:
            # As this object left it, it ends in a whole frame; else all of it is looked through.
            state = _state(file)
            whole = state == self._left
            before = b"" if whole else os.pread(file, self._maximum + 1, 0)
            end = state[1] if whole else good_end(before)
            frame = self._frame(data, with_key=not whole and not self._holds_key(before))
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
        found = [self._event(frame) for frame in self._clear(data)]
        since = found[0][0] if found else None
        return Spooled([event for _, event in found], since, good_end(data))

    def is_empty(self) -> bool:
        """Whether it holds no events; nothing is opened for that.

        Raises:
            SpoolError: It cannot be read, holds what was never written there, or is sealed.
        """
        if not self.path.exists():
            return True
        with self._opened() as file:
            data = os.pread(file, self._maximum + 1, 0)
        events, _ = self._sorted_out(data)
        for one in events:
            if isinstance(one, bytes):
                self._event(one)
        return not events

    def empty(self, end: int) -> bool:
        """Empty it, if all that it holds lies before a place; returns whether it is empty now.

        What came meanwhile keeps the rest: it will be recorded again, and its ids answer for that.

        Raises:
            SpoolError: It cannot be written.
        """
        if not self.path.exists():
            return True
        with self._opened() as file:
            if good_end(os.pread(file, self._maximum + 1, 0)) > end:
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

    def _frame(self, data: bytes, *, with_key: bool) -> bytes:
        if self._seal is None:
            return framed(data)
        key = framed(self._seal.key_data()) if with_key else b""
        return key + framed(self._seal.seal(data))

    def _holds_key(self, data: bytes) -> bool:
        return self._seal is not None and self._seal.reference in self._sorted_out(data)[1]

    def _clear(self, data: bytes) -> list[bytes]:
        """The data of all events, opened where it is sealed."""
        events, keys = self._sorted_out(data)
        clear = []
        for one in events:
            if isinstance(one, tuple):
                assert self._seal is not None
                try:
                    one = self._seal.open(one, keys)
                except CanonicalError as error:
                    raise self._strange(error) from error
            clear.append(one)
        return clear

    def _sorted_out(
        self, data: bytes
    ) -> tuple[list[bytes | tuple[bytes, bytes, bytes]], dict[bytes, KeptKey]]:
        """The frames of events, in the clear or sealed, and the keys."""
        events: list[bytes | tuple[bytes, bytes, bytes]] = []
        keys: dict[bytes, KeptKey] = {}
        for frame in frames(data):
            try:
                value = decode_value(frame)
            except CanonicalError as error:
                raise self._strange(error) from error
            if not isinstance(value, list) or value[:1] != [_SEALED_VERSION]:
                events.append(frame)
                continue
            from biotrail.audit.spool_seal import key_in

            if (kept := key_in(value)) is not None:
                keys[kept.reference] = kept
                continue
            if len(value) != 4 or not all(type(one) is bytes for one in value[1:]):
                raise self._strange("not a frame of version 2")
            if self._seal is None:
                raise SpoolError(f"{self.path} is sealed: open the log with its vault")
            events.append(tuple(value[1:]))  # type: ignore[arg-type] # three, as was just seen
        return events, keys

    def _event(self, data: bytes) -> tuple[datetime, Event]:
        try:
            return event_of(data)
        except CanonicalError as error:
            raise self._strange(error) from error

    def _strange(self, error: object) -> SpoolError:
        return SpoolError(f"{self.path} holds what was not spooled: {error}")


def _state(file: int) -> tuple[int, int, int]:
    """What changes when anybody writes to the file; the second is its size."""
    status = os.fstat(file)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _lock_file(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # a platform without it: one process only
        return
    fcntl.flock(file, fcntl.LOCK_EX)

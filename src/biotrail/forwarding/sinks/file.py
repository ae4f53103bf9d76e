"""Records to a file, one a line."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from biotrail.errors import ForwardingError, SinkUnavailableError
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.base import Sink

__all__ = ["FileSink", "append_lines"]


class FileSink(Sink):
    """Appends records to a file, one a line, durable before the position moves.

    The file is opened anew for each delivery, so that logrotate may move it away at any time; it is
    made for its owner alone. A line that a crash left without an end is ended before others follow.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name a file; it is made when something is delivered.

        Raises:
            ForwardingError: It is a directory.
        """
        self.path = Path(path)
        if self.path.is_dir():
            raise ForwardingError(f"{self.path} is a directory: name a file")

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        """Append the records; where there is no room for all, none stays.

        Raises:
            SinkUnavailableError: The file cannot be written.
        """
        try:
            append_lines(self.path, [one.line for one in messages])
        except OSError as error:
            raise SinkUnavailableError(
                f"{self.path} cannot be written: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Nothing is kept open."""


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Append whole lines to a file and wait until they are durable; all of them or none.

    Raises:
        OSError: It cannot be written, or is no plain file.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no plain file")
        data = "".join(f"{one}\n" for one in lines).encode()
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            data = b"\n" + data
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, status.st_size)
            raise
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]

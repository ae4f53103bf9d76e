"""Records that a receiver refuses for good: which they are and why, for a person to look at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from biotrail.canonical import format_time
from biotrail.errors import PositionError
from biotrail.forwarding.document import one_line
from biotrail.forwarding.formats import Format, Message
from biotrail.forwarding.sinks.file import append_lines

__all__ = ["DeadLetters"]


class DeadLetters:
    """A file with one JSON document a line.

    It names the record by index and leaf hash and does not repeat what it says: the log has that,
    and an erasure must not have to look here.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        """Name the file; it is made when it is needed."""
        self.path, self._clock = path, clock

    def add(self, message: Message, how: Format, reason: str) -> None:
        """Add a record; durable when this returns.

        Raises:
            PositionError: It cannot be written, so that the position must not move either.
        """
        told = {
            "refused": format_time(self._clock()),
            "origin": message.origin,
            "index": message.index,
            "leaf_hash": message.leaf_hash,
            "format": how.name,
            "reason": reason,
        }
        try:
            append_lines(self.path, [one_line(told)])
        except OSError as error:
            raise PositionError(f"{self.path} cannot be written: {error.strerror}") from error

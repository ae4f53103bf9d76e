"""A receiver that refuses some records for good."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from biotrail.errors import SinkRefusedError, SinkUnavailableError
from biotrail.forwarding import Sink
from biotrail.forwarding.formats import Format, Message


class Picky(Sink):
    """Refuses some records, or all, and keeps the others."""

    def __init__(self, *refused: int) -> None:
        self.refused: Collection[int] = refused
        self.away = False
        self.got: list[int] = []

    def deliver(self, messages: Sequence[Message], how: Format) -> None:
        if self.away:
            raise SinkUnavailableError("the receiver is away")
        if bad := [one.index for one in messages if one.index in self.refused]:
            raise SinkRefusedError(f"422 for {bad}")
        self.got += [one.index for one in messages]

    def close(self) -> None:
        """Nothing is open."""

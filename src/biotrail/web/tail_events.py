"""Records as server-sent events, made once for all who follow."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, NamedTuple

from biotrail.query import VerifiedEntry
from biotrail.web.shapes import Shown, encoded

__all__ = ["READ_ACTION", "READ_KIND", "Frame", "Frames", "event_of"]

READ_ACTION: Final = "log.read"
"""Action of the event that bears the text of a read."""

READ_KIND: Final = "log_read"
"""Kind of the entry that records a read."""

_KEPT: Final = 2_048


class Frame(NamedTuple):
    """A record as an event.

    Attributes:
        event: The event.
        read_by: Whose read it records, by the reader's id; empty for the event that bears its
            text, None where it records no read.
    """

    event: bytes
    read_by: bytes | None


class Frames:
    """The events of the newest records, in which nothing is revealed."""

    def __init__(self) -> None:
        """None yet."""
        self._kept: OrderedDict[int, Frame] = OrderedDict()

    def of(self, found: VerifiedEntry) -> Frame:
        """A record as an event."""
        known = self._kept.get(found.record.index)
        if known is None:
            known = self._kept[found.index] = Frame(event_of(found), _read_by(found))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return known


def event_of(found: VerifiedEntry, revealed: tuple[str, ...] = ()) -> bytes:
    """A record as an event, with the personal fields that are revealed."""
    document = {**Shown(found, revealed).document(), "checkpoint": found.checkpoint.size}
    return b"id: %d\ndata: %b\n\n" % (found.index, encoded(document))


def _read_by(found: VerifiedEntry) -> bytes | None:
    record = found.record
    content: Any = record.content
    if record.kind == "event":
        return b"" if content["action"] == READ_ACTION else None
    return bytes(content["reader"]) if record.kind == READ_KIND else None

"""Records as server-sent events, made once for all who follow."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from biotrail.query import VerifiedEntry
from biotrail.web.shapes import Shown, encoded

__all__ = ["READ_ACTION", "READ_KIND", "Frame", "Frames", "Sieve", "event_of"]

READ_ACTION: Final = "log.read"
"""Action of the event that bears the text of a read."""

READ_KIND: Final = "log_read"
"""Kind of the entry that records a read."""

_KEPT: Final = 2_048


class Frame(NamedTuple):
    """A record as an event.

    Attributes:
        event: The event.
        read_by: Whose read it records, by the reader's id; None where it records no read.
        text: Id of the event that bears the text of a read: its own, or that before it which it
            names; None where it is neither.
    """

    event: bytes
    read_by: bytes | None
    text: bytes | None


class Frames:
    """The events of the newest records, in which nothing is revealed."""

    def __init__(self) -> None:
        """None yet."""
        self._kept: OrderedDict[int, Frame] = OrderedDict()

    def of(self, found: VerifiedEntry) -> Frame:
        """A record as an event."""
        known = self._kept.get(found.record.index)
        if known is None:
            known = self._kept[found.index] = _framed(found)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return known


class Sieve:
    """Leaves out what records a reader's own reads: it would feed a tail with itself.

    Whose a read is says the entry after its text, so that the text waits for that one. Where it is
    not followed by it, since a condition leaves entries of reads out, nobody can tell, and the text
    is left out.
    """

    def __init__(self, frames: Frames, own: bytes | None, revealed: tuple[str, ...]) -> None:
        """Sift for a reader.

        Args:
            frames: The events of records.
            own: The reader's id; None to leave nothing out.
            revealed: The personal fields that are shown.
        """
        self._frames, self._own, self._revealed = frames, own, revealed
        self._text: tuple[int, bytes, bytes] | None = None

    @property
    def held(self) -> int | None:
        """Index of the text that waits; None where none does."""
        return None if self._text is None else self._text[0]

    def shown(self, found: Iterable[VerifiedEntry]) -> list[bytes]:
        """The events of some more records; a hundred tails may ask for each."""
        frame, own, revealed = self._frames.of, self._own, self._revealed
        events: list[bytes] = []
        for one in found:
            made = frame(one)
            is_own = own is not None and made.read_by == own
            if self._text is not None:
                index, name, event = self._text
                if one.index == index + 1 and not (is_own and made.text == name):
                    events.append(event)
                self._text = None
            if is_own:
                continue
            event = event_of(one, revealed) if revealed else made.event
            if own is None or made.text is None or made.read_by is not None:
                events.append(event)
            else:
                self._text = one.index, made.text, event
        return events


def event_of(found: VerifiedEntry, revealed: tuple[str, ...] = ()) -> bytes:
    """A record as an event, with the personal fields that are revealed."""
    document = {**Shown(found, revealed).document(), "checkpoint": found.checkpoint.size}
    return b"id: %d\ndata: %b\n\n" % (found.index, encoded(document))


def _framed(found: VerifiedEntry) -> Frame:
    record, event = found.record, event_of(found)
    content: Any = record.content
    if record.kind == READ_KIND:
        return Frame(event, bytes(content["reader"]), content.get("event"))
    is_text = record.kind == "event" and content["action"] == READ_ACTION
    return Frame(event, None, content["id"] if is_text else None)

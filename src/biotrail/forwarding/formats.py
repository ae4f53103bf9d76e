"""The formats by name, and a record as a line in one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs

from biotrail.errors import ForwardingError
from biotrail.forwarding.cef import cef_line
from biotrail.forwarding.cloudevents import cloud_event
from biotrail.forwarding.document import one_line, record_document
from biotrail.forwarding.ecs import ecs_document
from biotrail.forwarding.ocsf import ocsf_event
from biotrail.forwarding.view import RecordView

__all__ = ["FORMATS", "Format", "Message", "find_format"]

_SEVERITIES = (6, 5, 4, 2)


@attrs.frozen(kw_only=True)
class Message:
    """One record, ready to be sent.

    Attributes:
        origin: The log's origin.
        index: The record's index.
        leaf_hash: Its leaf hash in hexadecimal.
        checkpoint_size: Tree size of a checkpoint that covers it.
        kind: Kind of the entry.
        recorded: When it was recorded.
        severity: Severity of syslog, 6 (informational) to 2 (critical).
        summary: What happened in a short sentence, without anything personal.
        document: The record as a JSON object; None in CEF.
        line: The record as one line of text, without the end of the line.
    """

    origin: str
    index: int
    leaf_hash: str
    checkpoint_size: int
    kind: str
    recorded: datetime
    severity: int
    summary: str
    document: Mapping[str, Any] | None
    line: str


@attrs.frozen(kw_only=True)
class Format:
    """How records are written.

    Attributes:
        name: Its name: ``"ocsf"``, ``"ecs"``, ``"cef"``, ``"cloudevents"`` or ``"jsonl"``.
        content_type: Media type of several records, one a line, or as a JSON array.
        array: Whether several records are sent as a JSON array.
        document: Gives the JSON object of a record; None for CEF, which has none.
    """

    name: str
    content_type: str
    array: bool = False
    document: Callable[[RecordView], dict[str, Any]] | None = None

    def line(self, view: RecordView) -> str:
        """A record as one line, without its end."""
        return cef_line(view) if self.document is None else one_line(self.document(view))

    def message(self, view: RecordView) -> Message:
        """A record, ready to be sent."""
        document = None if self.document is None else self.document(view)
        return Message(
            origin=view.place.origin,
            index=view.index,
            leaf_hash=view.leaf_hash,
            checkpoint_size=view.place.size,
            kind=view.kind,
            recorded=view.record.recorded,
            severity=_SEVERITIES[view.gravity],
            summary=view.message,
            document=document,
            line=cef_line(view) if document is None else one_line(document),
        )


_LINES = "application/x-ndjson"
FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(name="ocsf", content_type=_LINES, document=ocsf_event),
        Format(name="ecs", content_type=_LINES, document=ecs_document),
        Format(name="cef", content_type="text/plain; charset=utf-8"),
        Format(
            name="cloudevents",
            content_type="application/cloudevents-batch+json",
            array=True,
            document=cloud_event,
        ),
        Format(name="jsonl", content_type=_LINES, document=record_document),
    )
}
"""The formats that there are, by name."""


def find_format(given: str | Format) -> Format:
    """A format by its name.

    Raises:
        ForwardingError: There is none of this name.
    """
    if isinstance(given, Format):
        return given
    if given not in FORMATS:
        raise ForwardingError(f"no format {given!r}: there are {', '.join(FORMATS)}")
    return FORMATS[given]

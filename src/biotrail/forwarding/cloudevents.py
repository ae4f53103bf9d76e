"""Records as CloudEvents 1.0 in the structured JSON format.

Source: CloudEvents 1.0.2 (CNCF), its JSON format, and its extensions ``sequence`` and
``recordedtime``. ``source`` and ``id`` together name a record once and for all, so that whoever
gets it twice can tell.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from biotrail.canonical import format_time
from biotrail.forwarding.document import record_document
from biotrail.forwarding.view import RecordView, without_nothing

__all__ = ["CLOUDEVENTS_VERSION", "TYPE_PREFIX", "cloud_event"]

CLOUDEVENTS_VERSION = "1.0"
TYPE_PREFIX = "io.readthedocs.biotrail"


def cloud_event(view: RecordView) -> dict[str, Any]:
    """A record as a CloudEvent; its data is `record_document`.

    ``id`` is the index and ``source`` the log's origin, as a URI reference; ``sequence`` is the
    index in 20 digits, which sort as text. ``leafhash``, ``checkpointsize`` and ``origin`` are
    extensions of ours.
    """
    event = view.event
    return without_nothing(
        {
            "specversion": CLOUDEVENTS_VERSION,
            "id": str(view.index),
            "source": f"/{quote(view.place.origin, safe='/')}",
            "type": f"{TYPE_PREFIX}.{view.kind}.v1",
            "subject": None if event is None else str(event.id),
            "time": format_time(view.occurred),
            "datacontenttype": "application/json",
            "sequence": f"{view.index:020d}",
            "recordedtime": format_time(view.record.recorded),
            "origin": view.place.origin,
            "leafhash": view.leaf_hash,
            "checkpointsize": str(view.place.size),
            "data": record_document(view),
        }
    )

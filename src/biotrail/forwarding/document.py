"""Records as JSON of our own: the words and units of the entry's specification.

The same words as ``biotrail show --json``: whole millionths stay whole, so that nothing is rounded.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from uuid import UUID

from biotrail.canonical import format_time
from biotrail.forwarding.view import RecordView, plain

__all__ = ["one_line", "record_document"]


def record_document(view: RecordView) -> dict[str, Any]:
    """A record as a JSON object; bytes in hexadecimal, addresses and event ids in their own form.

    Where personal fields are not shown, ``absent`` says whose and why.
    """
    record = view.record
    return {
        "origin": view.place.origin,
        "index": view.index,
        "leaf_hash": view.leaf_hash,
        "checkpoint": {"size": view.place.size, "root": view.place.root.hex()},
        "prev": record.entry.prev.hex(),
        "recorded": format_time(record.recorded),
        "kind": view.kind,
        "content": _worded(view.content),
        "personal": _worded(record.personal) or None,
        "absent": view.absent or None,
    }


def one_line(document: object) -> str:
    """A JSON document in one line of ASCII, so that nothing in it can end a line or steer."""
    text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")


def _worded(values: Any) -> dict[str, Any]:
    found: dict[str, Any] = plain(values)
    if isinstance(values.get("ip"), bytes):
        found["ip"] = str(ipaddress.ip_address(values["ip"]))
    if isinstance(values.get("id"), bytes):
        found["id"] = str(UUID(bytes=values["id"]))
    return found

r"""Records in the Common Event Format (CEF:0).

Source: ArcSight Common Event Format, Implementation Standard, version 26 (the header, the extension
dictionary with its lengths). Escaping is the standard's: ``\`` and ``|`` in the header; ``\``,
``=`` and the ends of lines in values. Other control characters, and the separators of lines and
paragraphs of Unicode, which the standard does not allow, are written as ``\u001b``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from biotrail._version import __version__
from biotrail.events import Event
from biotrail.forwarding.view import RecordView, milliseconds

__all__ = ["LENGTHS", "cef_line", "escape_header", "escape_value"]

_CONTROLS = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_EVERY_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SEVERITIES = (1, 3, 6, 9)
_HEADER_LENGTH = 512
LENGTHS: dict[str, int] = {
    "act": 63,
    "cat": 1023,
    "cfp1": 63,
    "cfp2": 63,
    "cn1": 31,
    "cn2": 31,
    "cs1": 4000,
    "cs2": 4000,
    "cs3": 4000,
    "cs4": 4000,
    "cs5": 4000,
    "cs6": 4000,
    "c6a2": 63,
    "destinationServiceName": 1023,
    "duid": 1023,
    "duser": 1023,
    "externalId": 40,
    "flexString1": 1023,
    "flexString2": 1023,
    "msg": 1023,
    "outcome": 63,
    "reason": 1023,
    "requestClientApplication": 1023,
    "rt": 31,
    "slat": 31,
    "slong": 31,
    "src": 15,
    "start": 31,
    "suid": 1023,
    "suser": 1023,
}
"""The extensions that are written, with the largest number of characters of their values."""
_LABELS = {
    "cs1": "log origin",
    "cs2": "leaf hash",
    "cs3": "subject reference",
    "cs4": "matcher",
    "cs5": "device id",
    "cs6": "not shown",
    "cn1": "log index",
    "cn2": "checkpoint size",
    "cfp1": "comparison score",
    "cfp2": "threshold",
    "c6a2": "Source IPv6 Address",
    "flexString1": "modality",
    "flexString2": "tenant",
}


def cef_line(view: RecordView) -> str:
    """A record as one line of CEF, without a syslog header.

    Values longer than the standard's dictionary allows are cut there: the log has them whole.
    """
    event = view.event
    header = (
        "CEF:0",
        "biotrail",
        "biotrail",
        escape_header(__version__),
        escape_header(view.name),
        escape_header(view.message),
        str(_SEVERITIES[view.gravity]),
    )
    values = [*_of_record(view), *([] if event is None else _of_event(event))]
    extension = " ".join(_written(values))
    return f"{'|'.join(header)}|{extension}"


def escape_header(text: str) -> str:
    """A header field: ends of lines become spaces, since the header has no way to write them."""
    text = text[:_HEADER_LENGTH].replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
    text = _EVERY_CONTROL.sub(_as_escape, text)
    return text.replace("\\", "\\\\").replace("|", "\\|")


def escape_value(text: str) -> str:
    """A value of the extension."""
    text = _CONTROLS.sub(_as_escape, text).replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _as_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _written(values: Iterable[tuple[str, object]]) -> Iterable[str]:
    for key, value in values:
        if value is None or value == "":
            continue
        yield f"{key}={escape_value(str(value)[: LENGTHS[key]])}"
        if key in _LABELS:
            yield f"{key}Label={escape_value(_LABELS[key])}"


def _of_record(view: RecordView) -> list[tuple[str, object]]:
    absent = ", ".join(f"{owner} {why}" for owner, why in view.absent.items())
    return [
        ("rt", milliseconds(view.record.recorded)),
        ("start", milliseconds(view.occurred)),
        ("cat", view.kind),
        ("cn1", view.index),
        ("cn2", view.place.size),
        ("cs1", view.place.origin),
        ("cs2", view.leaf_hash),
        ("cs3", view.subject_reference),
        ("cs6", absent),
        ("reason", None if view.event is not None else view.content.get("reason")),
    ]


def _of_event(event: Event) -> list[tuple[str, object]]:
    subject, actor, context = event.subject, event.actor, event.context
    address = context.ip
    version = None if address is None else address.version
    place, comparison = context.location, event.comparison
    return [
        ("externalId", event.id),
        ("act", event.decision),
        ("outcome", event.outcome),
        ("reason", event.reason),
        ("destinationServiceName", event.target),
        ("duid", None if subject is None else subject.id),
        ("duser", None if subject is None else subject.name),
        ("suid", None if actor is None else actor.id),
        ("suser", None if actor is None else actor.name),
        ("src", address if version == 4 else None),
        ("c6a2", address if version == 6 else None),
        ("slat", None if place is None else f"{place.latitude:.6f}"),
        ("slong", None if place is None else f"{place.longitude:.6f}"),
        ("cs4", None if comparison is None else f"{comparison.matcher} {comparison.version}"),
        ("cs5", context.device_id),
        ("cfp1", None if comparison is None else _decimal(comparison.score)),
        ("cfp2", None if comparison is None else _decimal(comparison.threshold)),
        ("flexString1", event.modality),
        ("flexString2", event.tenant),
        ("requestClientApplication", context.user_agent),
    ]


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"

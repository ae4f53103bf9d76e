"""One record in full: section by section, with who vouches for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biotrail.canonical import Entry, format_time
from biotrail.cli._output import Row, grid, heading, say
from biotrail.cli._records import Record
from biotrail.cli._values import spread

__all__ = ["print_body", "print_record"]

_PAYLOAD = {
    "none": "The event has no personal fields.",
    "opens": "They open to the commitments in the entry. They lie in the clear beside it, since "
    "there is no vault yet.",
    "does not open": "Not shown: the payload is not the one that the entry commits to.",
    "missing": "The payload is missing, though the entry commits to one.",
}
_SECTIONS = ("comparison", "context", "labels")
_APART = (*_SECTIONS, "provenance")


def print_record(record: Record) -> None:
    """Print a record as it is stored."""
    say(f"Entry {record.index}", style="bold")
    rows: list[Row] = [("leaf hash", record.leaf_hash.hex())]
    if record.fault is not None:
        rows.append(("fault", record.fault))
    if record.entry is None:
        grid([*rows, ("bytes", record.data.hex())])
        return
    grid([*rows, *_head(record.entry)])
    print_body(record.entry)
    if record.event:
        heading("Personal fields")
        say(_PAYLOAD[record.payload], style="dim")
        if record.personal:
            grid(_vouched(record.personal, record.event.get("provenance", {})))


def print_body(entry: Entry) -> None:
    """Print what an entry says."""
    if entry.kind != "event":
        heading(entry.kind)
        grid(list(spread(entry.content)))
        return
    content: Mapping[str, Any] = entry.content
    provenance = content.get("provenance", {})
    _section("Event", {name: value for name, value in content.items() if name not in _APART}, {})
    for name in _SECTIONS:
        _section(name.capitalize(), content.get(name, {}), provenance)


def _head(entry: Entry) -> list[Row]:
    return [
        ("follows on", entry.prev.hex()),
        ("recorded", format_time(entry.recorded)),
        ("kind", entry.kind),
    ]


def _section(title: str, values: Mapping[str, Any], provenance: Mapping[str, str]) -> None:
    if values:
        heading(title)
        grid(_vouched(values, provenance))


def _vouched(values: Mapping[str, Any], provenance: Mapping[str, str]) -> list[Row]:
    """Names with values, and who vouches for them, where that was recorded."""
    rows: list[Row] = []
    for name, value in spread(values):
        word = provenance.get(name.partition(".")[0])
        rows.append((name, value if word is None else f"{value}  ({word})"))
    return rows

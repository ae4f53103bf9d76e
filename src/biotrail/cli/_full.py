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
    "opens": "They open to the commitments in the entry.",
    "opens in part": "Some open to the commitments in the entry.",
    "sealed": "Sealed: they are there, and only who holds the log's vault can open them (--vault).",
    "erased": "Erased: their key was destroyed.",
    "being erased": "Their erasure has begun and is not finished.",
    "retained": "Destroyed, as their time was over.",
    "does not open": "Not shown: the payload is not the one that the entry commits to.",
    "missing": "The payload is missing, though the entry commits to one.",
}
_CLEAR = " They lie in the clear beside it, since the log has no vault."
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
        say(_PAYLOAD[record.payload] + _CLEAR * record.in_clear, style="dim")
        grid(_withheld(record))
        if record.personal:
            grid(_vouched(record.personal, record.event.get("provenance", {})))


def _withheld(record: Record) -> list[Row]:
    """What is not shown, and why."""
    rows: list[Row] = []
    if record.payload == "opens in part":
        rows += [(f"of the {owner}", "sealed") for owner in record.sealed]
    for one in record.gone:
        label = "of nobody known" if one.owner == "nobody" else f"of the {one.owner}"
        said = "" if one.index is None else f" by entry {one.index}"
        when = "" if one.recorded is None else f", recorded {format_time(one.recorded)}"
        why = "".join(f"; {text}" for text in (one.reason, one.legal_basis) if text)
        rows.append((label, f"{one.how}{said}{when}{why}"))
    return rows


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

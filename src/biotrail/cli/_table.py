"""A table of records that fits: columns are left out, least needed first, until it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from biotrail.canonical import format_time
from biotrail.cli._output import console, emit, printable, say
from biotrail.cli._records import Record
from biotrail.cli._values import address, decimal, who
from biotrail.events import Reason

__all__ = ["moment", "print_table", "style_of"]

_WIDEST = 32
_BETWEEN = 2


class _Column(NamedTuple):
    title: str
    cell: Callable[[Record], str]
    need: int  # the columns of least need are left out first


def moment(record: Record) -> str:
    """When the entry was recorded, to the second, in UTC."""
    if record.entry is None:
        return "?"
    text = format_time(record.entry.recorded)
    return f"{text[:10]} {text[11:19]}Z"


def _of_event(name: str) -> Callable[[Record], str]:
    return lambda record: str(record.event.get(name, "-" if record.event else ""))


def _action(record: Record) -> str:
    if record.entry is None:
        return "(unreadable)"
    return str(record.event.get("action", f"({record.entry.kind})"))


def _matcher(record: Record) -> str:
    if not record.event:
        return ""
    comparison: Mapping[str, Any] = record.event.get("comparison", {})
    return f"{comparison['matcher']} {comparison['version']}" if comparison else "-"


def _personal(name: str, show: Callable[[object], str]) -> Callable[[Record], str]:
    """A personal field; ``?`` where it may be there, and cannot be read."""

    def cell(record: Record) -> str:
        if not record.event:
            return ""
        value = record.personal.get(name)
        unknown = value is None and record.payload not in ("none", "opens")
        return "?" if unknown else show(value)

    return cell


_COLUMNS = (
    _Column("index", lambda record: str(record.index), 99),
    _Column("recorded (UTC)", moment, 8),
    _Column("action", _action, 10),
    _Column("target", _of_event("target"), 4),
    _Column("modality", _of_event("modality"), 2),
    _Column("decision", _of_event("decision"), 12),
    _Column("outcome", _of_event("outcome"), 1),
    _Column("reason", _of_event("reason"), 11),
    _Column("matcher", _matcher, 0),
    _Column("score", _personal("score_micro", decimal), 5),
    _Column("who", lambda record: who(record) if record.event else "", 9),
    _Column("ip", _personal("ip", address), 3),
)


def style_of(record: Record) -> str:
    """The colour of a decision: granted, denied, or denied for want of anything to compare."""
    if record.entry is None or record.fault is not None:
        return "bold red"
    if not record.event:
        return "dim"
    if record.event["decision"] == "granted":
        return "green"
    try:
        failure = Reason(record.event["reason"]).is_failure_to_acquire
    except ValueError:
        failure = False
    return "yellow" if failure else "red"


def print_table(records: Sequence[Record]) -> None:
    """Print records as a table at the width of the terminal."""
    chosen = _fitting(records, console().width)
    table = Table(box=None, padding=(0, _BETWEEN, 0, 0), pad_edge=False, header_style="bold")
    for column in chosen:
        right = column.title in ("index", "score")
        table.add_column(
            column.title,
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=_WIDEST,
        )
    for record in records:
        table.add_row(*(_cell(column, record) for column in chosen))
    emit(table)
    absent = [column.title for column in _COLUMNS if column not in chosen]
    if absent:
        say(f"Too narrow for: {', '.join(absent)}. An index, or --json, shows all.", style="dim")


def _cell(column: _Column, record: Record) -> Text:
    coloured = column.title == "decision" or not record.event or record.fault is not None
    return Text(printable(column.cell(record)), style=style_of(record) if coloured else "")


def _fitting(records: Sequence[Record], width: int) -> list[_Column]:
    widths = {column: _width(column, records) for column in _COLUMNS}
    chosen = list(_COLUMNS)
    while len(chosen) > 1 and sum(widths[one] + _BETWEEN for one in chosen) > width + _BETWEEN:
        chosen.remove(min(chosen, key=lambda column: column.need))
    return chosen


def _width(column: _Column, records: Sequence[Record]) -> int:
    cells = (cell_len(printable(column.cell(record))) for record in records)
    return min(max((len(column.title), *cells)), _WIDEST)

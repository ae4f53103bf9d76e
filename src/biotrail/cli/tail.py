"""``biotrail tail``: the last records, and those that come."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Annotated

import typer
from rich.text import Text

from biotrail.cli._given import Database
from biotrail.cli._output import console, printable, write_json
from biotrail.cli._records import Record, log_size, reader_of, shown
from biotrail.cli._table import moment, style_of
from biotrail.cli._values import address, decimal, document, who
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.query import Condition, RecordReader
from biotrail.query.engine import as_condition
from biotrail.query.follow_door import is_asked_for
from biotrail.stores import SQLiteReader

__all__ = ["tail"]

_LOOK_UP_SECONDS = 0.2  # for an interrupt


def tail(
    log: Database,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on as records come; Ctrl-C ends it.")
    ] = False,
    last: Annotated[
        int, typer.Option("-n", "--last", min=0, help="How many of the last records to begin with.")
    ] = 10,
    vault: VaultFile = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only records that fit, e.g. 'outcome = failure and ip in 10.0.0.0/8'.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document a line and record.")
    ] = False,
) -> None:
    """Print the last records, one a line, and with --follow those that come.

    Records are shown as stored, not verified; what cannot be read is always shown. Sealed personal
    fields are shown to whoever can open the log's vault.
    """
    condition = as_condition(where)
    with closing(SQLiteReader(log)) as store, opened_vault(log, store, vault) as opened:
        size = log_size(store)
        start = max(0, size - last)
        with closing(reader_of(store, opened)) as reader, _interrupts() as interrupts:
            found = _records(reader, start, size, condition, follow=follow, interrupts=interrupts)
            for record in found:
                write_json(document(record), indent=None) if as_json else _print(record)
                if interrupts:
                    break


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The interrupts so far: the first asks for an end, the second ends at once.

    Python's own answer is an exception, which is lost where it comes up in a callback of the
    collector of garbage. A list that grows is never lost.
    """
    seen: list[int] = []

    def interrupted(number: int, _frame: object) -> None:
        seen.append(number)
        if len(seen) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        with suppress(KeyboardInterrupt):
            yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _records(
    reader: RecordReader,
    start: int,
    stop: int,
    condition: Condition | None,
    *,
    follow: bool,
    interrupts: Sequence[int],
) -> Iterator[Record]:
    """Those that are there up to `stop`, and those that come."""
    if not follow:
        found = reader.examine(start, stop)
        yield from shown(one for one in found if is_asked_for(one, condition))
        return
    with reader.follow(start=start, where=condition, timeout=_LOOK_UP_SECONDS) as follower:
        while not interrupts:
            yield from shown(follower)


def _print(record: Record) -> None:
    output = console()
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{record.index:>6}  {moment(record)}  ")
    line.append(_verdict(record), style=style_of(record))
    line.append(_rest(record))
    output.print(line, soft_wrap=not output.is_terminal)
    sys.stdout.flush()


def _verdict(record: Record) -> str:
    if record.entry is None:
        return f"unreadable: {printable(record.fault)}"
    if not record.event:
        return f"({printable(record.entry.kind)})"
    return f"{printable(record.event['decision']):<7}"


def _rest(record: Record) -> str:
    event, personal = record.event, record.personal
    if not event:
        return ""
    words = [event["reason"], event["action"], event.get("target"), who(record)]
    if "ip" in personal:
        words.append(address(personal["ip"]))
    if "score_micro" in personal:
        words.append(f"score {decimal(personal['score_micro'])}")
    return "".join(f"  {printable(word)}" for word in words if word is not None)

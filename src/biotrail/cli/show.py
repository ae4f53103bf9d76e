"""``biotrail show``: records as a table, or one of them in full."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._full import print_record
from biotrail.cli._given import Database, Json
from biotrail.cli._key_spans import log_keys
from biotrail.cli._output import say, write_json
from biotrail.cli._records import (
    Record,
    check_within,
    log_size,
    origin_of,
    read_record,
    read_records,
    reader_of,
)
from biotrail.cli._table import print_table
from biotrail.cli._values import document
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.errors import BiotrailError
from biotrail.query import RecordReader
from biotrail.stores import SQLiteReader
from biotrail.verify import AffectedEntries

__all__ = ["show"]

_UNVERIFIED = "As stored, not verified: `biotrail verify` says whether it holds."


def show(
    log: Database,
    index: Annotated[
        int | None,
        typer.Argument(min=0, help="Show this entry in full.", show_default=False),
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the last records to show.")] = 20,
    vault: VaultFile = None,
    as_json: Json = False,
) -> None:
    """Show records as a table, or one record in full.

    Everything is decoded from the entries and their payloads. Sealed personal fields are shown to
    whoever can open the log's vault; to others they read as sealed. Characters that could steer the
    terminal are escaped.
    """
    with closing(SQLiteReader(log)) as store, opened_vault(log, store, vault) as opened:
        reader = reader_of(store, opened)
        if index is None:
            _show_last(log, store, reader, last, as_json=as_json)
        else:
            check_within(store, index)
            _show_one(read_record(reader, index), _doubt(store, index), as_json=as_json)


def _show_last(
    log: Path, store: SQLiteReader, reader: RecordReader, last: int, *, as_json: bool
) -> None:
    size = log_size(store)
    records = list(read_records(reader, max(0, size - last), size))
    if as_json:
        told = {"log": str(log), "origin": _origin(store), "size": size, "verified": False}
        write_json({**told, "records": [document(one) for one in records]})
        return
    say(f"{log}: {_origin(store) or 'no readable genesis entry'}, {size:,} entries", style="bold")
    print_table(records)
    say(_UNVERIFIED, style="dim")


def _show_one(record: Record, doubt: AffectedEntries | None, *, as_json: bool) -> None:
    if as_json:
        affected = None if doubt is None else {"key": doubt.key, "report": doubt.report}
        write_json({**document(record), "affected": affected, "verified": False})
        return
    print_record(record)
    say()
    if doubt is not None:
        say(
            f"Not to be believed: entry {doubt.report:,} reports that the key which signed for it, "
            f"{doubt.key}, had been stolen by then.",
            style="bold yellow",
        )
    say(_UNVERIFIED, style="dim")


def _doubt(store: SQLiteReader, index: int) -> AffectedEntries | None:
    """Why an entry is not to be believed, as the log says it; None too where it says nothing."""
    try:
        affected = log_keys(store, by_columns=True).affected
    except BiotrailError:
        return None  # whatever is wrong with the log, `biotrail verify` names it
    return next((one for one in affected if index in one), None)


def _origin(store: SQLiteReader) -> str | None:
    try:
        return origin_of(store)
    except BiotrailError:
        return None

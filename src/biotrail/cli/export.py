"""``biotrail export``: records as lines that other systems read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._given import Database, Output, check_writable, moment
from biotrail.cli._output import say
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.errors import BiotrailError
from biotrail.forwarding import export_lines
from biotrail.query import RecordReader, Where
from biotrail.stores import SQLiteReader

__all__ = ["FormatName", "export"]


class FormatName(StrEnum):
    """The formats that there are."""

    OCSF = "ocsf"
    ECS = "ecs"
    CEF = "cef"
    CLOUDEVENTS = "cloudevents"
    JSONL = "jsonl"


def export(
    log: Database,
    form: Annotated[
        FormatName, typer.Option("--format", help="How records are written, one a line.")
    ] = FormatName.JSONL,
    since: Annotated[
        str | None,
        typer.Option(
            help="Recorded at this time or later; UTC if it does not say.", show_default=False
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Recorded before this time.", show_default=False)
    ] = None,
    output: Output = None,
    vault: VaultFile = None,
) -> None:
    """Write records for other systems, one a line, the oldest first.

    OCSF 1.8, ECS, CEF, CloudEvents, or JSON in the words of the specification. Each line names the
    log, index, leaf hash and a checkpoint's size, which lead back to the proof. Sealed personal
    fields are written only for whoever opens the log's vault; what is exported is a copy that no
    erasure reaches.
    """
    where = Where(
        since=None if since is None else moment(since, "--since"),
        until=None if until is None else moment(until, "--until"),
    )
    if output is not None:
        check_writable(output, option="--output")
    with closing(SQLiteReader(log)) as store, opened_vault(log, store, vault) as opened:
        lines = export_lines(RecordReader(store, vault=opened), format=form.value, where=where)
        if output is None:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            return
        count = _write(output, lines)
    say(f"{count:,} records were written to {output}.", stderr=True)


def _write(path: Path, lines: Iterator[str]) -> int:
    """Write all lines or none: what is half an export must not look like one."""
    count = 0
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with open(os.open(beside, flags, 0o600), "w", encoding="utf-8", newline="\n") as file:
                for line in lines:
                    file.write(f"{line}\n")
                    count += 1
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise BiotrailError(f"{path} cannot be written: {error.strerror}") from error
    return count

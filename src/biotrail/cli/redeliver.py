"""``biotrail redeliver``: what was refused for good is listed, sent once more, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer

from biotrail.canonical import format_time
from biotrail.cli._given import Database
from biotrail.cli._output import printable, say
from biotrail.cli._receivers import Pem, dead_letters_of, sink_of
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.cli.export import FormatName
from biotrail.errors import SinkRefusedError
from biotrail.forwarding import DeadLetter, DeadLetters, Forwarder, Redelivered
from biotrail.query import RecordReader
from biotrail.stores import SQLiteReader

__all__ = ["redeliver"]


def redeliver(
    log: Database,
    position: Annotated[
        Path,
        typer.Option(
            "--position",
            metavar="FILE",
            help="The forwarder's position: what was refused is in FILE.refused.",
            show_default=False,
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="Where they are sent, as for forward; without it they are listed.",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        list[int] | None,
        typer.Option("--index", metavar="N", help="Only this record; may be given several times."),
    ] = None,
    drop: Annotated[
        str | None,
        typer.Option(
            "--drop",
            metavar="REASON",
            help="Give up the records of --index, for this reason, which is kept.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        FormatName, typer.Option("--format", help="How records are written.")
    ] = FormatName.OCSF,
    ca: Pem = None,
    certificate: Pem = None,
    key: Pem = None,
    vault: VaultFile = None,
) -> None:
    """Send once more what a receiver refused for good; list it; or give it up.

    What is listed is read from POSITION.refused, which a forwarder writes. Records are read from
    the log as it is now: what was erased since is not sent. What is refused again stays there.
    """
    letters = DeadLetters(dead_letters_of(position))
    if drop is not None:
        _drop(letters, index, to, drop)
    elif to is None:
        _list(letters.chosen(index))
    else:
        with ExitStack() as stack:
            sink = stack.enter_context(sink_of(to, ca, certificate, key))
            store = stack.enter_context(closing(SQLiteReader(log)))
            opened = stack.enter_context(opened_vault(log, store, vault))
            forwarder = Forwarder(
                RecordReader(store, vault=opened),
                sink,
                position=position,
                format=form.value,
                dead_letters=letters.path,
            )
            _tell(forwarder.redeliver(index), forwarder.dead_letters)


def _drop(letters: DeadLetters, index: list[int] | None, to: str | None, reason: str) -> None:
    if to is not None or not index:
        raise typer.BadParameter(
            "name the records by --index, and give no --to", param_hint="--drop"
        )
    letters.chosen(index)  # all of them or none
    for one in index:
        letters.drop(one, reason)
    say(f"{len(index):,} records were given up.", stderr=True)


def _list(letters: Sequence[DeadLetter]) -> None:
    for one in letters:
        say(printable(f"{one.index}  {format_time(one.refused)}  {one.format}  {one.reason}"))
    say(f"{len(letters):,} records wait to be delivered.", stderr=True)


def _tell(done: Redelivered, left: Sequence[DeadLetter]) -> None:
    say(f"{done.delivered:,} records were delivered.", stderr=True)
    if done.refused:
        raise SinkRefusedError(
            f"{done.refused:,} records were refused again: {left[0].index} for {left[0].reason!r}. "
            "They stay where they are"
        )

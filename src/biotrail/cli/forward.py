"""``biotrail forward``: records to a SIEM, at least once, from where it stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Annotated

import typer

from biotrail.cli._given import Database
from biotrail.cli._output import say
from biotrail.cli._receivers import Pem, PositionPath, Receiver, dead_letters_of, sink_of
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.cli.export import FormatName
from biotrail.forwarding import Forwarded, Forwarder
from biotrail.query import RecordReader
from biotrail.stores import SQLiteReader

__all__ = ["forward"]


def forward(
    log: Database,
    to: Receiver,
    position: PositionPath,
    form: Annotated[
        FormatName, typer.Option("--format", help="How records are written.")
    ] = FormatName.OCSF,
    once: Annotated[
        bool, typer.Option("--once", help="Deliver what is there now, and end.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.05, help="Seconds after which the log is looked at in any case.")
    ] = 1.0,
    ca: Pem = None,
    certificate: Pem = None,
    key: Pem = None,
    vault: VaultFile = None,
) -> None:
    """Forward records to another system, at least once, from where it stopped.

    Receivers are reached over TLS 1.3, and their certificates are verified: by --ca, or by the
    system's authorities; --certificate and --key are a client's own. A bearer token is taken from
    BIOTRAIL_FORWARD_TOKEN, a secret for signing (hexadecimal) from BIOTRAIL_FORWARD_SECRET.
    Records that the receiver refuses for good are named in POSITION.refused: see redeliver.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(sink_of(to, ca, certificate, key))
        store = stack.enter_context(closing(SQLiteReader(log)))
        opened = stack.enter_context(opened_vault(log, store, vault))
        forwarder = Forwarder(
            RecordReader(store, vault=opened),
            sink,
            position=position,
            format=form.value,
            dead_letters=dead_letters_of(position),
        )
        if once:
            _report(forwarder.run_once())
            return
        with _stopped_by_signals() as stop:
            forwarder.run(stop, every=every, report=_report)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: the batch under way is finished first."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda *_: stop.set()) for one in numbers]
    try:
        yield stop
    finally:
        for one, handler in zip(numbers, before, strict=True):
            signal.signal(one, handler)


def _report(what: Exception | Forwarded) -> None:
    if isinstance(what, Exception):
        say(f"biotrail: {what}; trying again", style="yellow", stderr=True)
        return
    refused = f", {what.refused:,} refused for good" if what.refused else ""
    say(f"{what.delivered:,} records were delivered{refused}; next is {what.next:,}.", stderr=True)

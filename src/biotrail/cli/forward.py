"""``biotrail forward``: records to a SIEM, at least once, from where it stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from biotrail.cli._given import Database
from biotrail.cli._output import printable, say
from biotrail.cli._vault import VaultFile, opened_vault
from biotrail.cli.export import FormatName
from biotrail.errors import ForwardingError
from biotrail.forwarding import (
    Bearer,
    FileSink,
    Forwarded,
    Forwarder,
    HttpsSink,
    Signed,
    Sink,
    SyslogTlsSink,
    tls_context,
)
from biotrail.query import RecordReader
from biotrail.stores import SQLiteReader

__all__ = ["forward"]

TOKEN_VARIABLE = "BIOTRAIL_FORWARD_TOKEN"  # noqa: S105 # names of variables, no secrets
SECRET_VARIABLE = "BIOTRAIL_FORWARD_SECRET"  # noqa: S105
_Pem = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False)]


def forward(
    log: Database,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="ADDRESS",
            help="syslog+tls://host:port, https://..., or file:PATH.",
            show_default=False,
        ),
    ],
    position: Annotated[
        Path,
        typer.Option(
            "--position",
            metavar="FILE",
            help="Keeps how far it has come; begins at the first record if it is not there.",
            show_default=False,
        ),
    ],
    form: Annotated[
        FormatName, typer.Option("--format", help="How records are written.")
    ] = FormatName.OCSF,
    once: Annotated[
        bool, typer.Option("--once", help="Deliver what is there now, and end.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.05, help="Seconds after which the log is looked at in any case.")
    ] = 1.0,
    ca: _Pem = None,
    certificate: _Pem = None,
    key: _Pem = None,
    vault: VaultFile = None,
) -> None:
    """Forward records to another system, at least once, from where it stopped.

    Receivers are reached over TLS 1.3, and their certificates are verified: by --ca, or by the
    system's authorities; --certificate and --key are a client's own. A bearer token is taken from
    BIOTRAIL_FORWARD_TOKEN, a secret for signing (hexadecimal) from BIOTRAIL_FORWARD_SECRET.
    Records that the receiver refuses for good are named in POSITION.refused.
    """
    with ExitStack() as stack:
        sink = stack.enter_context(_sink(to, ca, certificate, key))
        store = stack.enter_context(closing(SQLiteReader(log)))
        opened = stack.enter_context(opened_vault(log, store, vault))
        forwarder = Forwarder(
            RecordReader(store, vault=opened),
            sink,
            position=position,
            format=form.value,
            dead_letters=f"{position}.refused",
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


def _sink(to: str, ca: Path | None, certificate: Path | None, key: Path | None) -> Sink:
    scheme, _, rest = to.partition(":")
    try:
        if scheme == "file":
            if not rest:
                raise ForwardingError("file: names a path")
            return FileSink(rest)
        tls = tls_context(
            ca_file=None if ca is None else str(ca),
            certificate=None if certificate is None else str(certificate),
            key=None if key is None else str(key),
        )
        if scheme == "syslog+tls":
            parts = urlsplit(to)
            if not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
                raise ForwardingError("a syslog receiver is named as syslog+tls://host:port")
            return SyslogTlsSink(parts.hostname, parts.port or 6514, tls=tls)
        if scheme in ("http", "https"):
            return HttpsSink(to, tls=tls, authentication=_authentication())
    except (ForwardingError, ValueError) as error:
        raise typer.BadParameter(printable(error), param_hint="--to") from error
    rule = "give syslog+tls://host:port, https://... or file:PATH"
    raise typer.BadParameter(printable(f"{to!r} is no such address: {rule}"), param_hint="--to")


def _authentication() -> Bearer | Signed | None:
    token, secret = os.environ.get(TOKEN_VARIABLE), os.environ.get(SECRET_VARIABLE)
    if token and secret:
        raise ForwardingError(f"set one of {TOKEN_VARIABLE} and {SECRET_VARIABLE}")
    if token:
        return Bearer(token)
    if not secret:
        return None
    try:
        return Signed(bytes.fromhex(secret))
    except ValueError:
        raise ForwardingError(f"{SECRET_VARIABLE} is not hexadecimal") from None

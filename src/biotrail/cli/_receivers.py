"""Receivers of records, as they are named on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from biotrail.cli._output import printable
from biotrail.errors import ForwardingError
from biotrail.forwarding import (
    Bearer,
    FileSink,
    HttpsSink,
    Signed,
    Sink,
    SyslogTlsSink,
    tls_context,
)

__all__ = ["Pem", "PositionPath", "Receiver", "dead_letters_of", "sink_of"]

TOKEN_VARIABLE = "BIOTRAIL_FORWARD_TOKEN"  # noqa: S105 # names of variables, no secrets
SECRET_VARIABLE = "BIOTRAIL_FORWARD_SECRET"  # noqa: S105

Receiver = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="ADDRESS",
        help="syslog+tls://host:port, https://..., or file:PATH.",
        show_default=False,
    ),
]
PositionPath = Annotated[
    Path,
    typer.Option(
        "--position",
        metavar="FILE",
        help="Keeps how far it has come; begins at the first record if it is not there.",
        show_default=False,
    ),
]
Pem = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False)]


def dead_letters_of(position: Path) -> Path:
    """The file beside a position that names what was refused for good."""
    return Path(f"{position}.refused")


def sink_of(to: str, ca: Path | None, certificate: Path | None, key: Path | None) -> Sink:
    """The receiver of an address; to be closed.

    Raises:
        typer.BadParameter: There is no such receiver.
    """
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

"""``biotrail token``: bearer tokens of those who read a log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from biotrail.cli._erasing import Given, KeyFile, open_with_vault
from biotrail.cli._given import Json, moment
from biotrail.cli._output import Row, grid, printable, say, write_json, write_text
from biotrail.errors import EventError, TokenFileError

if TYPE_CHECKING:
    from biotrail.web.tokens import Token, TokenBook

__all__ = ["app"]

app = typer.Typer(
    help="Make, list and revoke tokens of those who read a log over HTTP.", no_args_is_help=True
)

TokenFile = Annotated[
    Path, typer.Argument(metavar="TOKENS", help="The file of tokens.", show_default=False)
]
Log = Annotated[
    Path | None,
    typer.Option(
        "--log", metavar="DB", help="Record it in this log; see below.", show_default=False
    ),
]
_Window = Annotated[str | None, typer.Option(metavar="TIME", show_default=False)]


@app.command()
def create(
    tokens: TokenFile,
    scope: Annotated[
        list[str],
        typer.Option(
            help="What its bearer may do: read, reveal, export, report, admin. May be repeated.",
            show_default=False,
        ),
    ],
    purpose: Annotated[
        list[str],
        typer.Option(
            help="What its bearer may read for, a word; every read bears it. May be repeated.",
            show_default=False,
        ),
    ],
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long it is valid.")] = 90,
    name: Annotated[
        str | None, typer.Option(help="Your name for its bearer.", show_default=False)
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Hold it to this tenant's events.", show_default=False)
    ] = None,
    since: _Window = None,
    until: _Window = None,
    log: Log = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Make a token, and print it: once, since only its hash is kept.

    --since and --until hold it to what was recorded in that time. With --log, an event token.create
    is recorded first: what the log knows of tokens can then be held against the file, and a token
    that somebody slipped into the file is found. Without it, only the file knows.
    """
    book = _book(tokens)
    given: dict[str, Any] = {
        "scopes": scope,
        "purposes": purpose,
        "expires": datetime.now(UTC) + timedelta(days=days),
        "name": name,
        "tenant": tenant,
        "since": None if since is None else moment(since, "--since"),
        "until": None if until is None else moment(until, "--until"),
    }
    try:
        with _recorded(book, log, key, vault) as recorded:
            maker: Any = book if recorded is None else recorded
            text, token = maker.create(**given)
    except EventError as error:
        raise typer.BadParameter(printable(error)) from error
    if as_json:
        write_json({"token": text, **token.document()})
        return
    say("This is shown once; only its hash is kept.", style="bold green", stderr=True)
    write_text(f"{text}\n")
    grid(_rows(token), stderr=True)


@app.command("list")
def list_tokens(
    tokens: TokenFile,
    every: Annotated[
        bool, typer.Option("--all", help="Those that are expired or revoked too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the tokens that are in force: who bears them, and what they may do."""
    now = datetime.now(UTC)
    found = [(one, one.state(now)) for one in _book(tokens, there=True).tokens()]
    shown = [(one, state) for one, state in found if every or state == "valid"]
    if as_json:
        listed = [{**one.document(), "state": state} for one, state in shown]
        write_json({"file": str(tokens), "tokens": listed})
        return
    if not shown:
        say("No token is in force.")
    for one, state in shown:
        say(f"{one.id}  {state}", style="bold")
        grid(_rows(one))


@app.command()
def revoke(
    tokens: TokenFile,
    token: Annotated[UUID, typer.Argument(metavar="ID", help="Its id, as listed.")],
    log: Log = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Revoke a token; every process refuses it with the next request.

    With --log, an event token.revoke records that afterwards.
    """
    book = _book(tokens, there=True)
    if all(one.id != token for one in book.tokens()):
        raise typer.BadParameter(f"there is no token {token}", param_hint="ID")
    book.revoke(token)  # before a passphrase is asked for: it must not wait for one
    with _recorded(book, log, key, vault) as recorded:
        found = book.revoke(token) if recorded is None else recorded.revoke(token)
    if as_json:
        write_json(found.document())
        return
    say(f"{token} is revoked.", style="bold green")


def _book(path: Path, *, there: bool = False) -> TokenBook:
    # Loaded here: most commands need none of it.
    from biotrail.web.tokens import TokenBook

    if there and not path.is_file():
        raise TokenFileError(f"{path} does not exist")
    return TokenBook(path)


@contextmanager
def _recorded(
    book: TokenBook, log: Path | None, key: Path | None, vault: str | None
) -> Iterator[Any]:
    if log is None:
        yield None
        return
    from biotrail.web.issuing import RecordedTokens

    with open_with_vault(log, key, vault) as opened:
        yield RecordedTokens(book, opened)


def _rows(token: Token) -> list[Row]:
    said = token.document()
    window = [said["since"] or "the beginning", said["until"] or "now on"]
    rows: list[Row] = [
        ("id", said["id"]),
        ("name", said["name"] or "-"),
        ("may", ", ".join(said["scopes"])),
        ("purposes", ", ".join(said["purposes"])),
        ("valid", f"{said['created']} to {said['expires']}"),
    ]
    if token.access.tenant is not None:
        rows.append(("tenant", token.access.tenant))
    if said["since"] or said["until"]:
        rows.append(("sees", f"what was recorded from {window[0]} to {window[1]}"))
    if token.revoked is not None:
        rows.append(("revoked", said["revoked"]))
    return rows

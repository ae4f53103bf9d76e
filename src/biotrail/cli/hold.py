"""``biotrail hold``: place and release legal holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from biotrail.audit import HoldReason
from biotrail.audit.holds import Hold, holds
from biotrail.canonical import format_time
from biotrail.cli._erasing import Given, KeyFile, Person, Tenant, open_with_vault
from biotrail.cli._given import Database, Json, moment
from biotrail.cli._output import Row, grid, say, write_json
from biotrail.stores import SQLiteReader

__all__ = ["app"]

app = typer.Typer(
    help="Place and release legal holds: who is held is not erased.", no_args_is_help=True
)


@app.command()
def place(
    log: Database,
    person: Person,
    reason: Annotated[str, typer.Option(help=f"Why: {', '.join(HoldReason)}, or host.<word>.")],
    tenant: Tenant = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When it ends by itself; UTC if it does not say.",
            show_default=False,
        ),
    ] = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Hold a person's records: until the hold is released they are not erased."""
    end = None if until is None else moment(until, "--until")
    if end is not None and end <= datetime.now(UTC):
        raise typer.BadParameter("that time is over", param_hint="--until")
    with open_with_vault(log, key, vault) as opened:
        hold = opened.place_hold(person, tenant=tenant, reason=reason, until=end)
    if as_json:
        write_json({"log": str(log), "hold": hold.id.hex(), "index": hold.index})
        return
    say(f"{log}: held, as entry {hold.index:,} records.", style="bold green")
    grid([("hold", hold.id.hex())])


@app.command()
def release(
    log: Database,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id, as shown.")],
    reason: Annotated[str, typer.Option(help=f"Why: {', '.join(HoldReason)}, or host.<word>.")],
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Release a hold, so that the person can be erased again."""
    try:
        name = bytes.fromhex(hold)
    except ValueError:
        raise typer.BadParameter("an id is written in hexadecimal digits") from None
    with open_with_vault(log, key, vault) as opened:
        index = opened.release_hold(name, reason=reason).index
    if as_json:
        write_json({"log": str(log), "hold": hold, "index": index})
        return
    say(f"{log}: released, as entry {index:,} records.", style="bold green")


@app.command("list")
def list_holds(log: Database, as_json: Json = False) -> None:
    """List the holds of a log, as it says, not verified."""
    store = SQLiteReader(log)
    try:
        found = holds(store)
    finally:
        store.close()
    if as_json:
        told = [
            {
                "hold": one.id.hex(),
                "index": one.index,
                "reason": one.reason,
                "until": None if one.until is None else format_time(one.until),
                "released": one.released,
            }
            for one in found
        ]
        write_json({"log": str(log), "holds": told})
        return
    rows: list[Row] = [(one.id.hex(), f"entry {one.index:,}", _in_words(one)) for one in found]
    grid(rows or [("holds", "none")])


def _in_words(hold: Hold) -> str:
    words = [hold.reason]
    if hold.until is not None:
        words.append(f"until {format_time(hold.until)}")
    if hold.released is not None:
        words.append(f"released by entry {hold.released:,}")
    return ", ".join(words)

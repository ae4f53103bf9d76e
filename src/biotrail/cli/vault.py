"""``biotrail vault``: the keys that seal personal fields, counted, rotated, wrapped anew."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from biotrail.cli._given import Database, Json
from biotrail.cli._output import Row, grid, printable, progress, say, write_json
from biotrail.cli._records import origin_of
from biotrail.cli._vault import provider_of
from biotrail.errors import VaultError
from biotrail.stores import SQLiteReader, SQLiteStore

__all__ = ["app"]

app = typer.Typer(
    help="Count, rotate and wrap anew the keys that seal personal fields.", no_args_is_help=True
)

Given = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="FILE|URI",
        help="The vault's key file (DB.vault if not given), or another provider's URI; see "
        "`biotrail show --help`.",
        show_default=False,
    ),
]
Previous = Annotated[
    list[str] | None,
    typer.Option(
        "--previous",
        metavar="FILE|URI",
        help="What wrapped earlier keys, where that is another one. May be repeated.",
        show_default=False,
    ),
]


@app.command()
def status(log: Database, as_json: Json = False) -> None:
    """Show how many data keys each key-encryption key wraps, and how many were destroyed."""
    from biotrail.sealing.rewrapping import count_keys

    with closing(SQLiteReader(log)) as store:
        origin, counts = origin_of(store), count_keys(store)
        unfinished = len(store.fences(unfinished=True))
    if as_json:
        told = {"log": str(log), "origin": origin, "wrapped": counts.wrapped}
        write_json({**told, "destroyed": counts.destroyed, "unfinished_erasures": unfinished})
        return
    say(f"{log}: {origin}", style="bold")
    rows: list[Row] = [(f"{count:,}", name) for name, count in counts.wrapped.items()]
    grid([("keys", "wrapped by"), *rows] if rows else [("keys", "none: the log has no vault yet")])
    if counts.destroyed:
        say(f"{counts.destroyed:,} were destroyed.")
    if unfinished:
        say(f"{unfinished:,} erasures are unfinished: run `biotrail doctor`.", style="yellow")


@app.command()
def rotate(log: Database, vault: Given = None, as_json: Json = False) -> None:
    """Make a new key-encryption key, which wraps the data keys of new people from now on.

    For a key file and for the system's keyring; others are rotated by their own means. The one
    before stays until nothing is wrapped by it: `biotrail vault rewrap` does that.
    """
    place = f"{log}.vault" if vault is None else vault
    with closing(provider_of(place)) as provider:
        turn: Any = getattr(provider, "rotate", None)
        if turn is None:
            raise typer.BadParameter(
                f"{printable(place)} is rotated by its own means", param_hint="--vault"
            )
        before, after = provider.key_id, turn()
    if as_json:
        write_json({"before": before, "key_id": after})
        return
    say("The vault has a new key-encryption key.", style="bold green")
    grid([("now", after), ("before", before)])
    say(f"Next: restart what records, so that it uses it, and `biotrail vault rewrap {log}`.")


@app.command()
def rewrap(
    log: Database, vault: Given = None, previous: Previous = None, as_json: Json = False
) -> None:
    """Wrap every data key by the present key-encryption key; no record is encrypted again.

    Recording may go on meanwhile. If this is cut short, call it again: it goes on where it was.
    """
    from biotrail.sealing.rewrapping import rewrap_keys
    from biotrail.vault import Vault

    _check_there(log)
    with closing(SQLiteStore(log)) as store:
        origin = origin_of(store)
        providers = [provider_of(one) for one in (vault or f"{log}.vault", *(previous or ()))]
        with closing(Vault(providers[0], previous=providers[1:])) as opened:
            with progress("wrapping keys anew") as report:
                done = rewrap_keys(store, opened, origin, progress=report)
            key_id = opened.key_id
    if as_json:
        unusable = [{"reference": one.hex(), "why": why} for one, why in done.unusable]
        told = {"key_id": key_id, "rewrapped": done.rewrapped, "left": done.left}
        write_json({**told, "unusable": unusable})
    else:
        say(f"{done.rewrapped:,} keys were wrapped anew, by {key_id}.", style="bold green")
        if done.left:
            say(
                f"{done.left:,} came meanwhile from a writer that uses another key-encryption key: "
                "restart it, and call this again.",
                style="yellow",
            )
    if done.unusable:
        reference, why = done.unusable[0]
        raise VaultError(
            f"{len(done.unusable)} keys could not be unwrapped and are as they were; the first, of "
            f"{reference.hex()}: {why}"
        )


def _check_there(log: Path) -> None:
    """A store that is not there is not to be made here."""
    SQLiteReader(log).close()

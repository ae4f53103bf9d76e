"""``biotrail init``: begin a log, and say what to keep where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.audit import open_log
from biotrail.cli._given import Database, Json
from biotrail.cli._output import grid, printable, say, write_json, write_text
from biotrail.cli._passphrase import ask_passphrase
from biotrail.errors import MalformedError
from biotrail.tlog import EMPTY_ROOT, Checkpoint

__all__ = ["init"]


def init(
    log: Database,
    origin: Annotated[
        str,
        typer.Option(
            help="The log's name: a URL without its scheme that you control, such as "
            "example.com/front-door.",
            show_default=False,
        ),
    ],
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The key file; DB.key if not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a log and make its signing keys.

    The passphrase of the key file comes from the variable BIOTRAIL_PASSPHRASE, or is asked for
    twice on a terminal.
    """
    _check_origin(origin)
    if log.exists():
        raise typer.BadParameter(f"{printable(log)} exists already; it is left as it is")
    key_file = Path(f"{log}.key") if key is None else key
    with open_log(log, origin=origin, key=key_file, passphrase=ask_passphrase(new=True)) as opened:
        verifier_key = opened.verifier_key
    if as_json:
        files = {"log": str(log), "key": str(key_file), "next_key": f"{key_file}.next"}
        files["vault_key"] = f"{log}.vault"
        told = {"origin": origin, "verifier_key": verifier_key}
        write_json({**told, "files": {**files, "verifier_key": f"{key_file}.pub"}})
    else:
        _print(log, origin, key_file, verifier_key)


def _check_origin(origin: str) -> None:
    try:
        Checkpoint(origin, 0, EMPTY_ROOT)
    except MalformedError as error:
        raise typer.BadParameter(printable(error), param_hint="--origin") from error


def _print(log: Path, origin: str, key: Path, verifier_key: str) -> None:
    say(f"The log {origin} has begun.", style="bold green")
    say("Its verifier key, for all who are to verify it:")
    write_text(f"\n{verifier_key}\n\n")
    grid(
        [
            (str(log), "The log. Back it up; a change in it will be found, a loss will hurt."),
            (str(key), "The signing key, encrypted. For the service that records alone."),
            (f"{key}.next", "The signing key after it. Keep it in a safe until you rotate."),
            (f"{key}.pub", "The verifier key. Give it to auditors by a way that does not lead "
             "through this machine: whoever can replace the log here can replace it too."),
            (f"{log}.vault", "The vault's key, encrypted: who has it and the log reads what is "
             "personal. Back it up, and not beside the log: without it nobody ever will."),
            ("passphrase", "Opens the key files. In your secret store, not on this disk."),
        ]
    )  # fmt: skip
    say()
    say(f"Next: record attempts, keep `biotrail checkpoint {log}` elsewhere now and then, and")
    say(f"      biotrail verify {log} --key {key}.pub")

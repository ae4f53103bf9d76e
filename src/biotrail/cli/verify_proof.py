"""``biotrail verify-proof``: is this record in the log that this key signs for? Offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.canonical import format_time
from biotrail.cli._full import print_body
from biotrail.cli._given import Json, Key, kept_checkpoint, read_file, verifier_keys
from biotrail.cli._output import Row, grid, say, write_json
from biotrail.cli._values import exact
from biotrail.verify import ProvenEntry, verify_proof

__all__ = ["check_proof"]


def check_proof(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The .tlog-proof file; - for standard input.")
    ],
    key: Key = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A signed checkpoint that was kept: the proof must lead to it.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a proof file offline, step by step, and show the record that it proves.

    Exits with 0, or with 17 (forked), 19 (malformed), 20 (not proven) or 21 (not signed).
    """
    keys = verifier_keys(key)
    kept = None if checkpoint is None else kept_checkpoint(checkpoint, option="--checkpoint")
    proven = verify_proof(read_file(file), keys, checkpoint=kept)
    if as_json:
        write_json(_document(proven))
    else:
        _print(file, proven, against_kept=kept is not None)


def _document(proven: ProvenEntry) -> dict[str, object]:
    entry = proven.entry
    return {
        "index": proven.index,
        "origin": proven.checkpoint.origin,
        "size": proven.checkpoint.size,
        "root": proven.checkpoint.root.hex(),
        "key": str(proven.key),
        "leaf_hash": proven.leaf_hash.hex(),
        "recorded": format_time(entry.recorded),
        "prev": entry.prev.hex(),
        "kind": entry.kind,
        "content": exact(entry.content),
        "exit_code": 0,
    }


def _print(file: Path, proven: ProvenEntry, *, against_kept: bool) -> None:
    vouched = proven.checkpoint
    say(f"{file}: entry {proven.index} is in {vouched.origin}", style="bold green")
    steps: list[Row] = [
        ("file", "in its one form, with one entry in it"),
        ("signature", f"{_key(proven)} signed the checkpoint of size {vouched.size:,}"),
        (
            "inclusion",
            f"{proven.hashes} hashes lead from the entry to the root {vouched.root.hex()}",
        ),
        ("entry", f"in its one form, and itself says that it is entry {proven.index}"),
        ("leaf hash", proven.leaf_hash.hex()),
        ("recorded", format_time(proven.entry.recorded)),
    ]
    if against_kept:
        steps.insert(2, ("checkpoint", "it is the one that was kept"))
    grid(steps)
    print_body(proven.entry)
    say()
    say("Personal fields are not in a proof file, only the root of their commitments.", style="dim")


def _key(proven: ProvenEntry) -> str:
    return f"the key {proven.key.key_id.hex()}, which is trusted,"

"""``biotrail verify-proof``: is this record in the log that this key signs for? Offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.canonical import format_time
from biotrail.cli._cosigning import CosignerKey, check_cosigned
from biotrail.cli._full import print_body
from biotrail.cli._given import Json, Key, kept_checkpoint, read_file, verifier_keys
from biotrail.cli._output import Row, grid, heading, say, write_json
from biotrail.cli._values import exact, spread
from biotrail.tlog import ProofFile
from biotrail.verify import ProvenEntry, ProvenFields, verify_disclosure, verify_proof
from biotrail.verify.disclosure import carries_fields

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
    post_quantum_key: CosignerKey = None,
    as_json: Json = False,
) -> None:
    """Verify a proof file offline, step by step, and show the record that it proves.

    Personal fields that the file shows are checked against the record, and shown too.

    Exits with 0, or with 17 (forked), 19 (malformed), 20 (not proven) or 21 (not signed).
    """
    keys = verifier_keys(key)
    kept = None if checkpoint is None else kept_checkpoint(checkpoint, option="--checkpoint")
    data = read_file(file)
    shown = verify_disclosure(data, keys, checkpoint=kept) if carries_fields(data) else None
    proven = verify_proof(data, keys, checkpoint=kept) if shown is None else shown.proof
    if post_quantum_key:
        check_cosigned([ProofFile.parse(data).checkpoint_note], post_quantum_key)
    if as_json:
        write_json(_document(proven, shown))
    else:
        _print(file, proven, shown, against_kept=kept is not None)


def _document(proven: ProvenEntry, shown: ProvenFields | None) -> dict[str, object]:
    entry = proven.entry
    personal = {} if shown is None else {"personal": exact(shown.fields), "hidden": shown.hidden}
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
        **personal,
        "exit_code": 0,
    }


def _print(
    file: Path, proven: ProvenEntry, shown: ProvenFields | None, *, against_kept: bool
) -> None:
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
    if shown is None:
        say()
        say("This file shows no personal fields, only the root of their commitments.", style="dim")
    else:
        heading("Personal fields")
        say(_IN_WORDS.format(shown.hidden), style="dim")
        grid(list(spread(shown.fields)))


_IN_WORDS = (
    "They lead, with the commitments of {} more that are not shown, to the root in the entry."
)


def _key(proven: ProvenEntry) -> str:
    return f"the key {proven.key.key_id.hex()}, which is trusted,"

"""``biotrail prove``: one record as a file that proves, offline, that it is in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.cli._given import (
    Database,
    Json,
    Key,
    Output,
    kept_checkpoint,
    verifier_keys,
    write_file,
)
from biotrail.cli._output import grid, say, write_json, write_text
from biotrail.stores import SQLiteReader
from biotrail.tlog import ProofFile, unverified_checkpoint
from biotrail.verify import prove_entry, verify_proof

__all__ = ["prove"]


def prove(
    log: Database,
    index: Annotated[int, typer.Argument(min=0, help="Index of the entry.", show_default=False)],
    output: Output = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Prove it against this signed checkpoint, not against the last one.",
            show_default=False,
        ),
    ] = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Write a C2SP .tlog-proof file for one entry.

    It holds the entry, without its personal fields, a signed checkpoint, and the hashes between
    the two. No private key is needed. The proof is checked before it is written; with --key, the
    checkpoint's signature too. Without -o it goes to standard output.
    """
    note = None if checkpoint is None else kept_checkpoint(checkpoint, option="--checkpoint")
    store = SQLiteReader(log)
    try:
        proof = prove_entry(store, index, checkpoint=note)
    finally:
        store.close()
    data = proof.encode()
    if key:
        verify_proof(data, verifier_keys(key))
    if output is not None:
        write_file(output, data)
    if as_json:
        write_json(_document(proof, output))
    elif output is None:
        write_text(data.decode("utf-8"))
    else:
        _print(proof, output)


def _document(proof: ProofFile, output: Path | None) -> dict[str, object]:
    return {
        "index": proof.index,
        "size": unverified_checkpoint(proof.checkpoint_note).size,
        "hashes": [one.hex() for one in proof.hashes],
        "file": None if output is None else str(output),
        "proof": proof.encode().decode("utf-8"),
    }


def _print(proof: ProofFile, output: Path) -> None:
    vouched = unverified_checkpoint(proof.checkpoint_note)
    say(f"Proof of entry {proof.index} written to {output}", style="bold")
    grid(
        [
            ("log", vouched.origin),
            ("against", f"the checkpoint of size {vouched.size:,}"),
            ("hashes", f"{len(proof.hashes)} between the entry and the root"),
            ("check it", f"biotrail verify-proof {output} --key VKEY"),
        ]
    )

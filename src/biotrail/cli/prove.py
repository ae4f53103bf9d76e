"""``biotrail prove``: one record as a file that proves, offline, that it is in the log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
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
from biotrail.cli._records import check_within, origin_of
from biotrail.cli._vault import VaultFile, vault_of
from biotrail.errors import SealedError
from biotrail.stores import SQLiteReader
from biotrail.tlog import ProofFile, unverified_checkpoint
from biotrail.verify import prove_entry, verify_disclosure, verify_proof
from biotrail.verify.disclosure import carries_fields

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
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="Show this personal field too, with proof, and no other. May be repeated.",
            show_default=False,
        ),
    ] = None,
    vault: VaultFile = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Write a C2SP .tlog-proof file for one entry.

    It holds the entry, a signed checkpoint, and the hashes between the two. Of the record's
    personal fields it shows those named with --field, and nothing of the others; fields that are in
    the entry itself are shown in any case. Sealed fields need the vault's key; nothing else needs a
    private key. The proof is checked before it is written; with --key, the checkpoint's signature
    too. Without -o it goes to standard output.
    """
    note = None if checkpoint is None else kept_checkpoint(checkpoint, option="--checkpoint")
    with closing(SQLiteReader(log)) as store:
        check_within(store, index)
        proof = _proof(log, store, index, note, field or (), vault)
    data = proof.encode()
    if key:
        check = verify_disclosure if carries_fields(data) else verify_proof
        check(data, verifier_keys(key))
    if output is not None:
        write_file(output, data)
    if as_json:
        write_json(_document(proof, output))
    elif output is None:
        write_text(data.decode("utf-8"))
    else:
        _print(proof, output)


def _proof(
    log: Path,
    store: SQLiteReader,
    index: int,
    note: str | None,
    fields: Sequence[str],
    vault_file: str | None,
) -> ProofFile:
    if not fields:
        return prove_entry(store, index, checkpoint=note)
    from biotrail.sealing import Keyring, Opener

    origin = origin_of(store)
    vault = vault_of(log, store, vault_file)
    if vault is None:
        return _without_vault(log, store, index, note, fields)
    with closing(vault):
        opener = Opener(origin, Keyring(store, vault, origin))
        return prove_entry(store, index, checkpoint=note, fields=fields, opener=opener)


def _without_vault(
    log: Path, store: SQLiteReader, index: int, note: str | None, fields: Sequence[str]
) -> ProofFile:
    try:
        return prove_entry(store, index, checkpoint=note, fields=fields)
    except SealedError as error:
        raise SealedError(
            f"entry {index}: personal fields are sealed, and {log}.vault is not there: name what "
            "opens them with --vault"
        ) from error


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

"""``biotrail verify-proof``: is this record in the log that this key signs for? Offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple, TypedDict

import typer
from rich.text import Text

from biotrail.canonical import format_time
from biotrail.cli._cosigning import CosignerKey, cosigner_keys
from biotrail.cli._full import print_body
from biotrail.cli._given import Json, Key, kept_checkpoint, read_file, verifier_keys
from biotrail.cli._output import Row, grid, heading, say, write_json
from biotrail.cli._values import exact, spread
from biotrail.signing import MlDsa44Key, VerifierKey
from biotrail.tlog import ProofFile
from biotrail.verify import (
    AffectedEntries,
    ProvenEntry,
    ProvenFields,
    verify_disclosure,
    verify_log,
    verify_proof,
)
from biotrail.verify.disclosure import carries_fields

__all__ = ["check_proof"]


class Theft(NamedTuple):
    """What a log that was verified says of the key that signed for an entry.

    Attributes:
        doubt: The run of entries not to be believed in which it lies; None if it lies in none.
        size: The size up to which the log was verified.
    """

    doubt: AffectedEntries | None
    size: int


class _Asked(TypedDict):
    checkpoint: str | None
    require_post_quantum: list[MlDsa44Key]


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
    require_post_quantum: CosignerKey = None,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="DB",
            help="The log: verify it too, and say whether it reports that the key which signed for "
            "the entry was stolen.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a proof file offline, step by step, and show the record that it proves.

    Personal fields that the file shows are checked against the record, and shown too.

    A proof file cannot tell whether the key that signed for the entry was stolen: the log can.

    Exits with 0, or with 17 (forked), 19 (malformed), 20 (not proven), 21 (not signed) or 22 (not
    cosigned); with --log, also with the codes of `biotrail verify`.
    """
    keys = verifier_keys(key)
    kept = None if checkpoint is None else kept_checkpoint(checkpoint, option="--checkpoint")
    data = read_file(file)
    asked: _Asked = {
        "checkpoint": kept,
        "require_post_quantum": cosigner_keys(require_post_quantum),
    }
    shown = verify_disclosure(data, keys, **asked) if carries_fields(data) else None
    proven = verify_proof(data, keys, **asked) if shown is None else shown.proof
    theft = None if log is None else _theft(log, keys, proven, ProofFile.parse(data))
    if as_json:
        write_json(_document(proven, shown, theft))
    else:
        _print(file, proven, shown, theft, against_kept=kept is not None)


def _theft(log: Path, keys: list[VerifierKey], proven: ProvenEntry, proof: ProofFile) -> Theft:
    """What the log says of the key that signed for the entry; it must continue the checkpoint."""
    result = verify_log(
        log, keys, from_checkpoint=proof.checkpoint_note, payloads=False, lookups=False
    )
    return Theft(next((one for one in result.affected if proven.index in one), None), result.size)


def _document(
    proven: ProvenEntry, shown: ProvenFields | None, theft: Theft | None
) -> dict[str, object]:
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
        "theft": _theft_document(theft),
        "exit_code": 0,
    }


def _theft_document(theft: Theft | None) -> dict[str, object]:
    if theft is None:
        return {"verdict": "not shown"}
    if theft.doubt is None:
        return {"verdict": "none reported", "size": theft.size}
    doubt = {"key": theft.doubt.key, "report": theft.doubt.report}
    return {"verdict": "not to be believed", "size": theft.size, **doubt}


def _print(
    file: Path,
    proven: ProvenEntry,
    shown: ProvenFields | None,
    theft: Theft | None,
    *,
    against_kept: bool,
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
    steps.append(("stolen key", _theft_in_words(theft)))
    grid(steps)
    print_body(proven.entry)
    if shown is None:
        say()
        say("This file shows no personal fields, only the root of their commitments.", style="dim")
    else:
        heading("Personal fields")
        say(_IN_WORDS.format(shown.hidden), style="dim")
        grid(list(spread(shown.fields)))


def _theft_in_words(theft: Theft | None) -> str | Text:
    if theft is None:
        return "not shown: a proof cannot tell whether the log reports one; --log DB asks the log"
    if theft.doubt is None:
        return f"none is reported for this entry by the log, verified up to size {theft.size:,}"
    return Text(
        f"not to be believed: entry {theft.doubt.report:,} of the log reports that the key which "
        "signed for it had been stolen by then",
        style="bold yellow",
    )


_IN_WORDS = (
    "They lead, with the commitments of {} more that are not shown, to the root in the entry."
)


def _key(proven: ProvenEntry) -> str:
    return f"the key {proven.key.key_id.hex()}, which is trusted,"

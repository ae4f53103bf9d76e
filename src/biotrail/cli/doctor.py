"""``biotrail doctor``: finish erasures, and do those again that a backup undid."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from biotrail.audit import ErasureCertificate, Examination, examine, read_certificate
from biotrail.audit.ledger import ErasureLedger
from biotrail.cli._erasing import Given, KeyFile, open_with_vault
from biotrail.cli._failures import FAILED
from biotrail.cli._given import Database, Json, read_file, verifier_keys
from biotrail.cli._output import grid, printable, say, write_json
from biotrail.errors import MalformedError
from biotrail.stores import SQLiteStore

__all__ = ["doctor"]


def doctor(
    log: Database,
    erasures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Another ledger of erasures than DB.erasures.", show_default=False
        ),
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="An erasure's certificate. May be repeated.", show_default=False
        ),
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VKEY|FILE",
            help="A later verifier key of the log, where a backup does not know it yet.",
            show_default=False,
        ),
    ] = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """After a crash or the restore of a backup: finish erasures, and do undone ones again.

    What searches go by is compared with the log's columns, and written anew where it differs.

    Exits with 0, or with 3 where something is left to do.
    """
    shown = [_certificate(one) for one in certificate or ()]
    if erasures is not None:
        if not erasures.is_file():
            raise typer.BadParameter(
                f"{printable(erasures)}: there is no such file", param_hint="--erasures"
            )
        shown += ErasureLedger(erasures).certificates()
    trusted = verifier_keys(trust, option="--trust") if trust else []
    with open_with_vault(log, key, vault) as opened:
        found = examine(opened, certificates=shown, trusted=trusted)
    renewed = _renew_postings(log)
    if as_json:
        told = {**_told_examination(found), "renewed_postings": renewed}
        write_json({"log": str(log), **told})
    else:
        _print_examination(log, found)
        for fault in renewed:
            say(f"mended: {fault}; a search may have missed records there.", style="yellow")
    if not found.is_well:
        raise typer.Exit(FAILED)


def _renew_postings(log: Path) -> list[str]:
    """Write the index that searches go by anew if it is not that of the columns; what was wrong."""
    with closing(SQLiteStore(log)) as store:
        faults = store.posting_faults()
        if faults:
            store.renew_postings()
    return faults


def _print_examination(log: Path, found: Examination) -> None:
    if found.is_well:
        say(f"{log}: no erasure is unfinished or undone.", style="bold green")
    else:
        say(f"{log}: something is left to do.", style="bold red")
    grid(
        [
            ("finished", f"{len(found.resumed):,} erasures that had been broken off"),
            ("done again", f"{len(found.replayed):,} erasures that the log no longer knew of"),
            ("known", f"{found.known:,} erasures that the log still records"),
            ("destroyed", f"{found.destroyed:,} parts that were there in spite of their erasure"),
            ("retained", f"{found.retained:,} parts that were there in spite of a retention"),
            *(("refused", one) for one in found.refused),
            *(("unfinished", one.hex()) for one in found.unfinished),
        ]
    )


def _certificate(file: Path) -> ErasureCertificate:
    try:
        return read_certificate(read_file(file))
    except MalformedError as error:
        raise MalformedError(f"{file}: {error}") from error


def _told_examination(found: Examination) -> dict[str, Any]:
    return {
        "well": found.is_well,
        "resumed": [one.erasure.hex() for one in found.resumed],
        "replayed": [one.erasure.hex() for one in found.replayed],
        "known": found.known,
        "destroyed": found.destroyed,
        "retained": found.retained,
        "refused": list(found.refused),
        "unfinished": [one.hex() for one in found.unfinished],
    }

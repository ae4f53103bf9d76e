"""``biotrail erase``: destroy what leads to a person, and record that it was done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from biotrail.audit import ErasureCertificate, ErasureReason
from biotrail.cli._erasing import Given, KeyFile, Person, Tenant, open_with_vault
from biotrail.cli._given import Database, Json, check_writable, write_file
from biotrail.cli._output import say, write_json, write_lines
from biotrail.errors import BiotrailError

__all__ = ["erase"]


def erase(
    log: Database,
    person: Person,
    reason: Annotated[str, typer.Option(help=f"Why: {', '.join(ErasureReason)}, or host.<word>.")],
    legal_basis: Annotated[
        str, typer.Option(help="On which ground; it stays in the log.", show_default=False)
    ],
    tenant: Tenant = None,
    beyond: Annotated[
        list[str] | None,
        typer.Option(help="What the erasure cannot reach. May be repeated.", show_default=False),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("-o", "--certificate", help="Write the certificate to this file."),
    ] = None,
    key: KeyFile = None,
    vault: Given = None,
    as_json: Json = False,
) -> None:
    """Erase a person: destroy the keys, payloads and tags, and record that it was done.

    The log goes on proving every entry. The certificate can be checked by anyone who has the log's
    verifier key: `biotrail verify-certificate`.
    """
    if certificate is not None:
        check_writable(certificate, option="-o")
    with open_with_vault(log, key, vault) as opened:
        done = opened.erase(
            person, tenant=tenant, reason=reason, legal_basis=legal_basis, beyond=beyond or ()
        )
    if certificate is not None:
        _write(certificate, done)
    if as_json:
        write_json({"log": str(log), **_told(done), "certificate": done.encode().decode()})
        return
    say(f"{log}: erased, as entry {done.index:,} records.", style="bold green")
    write_lines(f"\n{done.text}")


def _write(file: Path, done: ErasureCertificate) -> None:
    try:
        write_file(file, done.encode())
    except BiotrailError:
        # What was destroyed is destroyed: its certificate is not to be lost besides.
        write_lines(done.encode().decode(), stderr=True)
        raise


def _told(done: ErasureCertificate) -> dict[str, Any]:
    return {
        "index": done.index,
        "erasure": done.erasure.hex(),
        "payloads": done.payloads,
        "references": [one.hex() for one in done.references],
        "fingerprints": [one.hex() for one in done.fingerprints],
    }

"""``biotrail verify-certificate``: does the log record this erasure? Offline, with one key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.canonical import format_time
from biotrail.cli._given import Json, Key, read_file, verifier_keys
from biotrail.cli._output import grid, say, write_json, write_lines
from biotrail.cli._values import exact
from biotrail.verify.certificate import ProvenErasure, verify_certificate

__all__ = ["check_certificate"]


def check_certificate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The certificate; - for standard input.")
    ],
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Verify an erasure certificate offline, and show what was destroyed.

    Exits with 0, or with 11 (altered), 19 (malformed), 20 (not proven) or 21 (not signed).
    """
    found = verify_certificate(read_file(file), verifier_keys(key))
    if as_json:
        write_json(_document(found))
        return
    proven = found.proven
    origin = proven.checkpoint.origin
    say(f"{file}: {origin} records this erasure as entry {proven.index:,}", style="bold green")
    write_lines(f"\n{found.text}")
    grid(
        [
            ("signature", f"the key {proven.key.key_id.hex()}, which is trusted, signed"),
            ("inclusion", f"{proven.hashes} hashes lead to the root it signed"),
            ("text", "says what the proven entry says"),
        ]
    )


def _document(found: ProvenErasure) -> dict[str, object]:
    proven = found.proven
    return {
        "index": proven.index,
        "origin": proven.checkpoint.origin,
        "size": proven.checkpoint.size,
        "key": str(proven.key),
        "recorded": format_time(proven.entry.recorded),
        "content": exact(proven.entry.content),
        "exit_code": 0,
    }

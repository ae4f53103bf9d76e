"""What commands about erasure share: how the person, the keys and the log are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biotrail.audit import AuditLogger, open_log
from biotrail.cli._passphrase import ask_passphrase
from biotrail.cli._records import origin_of
from biotrail.stores import SQLiteReader

__all__ = ["Given", "KeyFile", "Person", "Tenant", "open_with_vault"]

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", help="The key file; DB.key if not given.", show_default=False
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="FILE|URI",
        help="The vault's key file (DB.vault if not given), or another provider's URI.",
        show_default=False,
    ),
]
Person = Annotated[
    str, typer.Argument(metavar="ID", help="The person, as recorded.", show_default=False)
]
Tenant = Annotated[
    str | None, typer.Option(help="The person's tenant, if they have one.", show_default=False)
]


def open_with_vault(log: Path, key: Path | None, vault: str | None) -> AuditLogger:
    """Open a log for erasing; the passphrase is of the signing key's file, and of the vault's.

    Args:
        log: The log's file.
        key: The key file; the one beside the log if None.
        vault: The vault's key file, or another provider's URI; the one beside the log if None.
    """
    # Loaded here: it takes a while, and most commands need no vault.
    from biotrail.cli._vault import provider_of
    from biotrail.vault import Vault

    store = SQLiteReader(log)
    try:
        origin = origin_of(store)
    finally:
        store.close()
    own = True if vault is None else Vault(provider_of(vault))
    return open_log(log, origin=origin, key=key, passphrase=ask_passphrase(), vault=own)

"""The vault of a log, for commands that open personal fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biotrail.cli._passphrase import ask_passphrase
from biotrail.stores import SQLiteReader

if TYPE_CHECKING:
    from biotrail.vault import Vault

__all__ = ["VaultFile", "vault_of"]

VaultFile = Annotated[
    Path | None,
    typer.Option(
        "--vault",
        metavar="FILE",
        help="The vault's key file, which opens sealed fields; DB.vault if it is there. Its "
        "passphrase is taken from BIOTRAIL_PASSPHRASE, or asked for.",
        show_default=False,
    ),
]


def vault_of(log: Path, store: SQLiteReader, given: Path | None) -> Vault | None:
    """The vault that opens a log's personal fields; None where nothing is sealed, or none is there.

    Args:
        log: The log's file.
        store: The same, open.
        given: The vault's key file; the one beside the log if None.

    Raises:
        KeyFileError: There is no passphrase, or the file does not open under it.
    """
    place = Path(f"{log}.vault") if given is None else given
    if not store.count_data_keys() or (given is None and not place.is_file()):
        return None
    from biotrail.vault import PassphraseKeyProvider, Vault

    return Vault(PassphraseKeyProvider(place, passphrase=ask_passphrase()))

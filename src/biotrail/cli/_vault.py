"""The vault of a log, for commands that open personal fields."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, unquote

import typer

from biotrail.audit.opening import PASSPHRASE_VARIABLE
from biotrail.cli._output import printable
from biotrail.cli._passphrase import ask_passphrase
from biotrail.errors import KeyFileError
from biotrail.stores import SQLiteReader

if TYPE_CHECKING:
    from biotrail.vault import KeyProvider, Vault

__all__ = ["VaultFile", "opened_vault", "provider_of", "seals", "vault_of"]

PIN_VARIABLE = "BIOTRAIL_VAULT_PIN"
VaultFile = Annotated[
    str | None,
    typer.Option(
        "--vault",
        metavar="FILE|URI",
        help="What opens sealed fields: the vault's key file (DB.vault if it is there), whose "
        "passphrase is taken from BIOTRAIL_PASSPHRASE, or asked for; or keyring:NAME, "
        "aws-kms:KEY, transit:KEY, or a pkcs11: URI.",
        show_default=False,
    ),
]


def vault_of(log: Path, store: SQLiteReader, given: str | None) -> Vault | None:
    """The vault that opens a log's personal fields; None where nothing is sealed, or none is there.

    Args:
        log: The log's file.
        store: The same, open.
        given: The vault's key file or URI; the file beside the log if None.

    Raises:
        KeyFileError: There is no passphrase, or the file does not open under it.
        KeyProviderError: The provider is out of reach, or refuses.
    """
    from biotrail.vault import Vault

    place = f"{log}.vault" if given is None else given
    if not seals(store) or (given is None and not Path(place).is_file()):
        return None
    return Vault(provider_of(place))


def seals(store: SQLiteReader) -> bool:
    """Whether a log has a vault that seals personal fields."""
    from biotrail.vault import TAG_REFERENCE

    return bool(store.data_keys([TAG_REFERENCE]))


@contextmanager
def opened_vault(log: Path, store: SQLiteReader, given: str | None) -> Iterator[Vault | None]:
    """The vault for a command that can do without: it is not asked for unless it was named.

    Raises:
        KeyFileError: It was named, and there is no passphrase.
        KeyProviderError: The file does not open, or the provider is out of reach or refuses.
    """
    if given is None and not os.environ.get(PASSPHRASE_VARIABLE):
        yield None
        return
    vault = vault_of(log, store, given)
    try:
        yield vault
    finally:
        if vault is not None:
            vault.close()


def provider_of(given: str) -> KeyProvider:
    """The key provider that a file or a URI names.

    ``keyring:NAME``; ``aws-kms:KEY`` (an id, ARN or ``alias/...``; region and credentials as AWS's
    own tools find them); ``transit:KEY`` (address and token from ``BAO_ADDR`` and ``BAO_TOKEN``, or
    ``VAULT_ADDR`` and ``VAULT_TOKEN``); ``pkcs11:token=T;object=KEY?module-path=FILE`` (RFC 7512;
    the PIN from ``BIOTRAIL_VAULT_PIN``, or asked for).

    Raises:
        typer.BadParameter: The URI lacks something.
        KeyFileError: There is no passphrase.
        KeyProviderError: The provider cannot be used.
    """
    from biotrail import vault

    if not given:
        raise _unfit("a key file or a URI must be named")
    scheme, colon, rest = given.partition(":")
    if colon and scheme == "keyring":
        return vault.KeyringKeyProvider(rest)
    if colon and scheme == "aws-kms":
        return vault.AwsKmsKeyProvider(rest)
    if colon and scheme == "transit":
        address, token = _setting("ADDR"), _setting("TOKEN")
        return vault.VaultTransitKeyProvider(address, rest, token=token)
    if colon and scheme == "pkcs11":
        return _token(rest)
    return vault.PassphraseKeyProvider(given, passphrase=ask_passphrase())


def _setting(name: str) -> str:
    found = os.environ.get(f"BAO_{name}") or os.environ.get(f"VAULT_{name}")
    if not found:
        raise _unfit(f"set BAO_{name} or VAULT_{name}")
    return found


def _token(rest: str) -> KeyProvider:
    from biotrail.vault import Pkcs11KeyProvider

    path, _, query = rest.partition("?")
    pairs = [one.partition("=") for one in path.split(";")]
    said = {name: unquote(value) for name, _, value in pairs}
    module = parse_qs(query).get("module-path", [""])[0]
    if not (said.get("token") and said.get("object") and module):
        raise _unfit("a PKCS#11 key is named as pkcs11:token=T;object=KEY?module-path=FILE")
    pin = os.environ.get(PIN_VARIABLE) or _ask_pin()
    return Pkcs11KeyProvider(module, token=said["token"], pin=pin, key=said["object"])


def _ask_pin() -> str:
    if not sys.stdin.isatty():
        raise KeyFileError(f"no PIN for the token: set {PIN_VARIABLE}")
    answer: str = typer.prompt("PIN of the token", hide_input=True, err=True)
    return answer


def _unfit(message: str) -> typer.BadParameter:
    return typer.BadParameter(printable(message), param_hint="--vault")

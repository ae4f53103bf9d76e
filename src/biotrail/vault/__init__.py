"""The vault: personal fields sealed under one data key a person, and the keys that wrap those."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.vault.data_key import DataKey, fingerprint_of, wrapping_context
from biotrail.vault.policy import CLEAR_BY_DEFAULT, SEALED_BY_DEFAULT, PersonalFields
from biotrail.vault.provider import DATA_KEY_SIZE, KeyProvider
from biotrail.vault.tags import TAG_REFERENCE, Tags
from biotrail.vault.vault import KeptKey, Vault

if TYPE_CHECKING:
    from biotrail.vault.providers.aws_kms import AwsKmsKeyProvider
    from biotrail.vault.providers.keyring import KeyringKeyProvider
    from biotrail.vault.providers.memory import MemoryKeyProvider
    from biotrail.vault.providers.passphrase import PassphraseKeyProvider
    from biotrail.vault.providers.pkcs11 import Pkcs11KeyProvider
    from biotrail.vault.providers.transit import VaultTransitKeyProvider

__all__ = [
    "CLEAR_BY_DEFAULT",
    "DATA_KEY_SIZE",
    "SEALED_BY_DEFAULT",
    "TAG_REFERENCE",
    "AwsKmsKeyProvider",
    "DataKey",
    "KeptKey",
    "KeyProvider",
    "KeyringKeyProvider",
    "MemoryKeyProvider",
    "PassphraseKeyProvider",
    "PersonalFields",
    "Pkcs11KeyProvider",
    "Tags",
    "Vault",
    "VaultTransitKeyProvider",
    "fingerprint_of",
    "wrapping_context",
]

_PROVIDERS = "biotrail.vault.providers"
__getattr__ = load_when_used(
    __name__,
    {
        "AwsKmsKeyProvider": f"{_PROVIDERS}.aws_kms",
        "KeyringKeyProvider": f"{_PROVIDERS}.keyring",
        "MemoryKeyProvider": f"{_PROVIDERS}.memory",
        "PassphraseKeyProvider": f"{_PROVIDERS}.passphrase",
        "Pkcs11KeyProvider": f"{_PROVIDERS}.pkcs11",
        "VaultTransitKeyProvider": f"{_PROVIDERS}.transit",
    },
)

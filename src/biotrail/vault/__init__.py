"""The vault: personal fields sealed under one data key a person, and the keys that wrap those."""

from biotrail.vault.data_key import DataKey, fingerprint_of, wrapping_context
from biotrail.vault.policy import CLEAR_BY_DEFAULT, SEALED_BY_DEFAULT, PersonalFields
from biotrail.vault.provider import DATA_KEY_SIZE, KeyProvider
from biotrail.vault.tags import TAG_REFERENCE, Tags
from biotrail.vault.vault import KeptKey, Vault

__all__ = [
    "CLEAR_BY_DEFAULT",
    "DATA_KEY_SIZE",
    "SEALED_BY_DEFAULT",
    "TAG_REFERENCE",
    "DataKey",
    "KeptKey",
    "KeyProvider",
    "PersonalFields",
    "Tags",
    "Vault",
    "fingerprint_of",
    "wrapping_context",
]

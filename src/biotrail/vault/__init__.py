"""The vault: personal fields sealed under one data key a person, and the keys that wrap those."""

from biotrail.vault.provider import DATA_KEY_SIZE, KeyProvider

__all__ = ["DATA_KEY_SIZE", "KeyProvider"]

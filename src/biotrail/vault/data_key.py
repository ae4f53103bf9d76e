"""Data keys: what seals the personal fields of one person."""

from __future__ import annotations

from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail.errors import VaultError
from biotrail.vault.provider import DATA_KEY_SIZE

__all__ = ["DataKey", "fingerprint_of", "wrapping_context"]

_FINGERPRINT_DOMAIN = b"biotrail/fingerprint/1\n"
_WRAPPING_DOMAIN = b"biotrail/data-key/1\n"


def fingerprint_of(key: bytes) -> bytes:
    """A hash by which a data key is recognised when it is gone, 32 bytes.

    The key has 256 random bits, so its hash says nothing about it.
    """
    return sha256(_FINGERPRINT_DOMAIN + key).digest()


def wrapping_context(reference: bytes, origin: str) -> bytes:
    """What a data key is bound to when it is wrapped: its reference, 16 bytes, and the log."""
    return _WRAPPING_DOMAIN + reference + origin.encode()


class DataKey:
    """An AES-256-GCM key that seals and opens, and does not show itself.

    Attributes:
        reference: Whose it is, 16 bytes.
    """

    __slots__ = ("_aead", "reference")

    def __init__(self, reference: bytes, key: bytes) -> None:
        """Take a key of 32 bytes into use."""
        if len(key) != DATA_KEY_SIZE:
            raise VaultError("a data key has 32 bytes: what was unwrapped is none")
        self.reference = reference
        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, associated: bytes, nonce: bytes) -> bytes:
        """Seal; returns the ciphertext with its tag of 16 bytes at the end.

        Args:
            plaintext: What is to be sealed.
            associated: What it is bound to.
            nonce: 12 random bytes, never used before under this key.
        """
        return self._aead.encrypt(nonce, plaintext, associated)

    def open(self, ciphertext: bytes, associated: bytes, nonce: bytes) -> bytes:
        """Open what was sealed.

        Raises:
            VaultError: It was sealed under another key, for something else, or is damaged.
        """
        try:
            return self._aead.decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            raise VaultError(
                "a sealed part does not open under its data key: it was altered, or sealed for "
                "another log or event"
            ) from None

    def __repr__(self) -> str:
        return f"<DataKey of {self.reference.hex()}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a data key is not written anywhere")

r"""The cryptography of a reference store: three keys from the host's, and sealed rows.

The host's key (32 bytes) and the store's salt give, by HKDF with SHA-256 (RFC 5869), a key for
AES-256-GCM, a key for marks and a key for the store's version. A row is sealed under a random
nonce, with associated data::

    "biotrail/reference-row/1\n" · state (1) · card digest (32) · mark (16)
                                 · length of id (2, little-endian) · id, UTF-8

so that a row opens in this store, at this id, for this card, person and state, and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import NamedTuple

from biotrail.errors import AlteredReferenceError, MatcherError, ReferenceKeyError

__all__ = ["ACTIVE", "MARK_SIZE", "NOBODY", "REVOKED", "RowHead", "RowSeal"]

ACTIVE, REVOKED = 1, 2
MARK_SIZE = 16
NOBODY = bytes(MARK_SIZE)
"""The mark where no person was named."""
_DOMAIN = b"biotrail/reference-row/1\n"
_PROOF = b"biotrail/reference-store/1\n"
_KEY_SIZE = 32
_NONCE_SIZE = 12


class RowHead(NamedTuple):
    """What of a row is not secret, but sealed with it.

    Attributes:
        id: Identifier of the reference.
        card: Digest of its model card, 32 bytes.
        mark: Stands for the person, 16 bytes.
        state: Active or revoked.
    """

    id: str
    card: bytes
    mark: bytes
    state: int

    def associated(self) -> bytes:
        """The associated data."""
        name = self.id.encode()
        fields = _DOMAIN + bytes([self.state]) + self.card + self.mark
        return fields + struct.pack("<H", len(name)) + name


class RowSeal:
    """Seals and opens the rows of one store.

    Args:
        key: The host's key, 32 bytes.
        salt: The store's salt, 32 random bytes kept in it.

    Raises:
        MatcherError: The key does not have 32 bytes.
    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        given: object = key
        if not (isinstance(given, bytes) and len(given) == _KEY_SIZE):
            raise MatcherError(f"the key of a reference store must be {_KEY_SIZE} bytes")
        self._cipher = AESGCM(_derive(key, salt, b"biotrail reference store: rows"))
        self._mark_key = _derive(key, salt, b"biotrail reference store: marks")
        self._version_key = _derive(key, salt, b"biotrail reference store: version")

    def proof(self) -> bytes:
        """Bytes to keep in the store, by which a wrong key is told from a changed row."""
        return self._encrypt(b"", _PROOF)

    def check(self, proof: bytes) -> None:
        """See that the key is the one that made the proof.

        Raises:
            ReferenceKeyError: It is not.
        """
        if self._decrypt(proof, _PROOF) is None:
            raise ReferenceKeyError("the key is not the one that this reference store has")

    def mark(self, subject: str | None) -> bytes:
        """16 bytes that stand for a person in this store; without the key they say nothing."""
        if subject is None:
            return NOBODY
        return hmac.digest(self._mark_key, subject.encode(), hashlib.sha256)[:MARK_SIZE]

    def of_version(self, number: int) -> bytes:
        """32 bytes that only who has the key can put beside a version of the store."""
        return hmac.digest(self._version_key, struct.pack("<Q", number), hashlib.sha256)

    def seal(self, head: RowHead, content: bytes) -> bytes:
        """The content encrypted for this row: nonce (12), ciphertext, tag (16)."""
        return self._encrypt(content, head.associated())

    def open(self, head: RowHead, sealed: bytes) -> bytes:
        """What was sealed in this row.

        Raises:
            AlteredReferenceError: The row is not as it was written.
        """
        content = self._decrypt(sealed, head.associated())
        if content is None:
            raise AlteredReferenceError(
                f"the row of {head.id!r} was changed, swapped or damaged; enrol again"
            )
        return content

    def _encrypt(self, content: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, content, associated)

    def _decrypt(self, sealed: bytes, associated: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], associated)
        except (InvalidTag, ValueError, TypeError, MemoryError):
            return None


def _derive(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY_SIZE, salt, purpose).derive(key)

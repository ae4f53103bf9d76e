"""Encryption of a gallery file: AES-256-GCM in chunks, each bound to its place in its own file.

The file's key is HKDF-SHA256 of the host's key with a random salt that the file carries, so no two
files share a key, and a chunk's number can be its nonce (NIST SP 800-38D, section 8.2.1). The
authenticated data of a chunk are the hash of the file's header, the chunk's number and how many
chunks there are: one that is moved, dropped or taken from another file does not open.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from biotrail.errors import GalleryFileError, MatcherError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_BYTES", "SALT_BYTES", "TAG_BYTES", "ChunkCipher", "RowCipher", "new_salt"]

KEY_BYTES = 32
SALT_BYTES = 32
TAG_BYTES = 16
_INFO = b"biotrail/gallery/1"
_ROW_INFO = b"biotrail/gallery-row/1"
_NONCE_BYTES = 12


def new_salt() -> bytes:
    """A salt for a new file."""
    return os.urandom(SALT_BYTES)


def _derived(key: bytes, salt: bytes, info: bytes) -> AESGCM:
    """AES-256-GCM under a key that is derived from the host's."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    given: object = key
    if not isinstance(given, bytes) or len(given) != KEY_BYTES:
        raise MatcherError("the key of a gallery must be 32 bytes")
    derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info)
    return AESGCM(derive.derive(key))


class ChunkCipher:
    """Seals and opens the chunks of one file.

    Args:
        key: The host's key, 32 bytes.
        salt: The file's salt.
        header: SHA-256 of all that stands before the chunks.
        chunks: Number of chunks.

    Raises:
        MatcherError: The key is not 32 bytes.
    """

    def __init__(self, key: bytes, salt: bytes, header: bytes, chunks: int) -> None:
        self._cipher = _derived(key, salt, _INFO)
        self._header = header
        self._chunks = chunks

    def _place(self, number: int) -> tuple[bytes, bytes]:
        data = self._header + struct.pack("<QQ", number, self._chunks)
        return struct.pack("<4xQ", number), data

    def seal(self, number: int, plain: bytes) -> bytes:
        """The chunk as it is written: 16 bytes longer."""
        nonce, data = self._place(number)
        return self._cipher.encrypt(nonce, plain, data)

    def open(self, number: int, sealed: bytes) -> bytes:
        """The chunk as it was.

        Raises:
            GalleryFileError: The key is another one, or the file was changed on purpose.
        """
        from cryptography.exceptions import InvalidTag

        nonce, data = self._place(number)
        try:
            return self._cipher.decrypt(nonce, sealed, data)
        except InvalidTag:
            raise GalleryFileError(
                "the gallery does not open with this key", reason="wrong key"
            ) from None


class RowCipher:
    """Seals and opens single rows, each bound to its gallery, its number and its reference's id.

    Nonces are random: rows of one key should stay below 2**32 (NIST SP 800-38D, section 8.3).

    Args:
        key: The host's key, 32 bytes.
        salt: The gallery's salt.

    Raises:
        MatcherError: The key is not 32 bytes.
    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._cipher = _derived(key, salt, _ROW_INFO)

    def seal(self, plain: bytes, gallery: str, number: int, reference: str) -> bytes:
        """Nonce, ciphertext and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _bound(gallery, number, reference))

    def open(self, sealed: bytes, gallery: str, number: int, reference: str) -> bytes:
        """The row.

        Raises:
            MatcherError: The key is another one, or the row was changed or moved.
        """
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, _bound(gallery, number, reference))
        except (InvalidTag, ValueError):
            raise MatcherError(
                f"row {number} of the gallery {gallery} does not open: another key made it, or it "
                "was changed"
            ) from None


def _bound(gallery: str, number: int, reference: str) -> bytes:
    name = gallery.encode()
    return struct.pack("<QQ", number, len(name)) + name + reference.encode()

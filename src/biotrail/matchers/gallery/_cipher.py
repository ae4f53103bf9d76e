"""Encryption of a gallery file: AES-256-GCM in chunks, each bound to its place in its own file.

The file's key is HKDF-SHA256 of the host's key with a random salt that the file carries, so no two
files share a key, and a chunk's number can be its nonce (NIST SP 800-38D, section 8.2.1). The
authenticated data of a chunk are the hash of the file's header, the chunk's number and how many
chunks there are: one that is moved, dropped or taken from another file does not open.
"""

from __future__ import annotations

import os
import struct

from biotrail.errors import GalleryFileError, MatcherError

__all__ = ["KEY_BYTES", "SALT_BYTES", "TAG_BYTES", "ChunkCipher", "new_salt"]

KEY_BYTES = 32
SALT_BYTES = 32
TAG_BYTES = 16
_INFO = b"biotrail/gallery/1"


def new_salt() -> bytes:
    """A salt for a new file."""
    return os.urandom(SALT_BYTES)


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
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        given: object = key
        if not isinstance(given, bytes) or len(given) != KEY_BYTES:
            raise MatcherError("the key of a gallery must be 32 bytes")
        derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=_INFO)
        self._cipher = AESGCM(derive.derive(key))
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

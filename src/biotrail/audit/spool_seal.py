r"""What seals a spool, in a log with a vault.

A spool takes events when store or key provider fails, so its key is made, and wrapped, while both
are there: when the log is opened. The wrapped key lies in the spool itself; whoever empties the
spool later, another process too, unwraps it with the log's vault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from biotrail.canonical import CborValue, encode_value
from biotrail.canonical.padding import padded, unpadded
from biotrail.canonical.sealed import KEY_REFERENCE_SIZE, NONCE_SIZE
from biotrail.errors import CanonicalError
from biotrail.vault import DataKey, KeptKey, Vault

__all__ = ["SpoolSeal", "key_in"]

SEALED_VERSION = 2
_DOMAIN = b"biotrail/spool/1\n"


class SpoolSeal:
    """Seals and opens the events in a spool."""

    def __init__(self, vault: Vault, origin: str, draw: Callable[[int], bytes]) -> None:
        """Make a key.

        Args:
            vault: The log's vault.
            origin: The log's origin.
            draw: Returns so many random bytes.

        Raises:
            KeyProviderError: The key cannot be wrapped.
            VaultError: The source of randomness failed.
        """
        self._vault, self._origin, self._draw = vault, origin, draw
        # Held as long as the log is open: the vault's own cache may be let go of meanwhile.
        key, self._kept = vault.new_key(draw(KEY_REFERENCE_SIZE), origin)
        self._key: DataKey | None = key

    @property
    def reference(self) -> bytes:
        """Names the key, 16 random bytes."""
        return self._kept.reference

    def key_data(self) -> bytes:
        """The frame's data that holds the wrapped key."""
        reference, key_id, wrapped, fingerprint = self._kept
        return encode_value([SEALED_VERSION, reference, key_id, wrapped, fingerprint])

    def seal(self, data: bytes) -> bytes:
        """The frame's data that holds the data of a frame in the clear, sealed."""
        nonce = self._draw(NONCE_SIZE)
        ciphertext = self._own().seal(padded(data), self._bound(self.reference), nonce)
        return encode_value([SEALED_VERSION, self.reference, nonce, ciphertext])

    def open(self, sealed: tuple[bytes, bytes, bytes], keys: Mapping[bytes, KeptKey]) -> bytes:
        """The data of a frame in the clear.

        Args:
            sealed: Reference of the key, nonce and ciphertext.
            keys: The keys in the spool, by reference.

        Raises:
            CanonicalError: The spool holds no such key, or what was opened is not padded.
            VaultError: It does not open.
        """
        reference, nonce, ciphertext = sealed
        if reference == self.reference:
            key = self._own()
        elif reference in keys:
            key = self._vault.open_key(keys[reference], self._origin)
        else:
            raise CanonicalError(f"the key {reference.hex()} is not in it")
        return unpadded(key.open(ciphertext, self._bound(reference), nonce))

    def forget(self) -> None:
        """Drop the key, when the log is closed: what is asked of it later asks the vault."""
        self._key = None

    def _own(self) -> DataKey:
        return self._key or self._vault.open_key(self._kept, self._origin)

    def _bound(self, reference: bytes) -> bytes:
        return _DOMAIN + reference + self._origin.encode()


def key_in(value: CborValue) -> KeptKey | None:
    """The key that a frame of version 2 holds, if it holds one."""
    if isinstance(value, list) and len(value) == 5:
        _, reference, key_id, wrapped, fingerprint = value
        if (
            isinstance(reference, bytes)
            and isinstance(key_id, str)
            and isinstance(wrapped, bytes)
            and isinstance(fingerprint, bytes)
        ):
            return KeptKey(reference, key_id, wrapped, fingerprint)
    return None

r"""Wrapping with keys in memory: AES-256-GCM, bound to the key-encryption key and the context.

A wrapped key is, after the version byte, a random nonce (12) and what AES-256-GCM makes of the data
key (32 + 16). Associated data::

    "biotrail/wrapped-key/1\n" · id of the key-encryption key (16) · context

NIST SP 800-38D section 8.3 allows 2^32 random nonces under one key: rotate long before that.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from biotrail.errors import KeyProviderError
from biotrail.vault.providers._base import ProviderBase

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["ID_SIZE", "KEY_SIZE", "Generation", "LocalProvider", "new_generation", "wrap_with"]

ID_SIZE, KEY_SIZE = 16, 32
_NONCE_SIZE = 12
_WRAPPED_SIZE = _NONCE_SIZE + KEY_SIZE + 16
_DOMAIN = b"biotrail/wrapped-key/1\n"

Randomness = Callable[[int], bytes]


class Generation:
    """One key-encryption key with its id, before it goes into a cipher.

    No tuple: tools that report failures show the items of one, whatever its repr.
    """

    __slots__ = ("id", "key")

    def __init__(self, id: bytes, key: bytes) -> None:  # it is one
        """Keep both."""
        self.id = id
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Generation) and (self.id, self.key) == (other.id, other.key)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Generation({self.id.hex()})"


def new_generation(randomness: Randomness = os.urandom) -> Generation:
    """Return a new random key-encryption key.

    Raises:
        KeyProviderError: The source of randomness gave fewer bytes than asked for.
    """
    return Generation(draw(randomness, ID_SIZE), draw(randomness, KEY_SIZE))


def draw(randomness: Randomness, size: int) -> bytes:
    """Return random bytes, exactly as many as asked for.

    Raises:
        KeyProviderError: The source failed or gave another number.
    """
    try:
        drawn = randomness(size)
    except OSError as error:
        raise KeyProviderError(f"no random bytes: {error.strerror}") from None
    if len(drawn) != size:
        raise KeyProviderError("the source of random bytes gave another number of them")
    return drawn


def wrap_with(
    cipher: AESGCM, generation_id: bytes, nonce: bytes, data_key: bytes, context: bytes
) -> bytes:
    """Return a wrapped key without its version byte: nonce and ciphertext."""
    return nonce + cipher.encrypt(nonce, data_key, _DOMAIN + generation_id + context)


class LocalProvider(ProviderBase):
    """A provider whose key-encryption keys are in this process's memory."""

    _kind: str
    """First part of the key ids."""

    def __init__(self, generations: Iterable[Generation], randomness: Randomness) -> None:
        """Hold generations, of which the last is the current one."""
        self._randomness = randomness
        self._ciphers: dict[str, tuple[bytes, AESGCM]] = {}
        self._current = ""
        self._hold(generations)

    @property
    def key_id(self) -> str:
        """Names the key-encryption key that `wrap` uses now."""
        return self._current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all key-encryption keys that are held, in the order of their making."""
        return tuple(self._ciphers)

    @abstractmethod
    def rotate(self) -> str:
        """Make a new key-encryption key, which `wrap` uses from now on; return its id."""

    @abstractmethod
    def destroy_key(self, key_id: str) -> None:
        """Destroy a key-encryption key that is no longer the current one."""

    def _hold(self, generations: Iterable[Generation], *, current: str | None = None) -> None:
        """Replace what is held; readers in other threads see the one state or the other.

        The last generation becomes the current one, unless another is named that is held.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        ciphers = {self._name(one.id): (one.id, AESGCM(one.key)) for one in generations}
        self._ciphers = ciphers
        self._current = current if current in ciphers else list(ciphers)[-1]

    def _name(self, generation_id: bytes) -> str:
        return f"{self._kind}:{generation_id.hex()}"

    def _id_of(self, key_id: str) -> bytes:
        """The 16 bytes in a key id of this provider."""
        kind, _, digits = key_id.partition(":")
        try:
            found = bytes.fromhex(digits)
        except ValueError:
            raise self._unknown(key_id) from None
        if kind != self._kind or self._name(found) != key_id:
            raise self._unknown(key_id)
        return found

    def _refuse_current(self, key_id: str) -> None:
        if key_id == self._current:
            raise self._error("the current key-encryption key is not destroyed; rotate first")

    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        generation_id, cipher = self._cipher(self._current)
        nonce = draw(self._randomness, _NONCE_SIZE)
        return wrap_with(cipher, generation_id, nonce, data_key, context)

    def _unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        from cryptography.exceptions import InvalidTag

        if len(wrapped) != _WRAPPED_SIZE:
            raise self._not_as_wrapped(key_id)
        generation_id, cipher = self._cipher(key_id)
        nonce, sealed = wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:]
        try:
            return cipher.decrypt(nonce, sealed, _DOMAIN + generation_id + context)
        except InvalidTag:
            raise self._not_as_wrapped(key_id) from None

    def _cipher(self, key_id: str) -> tuple[bytes, AESGCM]:
        try:
            return self._ciphers[key_id]
        except KeyError:
            pass
        self._ensure_open()
        self._look_again(key_id)
        if key_id not in self._ciphers:
            raise self._unknown(key_id)
        return self._ciphers[key_id]

    def _look_again(self, key_id: str) -> None:
        """Another process may have rotated meanwhile: take in the keys that it made."""

    def _release(self) -> None:
        self._ciphers = {}

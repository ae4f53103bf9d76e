"""The contract of whoever holds key-encryption keys."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["DATA_KEY_SIZE", "KeyProvider"]

DATA_KEY_SIZE = 32
"""Size of a data key: AES-256."""


@runtime_checkable
class KeyProvider(Protocol):
    """Wraps data keys under key-encryption keys that it holds, and unwraps them again.

    A data key seals what concerns one person. It rests beside the log in wrapped form only, with
    the id of the key-encryption key that wrapped it. A provider may be called from several threads
    at once. Neither a repr nor an error of a provider shows a key.
    """

    @property
    def key_id(self) -> str:
        """Names the key-encryption key that `wrap` uses now: 1 to 256 printable characters.

        It is kept beside every wrapped key, so it must not be secret, and must never name another
        key later.
        """
        ...

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Wrap a data key.

        Args:
            data_key: 32 bytes.
            context: Up to 512 bytes that name what the key is for; `unwrap` must be given the
                same. Not secret.

        Returns:
            The wrapped key, at most 4,096 bytes.

        Raises:
            KeyProviderError: It is out of reach, or refuses.
        """
        ...

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """Unwrap a data key.

        Args:
            wrapped: What `wrap` returned.
            context: What `wrap` was given.
            key_id: The provider's `key_id` when it wrapped.

        Returns:
            The data key, 32 bytes.

        Raises:
            KeyProviderError: It is out of reach or refuses, or does not hold that key.
            WrappedKeyError: The wrapped key, or its context, is not what was wrapped. To try again
                is no use: it is damaged, was exchanged, or is of another log.
        """
        ...

    def close(self) -> None:
        """Forget keys and release what is held. May be called twice."""
        ...

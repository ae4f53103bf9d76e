"""Key-encryption keys in memory only: for tests, and for logs in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock

from biotrail.vault.providers._local import LocalProvider, new_generation

__all__ = ["MemoryKeyProvider"]


class MemoryKeyProvider(LocalProvider):
    """A key provider whose random keys end with it: what they wrapped opens never again.

    For tests and for logs in memory. A log in a file needs a provider that outlasts the process.
    """

    _kind = "memory"

    def __init__(self, *, randomness: Callable[[int], bytes] = os.urandom) -> None:
        """Make a first key-encryption key.

        Args:
            randomness: Where random bytes come from.
        """
        self._lock = Lock()
        self._generations = [new_generation(randomness)]
        super().__init__(self._generations, randomness)

    def rotate(self) -> str:
        """Make a new key-encryption key, which `wrap` uses from now on.

        Returns:
            Its id. The ones before are still held, and unwrap what they wrapped.

        Raises:
            KeyProviderError: The provider is closed, or there are no random bytes.
        """
        self._ensure_open()
        with self._lock:
            self._generations = [*self._generations, new_generation(self._randomness)]
            self._hold(self._generations)
            return self.key_id

    def destroy_key(self, key_id: str) -> None:
        """Destroy a key-encryption key that is no longer the current one.

        Raises:
            KeyProviderError: It is the current one, or is not held here.
        """
        self._ensure_open()
        with self._lock:
            self._refuse_current(key_id)
            gone = self._id_of(key_id)
            left = [one for one in self._generations if one.id != gone]
            if len(left) == len(self._generations):
                raise self._unknown(key_id)
            self._generations = left
            self._hold(left)

    def _release(self) -> None:
        super()._release()
        self._generations = []

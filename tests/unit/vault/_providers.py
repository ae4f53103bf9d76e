"""Key providers that behave as tests need them."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail.errors import KeyProviderError


class CountingProvider:
    """A provider in memory that counts how often it is asked, and can be out of reach."""

    def __init__(self, key_id: str = "counting:1", key: bytes = bytes(range(32))) -> None:
        self.key_id = key_id
        self._aead = AESGCM(key)
        self.wrapped = self.unwrapped = 0
        self.down = False
        self.closed = 0

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        self._check()
        self.wrapped += 1
        return self._aead.encrypt(bytes(12), data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        self._check()
        if key_id != self.key_id:
            raise KeyProviderError(f"no key {key_id}", provider=self.key_id)
        self.unwrapped += 1
        return self._aead.decrypt(bytes(12), wrapped, context)

    def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.down:
            raise KeyProviderError("out of reach", provider=self.key_id)


class StrangeProvider(CountingProvider):
    """A provider whose answers are made by a function."""

    def __init__(self, answer: Callable[[bytes], object]) -> None:
        super().__init__("strange:1")
        self._answer = answer

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return self._answer(data_key)  # type: ignore[return-value] # that is what is strange

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        return self._answer(wrapped)  # type: ignore[return-value]

"""What every key provider does alike: the checks at its door, closing, and showing no key."""

from __future__ import annotations

from abc import abstractmethod

from biotrail._closing import Closing
from biotrail.errors import KeyProviderError, WrappedKeyError
from biotrail.vault.provider import DATA_KEY_SIZE

__all__ = ["MAX_CONTEXT_SIZE", "MAX_WRAPPED_SIZE", "ProviderBase"]

MAX_CONTEXT_SIZE = 512
MAX_WRAPPED_SIZE = 4096
_VERSION = b"\x01"
"""First byte of every wrapped key, whoever wrapped it."""


class ProviderBase(Closing):
    """A `KeyProvider` but for the wrapping itself.

    What a provider calls "wrapped" starts with a version byte, 1; the rest is the provider's own.
    """

    _closed = False

    @property
    @abstractmethod
    def key_id(self) -> str:
        """Names the key-encryption key that `wrap` uses now."""

    @abstractmethod
    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Return the wrapped key without its version byte."""

    @abstractmethod
    def _unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """Return the data key of a wrapped key without its version byte."""

    @abstractmethod
    def _release(self) -> None:
        """Forget keys and release what is held; called once."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Wrap a data key.

        Args:
            data_key: 32 bytes.
            context: Up to 512 bytes that name what the key is for; not secret.

        Returns:
            The wrapped key, at most 4,096 bytes.

        Raises:
            KeyProviderError: The provider is closed, out of reach, or refuses.
        """
        _check_bytes("data key", data_key, DATA_KEY_SIZE, DATA_KEY_SIZE)
        _check_bytes("context", context, 0, MAX_CONTEXT_SIZE)
        self._ensure_open()
        wrapped = _VERSION + self._wrap(bytes(data_key), bytes(context))
        if len(wrapped) > MAX_WRAPPED_SIZE:
            raise self._error("the wrapped key is longer than a vault keeps")
        return wrapped

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """Unwrap a data key.

        Args:
            wrapped: What `wrap` returned.
            context: What `wrap` was given.
            key_id: The provider's `key_id` when it wrapped.

        Returns:
            The data key, 32 bytes.

        Raises:
            KeyProviderError: The provider is closed, out of reach, refuses, or does not hold that
                key.
            WrappedKeyError: The wrapped key, or its context, is not what was wrapped.
        """
        _check_bytes("context", context, 0, MAX_CONTEXT_SIZE)
        if not isinstance(key_id, str):
            raise KeyProviderError(f"a key id is a text, not {type(key_id).__name__}")
        self._ensure_open()
        _check_bytes("wrapped key", wrapped, 2, MAX_WRAPPED_SIZE, WrappedKeyError)
        if bytes(wrapped[:1]) != _VERSION:
            raise self._not_as_wrapped(key_id, "it has a version that is not known here")
        data_key = self._unwrap(bytes(wrapped[1:]), bytes(context), key_id)
        if len(data_key) != DATA_KEY_SIZE:
            del data_key
            raise self._error("what was unwrapped has not the size of a data key", key_id)
        return data_key

    def close(self) -> None:
        """Forget keys and release what is held. May be called twice."""
        if not self._closed:
            self._closed = True
            self._release()

    def __repr__(self) -> str:
        try:
            state = "closed" if self._closed else self.key_id
        except AttributeError:  # a report of why it could not be opened shows it half made
            state = "not open"
        return f"{type(self).__name__}({state})"

    def __reduce__(self) -> str:
        raise KeyProviderError("a key provider is not pickled: it would carry keys along")

    def _ensure_open(self) -> None:
        if self._closed:
            raise KeyProviderError(f"the {type(self).__name__} is closed")

    def _error(self, message: str, key_id: str | None = None) -> KeyProviderError:
        """An error that names the provider and the key-encryption key."""
        named = _printable(self.key_id if key_id is None else key_id)
        return KeyProviderError(f"{message} ({type(self).__name__}, {named})", provider=named)

    def _unknown(self, key_id: str) -> KeyProviderError:
        return self._error("this key-encryption key is not held here", key_id)

    def _not_as_wrapped(self, key_id: str, why: str = "") -> WrappedKeyError:
        named = _printable(key_id)
        more = f": {why}" if why else ""
        return WrappedKeyError(
            f"the wrapped key, or its context, is not what was wrapped{more} "
            f"({type(self).__name__}, {named})",
            provider=named,
        )


def _check_bytes(
    name: str,
    value: object,
    least: int,
    most: int,
    failure: type[KeyProviderError | WrappedKeyError] = KeyProviderError,
) -> None:
    size = len(value) if isinstance(value, bytes | bytearray | memoryview) else None
    kind = type(value).__name__
    del value  # it may be a key
    if size is None:
        raise failure(f"a {name} is bytes, not {kind}")
    if not least <= size <= most:
        allowed = f"{least}" if least == most else f"{least} to {most}"
        raise failure(f"a {name} has {allowed} bytes, not {size}")


def _printable(key_id: str) -> str:
    """A key id may come from a damaged table: it is told without control characters, and cut."""
    return "".join(one if one.isprintable() else "?" for one in key_id[:256])

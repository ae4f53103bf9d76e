"""Asking key providers, which may be anybody's, so that no failure of theirs shows a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from biotrail._hidden import Hidden, without_trace
from biotrail.errors import KeyProviderError, VaultError, WrappedKeyError
from biotrail.vault.provider import KeyProvider

__all__ = ["asked", "unwrapped_by_any"]

_NOT_AUTHENTIC = ("InvalidTag", "InvalidUnwrap")
"""How the errors are called with which authenticated decryption refuses what it was given."""


def asked(provider: KeyProvider, ask: Callable[[], bytes]) -> bytes:
    """Ask a provider.

    Args:
        provider: The provider.
        ask: Calls it. What it was given may be a key: a function that does not show that.

    Raises:
        KeyProviderError: It is out of reach, refuses, or fails in a way of its own.
        WrappedKeyError: It says that what it was to unwrap is not what was wrapped.
    """
    try:
        return ask()
    except (KeyProviderError, WrappedKeyError) as error:
        failure: VaultError = error
    except Exception as error:
        failure = _named(provider, type(error).__name__)
    # Neither chained nor with the frames below: what is in those may be a key.
    raise without_trace(failure)


def unwrapped_by_any(
    providers: Iterable[KeyProvider], wrapped: bytes, context: bytes, key_id: str
) -> Hidden[bytes]:
    """Unwrap a data key by whichever provider holds the key-encryption key.

    Raises:
        KeyProviderError: None could be asked, or none holds it.
        WrappedKeyError: One holds it, and says that this is not what was wrapped.
    """
    failed: KeyProviderError | None = None
    # The one that uses this key-encryption key now is asked first; another may have used it before
    # a rotation.
    for provider in sorted(providers, key=lambda one: one.key_id != key_id):
        try:
            ask = partial(provider.unwrap, wrapped, context, key_id)
            return Hidden(asked(provider, ask))
        except KeyProviderError as error:
            failed = failed or error
    assert failed is not None
    raise without_trace(failed)


def _named(provider: KeyProvider, kind: str) -> VaultError:
    if kind in _NOT_AUTHENTIC:
        return WrappedKeyError(
            f"the key provider says that a wrapped key, or its context, is not what was wrapped: "
            f"{kind}",
            provider=provider.key_id,
        )
    return KeyProviderError(f"the key provider failed: {kind}", provider=provider.key_id)

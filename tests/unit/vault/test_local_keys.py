"""Key-encryption keys in memory: generations, their destruction, and failing randomness."""

from __future__ import annotations

import os

import pytest

from biotrail.errors import KeyProviderError, WrappedKeyError
from biotrail.vault import MemoryKeyProvider
from biotrail.vault.providers._local import Generation
from biotrail.vault.providers._passphrase_file import Derivation, Unlocked


def test_a_rotation_keeps_the_keys_before() -> None:
    """After a rotation a new key wraps, and what the one before wrapped still opens."""
    with MemoryKeyProvider() as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"here")
        second = provider.rotate()
        assert provider.key_ids == (first, second)
        assert provider.key_id == second != first
        assert provider.unwrap(wrapped, b"here", first) == bytes(32)
        with pytest.raises(WrappedKeyError, match="not what was wrapped"):
            provider.unwrap(wrapped, b"here", second)


def test_a_destroyed_key_opens_nothing_again() -> None:
    """A key that is destroyed is not held any more; the current one cannot be destroyed."""
    with MemoryKeyProvider() as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"here")
        with pytest.raises(KeyProviderError, match="rotate first"):
            provider.destroy_key(first)
        provider.rotate()
        provider.destroy_key(first)
        for call in (
            lambda: provider.unwrap(wrapped, b"here", first),
            lambda: provider.destroy_key(first),
            lambda: provider.destroy_key("memory:what"),
            lambda: provider.destroy_key(first.upper()),
        ):
            with pytest.raises(KeyProviderError, match="not held here"):
                call()


def test_failing_randomness_wraps_nothing() -> None:
    """Where random bytes fail or are too few, nothing is wrapped and no key is made."""

    def failing(size: int) -> bytes:
        raise OSError(5, "Input/output error")

    for source in (failing, lambda size: bytes(size - 1), lambda size: b""):
        with pytest.raises(KeyProviderError, match="random bytes"):
            MemoryKeyProvider(randomness=source)
    drawn = iter([os.urandom(16), os.urandom(32)])
    with MemoryKeyProvider(randomness=lambda size: next(drawn, b"")) as provider:
        before = provider.key_ids
        for call in (lambda: provider.wrap(bytes(32), b""), provider.rotate):
            with pytest.raises(KeyProviderError, match="random bytes"):
                call()
        assert provider.key_ids == before


def test_a_hostile_key_id_is_told_harmlessly() -> None:
    """What a damaged table gives as a key id is told without control characters, and cut."""
    with MemoryKeyProvider() as provider:
        wrapped = provider.wrap(bytes(32), b"")
        with pytest.raises(KeyProviderError) as caught:
            provider.unwrap(wrapped, b"", "\x1b[2J\n" * 1000)
        assert "\x1b" not in str(caught.value)
        assert len(str(caught.value)) < 500
        assert caught.value.provider is not None


def test_what_holds_keys_in_passing_shows_none() -> None:
    """Neither a generation nor what a passphrase gave shows its bytes."""
    generation = Generation(bytes(16), b"K" * 32)
    unlocked = Unlocked(Derivation(8192, 1, 1, bytes(16)), b"K" * 32, b"C" * 32)
    assert "KKK" not in repr(generation) + str(generation) + repr(unlocked) + str(unlocked)

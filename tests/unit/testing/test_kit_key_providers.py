"""The contract of key providers finds each promise that is broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from biotrail.testing import KeyProviderContract
from biotrail.vault import MemoryKeyProvider


class _Anywhere(MemoryKeyProvider):
    """Takes no notice of the context."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        return super().wrap(data_key, b"")

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        return super().unwrap(wrapped, b"", key_id)


class _Unkeyed(MemoryKeyProvider):
    """Takes no notice of the key id."""

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        return super().unwrap(wrapped, context, self.key_id)


class _Plain(MemoryKeyProvider):
    """Wraps nothing, and takes anything back."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        super().wrap(data_key, context)
        return data_key

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        return wrapped


class _Telltale(MemoryKeyProvider):
    """Shows the last key."""

    last = b""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        self.last = data_key
        return super().wrap(data_key, context)

    def __repr__(self) -> str:
        return self.last.hex()


class _Pickled(MemoryKeyProvider):
    """Lets itself be pickled."""

    def __reduce__(self) -> Any:
        return _Pickled, ()


class _Undead(MemoryKeyProvider):
    """Does not close."""

    def close(self) -> None:
        """Stay open."""


class _Patient(KeyProviderContract):
    """Has a provider that is out of reach and does not say so."""

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        return (lambda: "as if nothing were wrong",)


Case = Callable[[KeyProviderContract, MemoryKeyProvider], None]


@pytest.mark.parametrize(
    ("provider", "case"),
    [
        (_Anywhere, lambda one, provider: one.test_another_context_is_refused(provider)),
        (_Unkeyed, lambda one, provider: one.test_an_unknown_key_is_refused(provider)),
        (_Plain, lambda one, provider: one.test_an_altered_wrapped_key_is_refused(provider)),
        (_Plain, lambda one, provider: one.test_wrapping_twice_differs(provider)),
        (_Pickled, lambda one, provider: one.test_it_is_not_pickled(provider)),
        (_Undead, lambda one, provider: one.test_closing_twice_is_closing(provider)),
    ],
)
def test_the_contract_finds_what_is_broken(
    provider: Callable[[], MemoryKeyProvider], case: Case
) -> None:
    """Each of these breaks one promise, and the case about it fails; a good one passes."""
    case(KeyProviderContract(), MemoryKeyProvider())
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        case(KeyProviderContract(), provider())


def test_the_contract_finds_a_key_that_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    """A text form with a key in it fails the case; a good one passes."""
    KeyProviderContract().test_keys_are_not_shown(MemoryKeyProvider(), caplog)
    with pytest.raises(AssertionError):
        KeyProviderContract().test_keys_are_not_shown(_Telltale(), caplog)


def test_the_contract_finds_who_does_not_say_that_it_is_down(tmp_path: Path) -> None:
    """A call that ought to fail and does not fails the case."""
    KeyProviderContract().test_out_of_reach_is_told_in_time(tmp_path)
    with pytest.raises(pytest.fail.Exception):
        _Patient().test_out_of_reach_is_told_in_time(tmp_path)


def test_a_provider_must_be_given(tmp_path: Path) -> None:
    """A contract that was not told how to open a provider says so."""
    with pytest.raises(NotImplementedError, match="open_provider"):
        KeyProviderContract().open_provider(tmp_path)

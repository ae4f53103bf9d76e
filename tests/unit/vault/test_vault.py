"""The vault: data keys made, kept for a while, and refused once destroyed."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable

import attrs
import pytest

from biotrail.errors import DestroyedKeyError, KeyProviderError, VaultError, WrappedKeyError
from biotrail.vault import KeptKey, Vault, fingerprint_of
from tests.unit.vault._providers import CountingProvider, StrangeProvider

ORIGIN = "example.com/door"
ANNA, BERT = b"a" * 16, b"b" * 16


@attrs.define
class _Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_new_key_opens_what_it_sealed_after_it_was_kept_and_taken_up_again() -> None:
    """What a new data key seals, the key that was kept opens."""
    provider = CountingProvider()
    key, kept = Vault(provider).new_key(ANNA, ORIGIN)
    sealed = key.seal(b"personal", b"bound", bytes(12))
    again = Vault(provider).open_key(kept, ORIGIN)
    assert again.open(sealed, b"bound", bytes(12)) == b"personal"


def test_what_was_sealed_for_something_else_does_not_open() -> None:
    """A ciphertext opens neither with other associated data nor with another key."""
    vault = Vault(CountingProvider())
    key, _ = vault.new_key(ANNA, ORIGIN)
    other, _ = vault.new_key(BERT, ORIGIN)
    sealed = key.seal(b"personal", b"bound", bytes(12))
    with pytest.raises(VaultError, match="does not open"):
        key.open(sealed, b"elsewhere", bytes(12))
    with pytest.raises(VaultError, match="does not open"):
        other.open(sealed, b"bound", bytes(12))


def test_a_provider_is_asked_once_while_a_key_is_kept_in_use() -> None:
    """Within its time an unwrapped key is not asked for again, and after it is."""
    provider, clock = CountingProvider(), _Clock()
    _, kept = Vault(provider).new_key(ANNA, ORIGIN)
    vault = Vault(provider, cached_seconds=10, clock=clock)
    for now, asked in ((0, 1), (9.9, 1), (10.1, 2)):
        clock.now = now
        vault.open_key(kept, ORIGIN)
        assert provider.unwrapped == asked


def test_no_more_keys_are_kept_in_use_than_was_said() -> None:
    """The oldest key makes room for the newest."""
    provider = CountingProvider()
    vault = Vault(provider, cached_keys=2)
    references = [bytes([n]) * 16 for n in range(3)]
    for reference in references:
        vault.new_key(reference, ORIGIN)
    assert [vault.cached(one, ORIGIN) is None for one in references] == [True, False, False]


def test_forgetting_drops_the_keys_named_and_no_others() -> None:
    """Keys of erased people leave the cache at once."""
    vault = Vault(CountingProvider())
    vault.new_key(ANNA, ORIGIN)
    vault.new_key(BERT, ORIGIN)
    vault.forget([ANNA])
    assert vault.cached(ANNA, ORIGIN) is None
    assert vault.cached(BERT, ORIGIN) is not None


def test_a_destroyed_key_that_came_back_is_refused() -> None:
    """A key whose fingerprint an erasure left behind is not used again."""
    vault = Vault(CountingProvider())
    _, kept = vault.new_key(ANNA, ORIGIN)
    vault.forget()
    vault.refuse([kept.fingerprint])
    with pytest.raises(DestroyedKeyError, match="biotrail doctor"):
        vault.open_key(kept, ORIGIN)


def test_an_overwritten_key_is_called_destroyed() -> None:
    """A row without a wrapped key is that of somebody erased."""
    vault = Vault(CountingProvider())
    with pytest.raises(DestroyedKeyError):
        vault.open_key(KeptKey(ANNA, "counting:1", b"", bytes(32)), ORIGIN)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept._replace(reference=BERT),
        lambda kept: kept._replace(wrapped=kept.wrapped[:-1] + bytes([kept.wrapped[-1] ^ 1])),
        lambda kept: kept._replace(wrapped=kept.wrapped[:-1]),
        lambda kept: kept._replace(fingerprint=bytes(32)),
        lambda kept: kept._replace(key_id="other"),
    ],
)
def test_a_kept_key_that_was_changed_is_refused(change: Callable[[KeptKey], KeptKey]) -> None:
    """A wrapped key that was swapped, damaged or replaced is not taken for the person's."""
    vault = Vault(CountingProvider())
    _, kept = vault.new_key(ANNA, ORIGIN)
    vault.forget()
    with pytest.raises(VaultError):
        vault.open_key(change(kept), ORIGIN)


def test_a_key_of_another_log_is_refused() -> None:
    """A wrapped key is bound to its log."""
    vault = Vault(CountingProvider())
    _, kept = vault.new_key(ANNA, ORIGIN)
    with pytest.raises(WrappedKeyError):
        vault.open_key(kept, "example.com/other")


def test_a_key_is_wrapped_anew_and_opened_by_whichever_provider_wrapped_it() -> None:
    """After a change of provider, old keys open by the old one until they are wrapped anew."""
    old, new = CountingProvider("old"), CountingProvider("new", bytes(32))
    key, kept = Vault(old).new_key(ANNA, ORIGIN)
    vault = Vault(new, previous=[old])
    rewrapped = vault.rewrapped(kept, ORIGIN)
    assert (kept.key_id, rewrapped.key_id) == ("old", "new")
    assert rewrapped.fingerprint == kept.fingerprint
    sealed = key.seal(b"x", b"", bytes(12))
    for one in (kept, rewrapped):
        vault.forget()
        assert vault.open_key(one, ORIGIN).open(sealed, b"", bytes(12)) == b"x"


def test_a_key_is_kept_under_the_name_of_the_key_that_wrapped_it() -> None:
    """A provider that rotates between its name and its work does not make a key unopenable."""

    class Rotating(CountingProvider):
        asked = 0

        @property
        def key_id(self) -> str:
            self.asked += 1
            return "first" if self.asked < 3 else "second"  # 1 by the constructor, 2 by new_key

        @key_id.setter
        def key_id(self, value: str) -> None:
            pass

        def wrap(self, data_key: bytes, context: bytes) -> bytes:
            return b"second" + bytes(26) if self.asked >= 2 else b"first" + bytes(27)

    _, kept = Vault(Rotating()).new_key(ANNA, ORIGIN)
    assert kept.wrapped.startswith(kept.key_id.encode())


def test_a_provider_that_is_down_is_named() -> None:
    """Neither making nor opening a key hides which provider failed."""
    provider = CountingProvider()
    vault = Vault(provider)
    _, kept = vault.new_key(ANNA, ORIGIN)
    vault.forget()
    provider.down = True
    for act in (lambda: vault.new_key(BERT, ORIGIN), lambda: vault.open_key(kept, ORIGIN)):
        with pytest.raises(KeyProviderError) as caught:
            act()
        assert caught.value.provider == "counting:1"


@pytest.mark.parametrize("answer", [None, b"", "text", b"x" * 4_097])
def test_a_provider_that_returns_no_wrapped_key_is_refused(answer: object) -> None:
    """Whatever is no wrapped key is not kept as one."""
    with pytest.raises(KeyProviderError, match="did not return"):
        Vault(StrangeProvider(lambda _: answer)).new_key(ANNA, ORIGIN)


def test_a_provider_that_returns_the_key_itself_is_refused() -> None:
    """A key that was not wrapped is never written."""
    with pytest.raises(KeyProviderError, match="did not wrap"):
        Vault(StrangeProvider(lambda key: b"\x01" + key)).new_key(ANNA, ORIGIN)


@pytest.mark.parametrize("key_id", ["", "x" * 257, "two\nlines", 7])
def test_a_provider_without_a_usable_name_is_refused(key_id: object) -> None:
    """A name is short and printable, as it is kept beside every key."""
    with pytest.raises(KeyProviderError, match="names its key"):
        Vault(CountingProvider(key_id))  # type: ignore[arg-type]


@pytest.mark.parametrize("drawn", [b"", bytes(31), "x" * 32])
def test_a_source_of_randomness_that_returns_something_else_is_refused(drawn: object) -> None:
    """No key is made of what is no randomness."""
    vault = Vault(CountingProvider(), randomness=lambda _: drawn)  # type: ignore[arg-type,return-value]
    with pytest.raises(VaultError, match="source of randomness"):
        vault.new_key(ANNA, ORIGIN)


def test_no_key_shows_in_texts_pickles_or_tracebacks() -> None:
    """Reprs name references, pickling is refused, and tracebacks of failures show no key."""
    drawn = os.urandom(32)
    vault = Vault(CountingProvider(), randomness=lambda _: drawn)
    key, kept = vault.new_key(ANNA, ORIGIN)
    shown = f"{key!r}{vault!r}{kept!r}{vault.tags(vault.new_tag_key(ORIGIN), ORIGIN)!r}"
    for one in (key, vault):
        with pytest.raises(TypeError):
            pickle.dumps(one)
    try:
        vault.open_key(kept._replace(reference=BERT), ORIGIN)
    except VaultError as error:
        shown += "".join(traceback.format_exception(error))
    assert drawn.hex() not in shown
    assert repr(drawn)[2:-1] not in shown


def test_closing_closes_every_provider_and_forgets_all_keys() -> None:
    """After closing nothing is at hand any more."""
    first, second = CountingProvider("1"), CountingProvider("2")
    vault = Vault(first, previous=[second])
    vault.new_key(ANNA, ORIGIN)
    vault.close()
    vault.close()
    assert (first.closed, second.closed) == (2, 2)
    assert vault.cached(ANNA, ORIGIN) is None


def test_fingerprints_differ_from_key_to_key() -> None:
    """A fingerprint is a hash of the key with a domain of its own."""
    one, other = fingerprint_of(bytes(32)), fingerprint_of(b"\x01" + bytes(31))
    assert one != other
    assert len(one) == 32

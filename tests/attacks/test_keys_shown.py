"""What failures show: their frames, with what the variables in them hold, and what came before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biotrail.errors import KeyProviderError, VaultError, WrappedKeyError
from biotrail.vault import PassphraseKeyProvider, Vault
from tests.unit.vault._providers import CountingProvider

ORIGIN, ANNA, BERT = "example.com/door", b"a" * 16, b"b" * 16


class _Failing(CountingProvider):
    """A provider that fails with a key in its frames, and one error after another."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        held = bytes(data_key)
        try:
            raise ValueError(held)
        except ValueError as error:
            raise KeyProviderError("out of reach") from error


def _shown(error: BaseException | None) -> Iterator[str]:
    """All that a tool that reports failures can find, but for the frames of these tests."""
    while error is not None:
        yield f"{error!r} {error.args!r} {vars(error)!r}"
        trace = error.__traceback__
        while trace is not None:
            if Path(trace.tb_frame.f_code.co_filename) != Path(__file__):
                values = trace.tb_frame.f_locals.values()
                yield from map(repr, values)
                yield from (repr(list(one)) for one in values if isinstance(one, tuple))
            trace = trace.tb_next
        error = error.__cause__ or error.__context__


def _failure(call: Callable[[], object], kind: type[VaultError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return "\n".join(_shown(caught.value))


def test_a_provider_that_fails_to_wrap() -> None:
    """Neither frames nor earlier errors of a provider that fails lead to the key."""
    drawn = os.urandom(32)
    vault = Vault(_Failing(), randomness=lambda _: drawn)
    shown = _failure(lambda: vault.new_key(ANNA, ORIGIN), KeyProviderError)
    assert repr(drawn)[2:-1] not in shown
    assert "new_key" not in shown or "<hidden>" in shown


def test_a_key_that_is_not_the_one_that_was_kept() -> None:
    """The key that was unwrapped in another's place is not shown either."""
    drawn = os.urandom(32)
    vault = Vault(CountingProvider(), randomness=lambda _: drawn)
    _, kept = vault.new_key(ANNA, ORIGIN)
    vault.forget()
    other = kept._replace(fingerprint=bytes(32))
    shown = _failure(lambda: vault.open_key(other, ORIGIN), WrappedKeyError)
    assert repr(drawn)[2:-1] not in shown
    shown = _failure(lambda: vault.open_key(kept._replace(reference=BERT), ORIGIN), WrappedKeyError)
    assert repr(drawn)[2:-1] not in shown


@pytest.mark.parametrize("spoil", [False, True])
def test_a_passphrase(tmp_path: Path, *, spoil: bool) -> None:
    """A passphrase is not shown, be it wrong, or right and the file damaged."""
    path, right = tmp_path / "keys", "a right passphrase"
    cheap = {"memory": 8192, "passes": 1, "lanes": 1}
    with PassphraseKeyProvider(path, passphrase=right, create=True, **cheap):  # type: ignore[arg-type] # numbers
        pass
    given = right if spoil else "a rihgt passphrase"
    if spoil:
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    shown = _failure(lambda: PassphraseKeyProvider(path, passphrase=given), KeyProviderError)
    assert given not in shown


def test_keys_whose_time_is_over() -> None:
    """A key whose time is over is not held any longer once the vault was asked for it."""
    now = [0.0]
    vault = Vault(CountingProvider(), clock=lambda: now[0], cached_seconds=5)
    vault.new_key(ANNA, ORIGIN)
    vault.new_key(BERT, ORIGIN)
    now[0] = 6.0
    assert vault.cached(ANNA, ORIGIN) is None
    assert not vault._cache


def test_a_child_after_a_fork() -> None:
    """A forked child begins without unwrapped keys, and with a lock that nobody holds."""
    vault = Vault(CountingProvider())
    _, kept = vault.new_key(ANNA, ORIGIN)
    with vault._lock:  # as another thread may at that moment
        child = os.fork()
        if child == 0:
            good = vault.cached(ANNA, ORIGIN) is None and bool(vault.open_key(kept, ORIGIN))
            os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert vault.cached(ANNA, ORIGIN) is not None


def test_an_outage_is_no_damage() -> None:
    """A provider out of reach and a damaged key are told apart, with a second provider too."""
    provider, other = CountingProvider(), CountingProvider("counting:2")
    vault = Vault(provider, previous=[other])
    _, kept = vault.new_key(ANNA, ORIGIN)
    vault.forget()
    provider.down = True
    _failure(lambda: vault.open_key(kept, ORIGIN), KeyProviderError)
    provider.down = False
    damaged = kept._replace(wrapped=kept.wrapped[:-1] + bytes([kept.wrapped[-1] ^ 1]))
    _failure(lambda: vault.open_key(damaged, ORIGIN), WrappedKeyError)
    assert not issubclass(WrappedKeyError, KeyProviderError)

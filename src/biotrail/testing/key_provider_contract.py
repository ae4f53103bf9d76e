"""The contract of a key provider as tests: subclass, say how one is opened, and run pytest.

::

    from biotrail.testing import KeyProviderContract

    class TestMyProvider(KeyProviderContract):
        def open_provider(self, folder):
            return MyProvider(folder / "keys")
"""

from __future__ import annotations

import base64
import io
import logging
import os
import pickle
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from biotrail.errors import BiotrailError, KeyProviderError, WrappedKeyError
from biotrail.vault import DATA_KEY_SIZE, KeyProvider

__all__ = ["KeyProviderContract"]

_CONTEXT = b"example.com/door\x00person 7"


class KeyProviderContract:
    """Every case that any key provider has to pass. Override `open_provider`."""

    time_limit = 30.0
    """Seconds within which a provider that is out of reach has to say so."""

    def open_provider(self, folder: Path) -> KeyProvider:
        """Open the provider under test; within one test, the same keys for the same folder."""
        raise NotImplementedError("override open_provider, and return a key provider")

    def out_of_reach(self, folder: Path) -> Sequence[Callable[[], object]]:
        """Calls that need what cannot be reached; none for a provider that needs nothing."""
        return ()

    @pytest.fixture
    def provider(self, tmp_path: Path) -> Iterator[KeyProvider]:
        """The provider under test; closed afterwards."""
        opened = self.open_provider(tmp_path)
        yield opened
        opened.close()

    def test_it_has_every_member(self, provider: KeyProvider) -> None:
        """It is what the protocol describes, and names its key so that it can be kept."""
        assert isinstance(provider, KeyProvider)
        assert 1 <= len(provider.key_id) <= 256
        assert provider.key_id.isprintable()
        assert provider.key_id == provider.key_id

    def test_what_was_wrapped_is_unwrapped(self, provider: KeyProvider) -> None:
        """Unwrapping gives the data key back, for contexts from none to 512 bytes."""
        for context in (b"", _CONTEXT, bytes(range(256)) * 2):
            data_key = os.urandom(DATA_KEY_SIZE)
            wrapped = provider.wrap(data_key, context)
            assert 0 < len(wrapped) <= 4096
            assert provider.unwrap(wrapped, context, provider.key_id) == data_key

    def test_a_second_opening_unwraps(self, provider: KeyProvider, tmp_path: Path) -> None:
        """What one opening wrapped, another unwraps, if its keys outlast their provider."""
        wrapped = provider.wrap(bytes(DATA_KEY_SIZE), _CONTEXT)
        other = self.open_provider(tmp_path)
        try:
            if other.key_id == provider.key_id:
                unwrapped = other.unwrap(wrapped, _CONTEXT, provider.key_id)
                assert unwrapped == bytes(DATA_KEY_SIZE)
            else:
                self.refused(lambda: other.unwrap(wrapped, _CONTEXT, provider.key_id))
        finally:
            other.close()

    def test_wrapping_twice_differs(self, provider: KeyProvider) -> None:
        """The same key wrapped twice is not seen to be the same."""
        first, second = (provider.wrap(bytes(DATA_KEY_SIZE), _CONTEXT) for _ in range(2))
        assert first != second

    def test_another_context_is_refused(self, provider: KeyProvider) -> None:
        """A wrapped key that was moved to another place does not open there."""
        wrapped = provider.wrap(os.urandom(DATA_KEY_SIZE), _CONTEXT)
        for context in (b"", _CONTEXT[:-1], _CONTEXT + b"\x00", _CONTEXT.upper()):
            self.not_as_wrapped(partial(provider.unwrap, wrapped, context, provider.key_id))

    def test_an_altered_wrapped_key_is_refused(self, provider: KeyProvider) -> None:
        """No changed, cut or longer bytes are taken for a wrapped key."""
        wrapped = provider.wrap(os.urandom(DATA_KEY_SIZE), _CONTEXT)
        altered = [
            wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
            for at in {0, 1, 2, len(wrapped) // 2, len(wrapped) - 1}
        ]
        for bad in (*altered, b"", wrapped[:1], wrapped[:-1], wrapped + b"\x00", bytes(5000)):
            self.refused(partial(provider.unwrap, bad, _CONTEXT, provider.key_id))

    def test_an_unknown_key_is_refused(self, provider: KeyProvider) -> None:
        """A key id that the provider never gave is refused, however like its own it is."""
        wrapped = provider.wrap(os.urandom(DATA_KEY_SIZE), _CONTEXT)
        own = provider.key_id
        last = "0" if own[-1] != "0" else "1"
        for key_id in ("", "unknown", own[:-1] + last, own + "0", own[:-1], own.swapcase()):
            if key_id != own:
                self.refused(partial(provider.unwrap, wrapped, _CONTEXT, key_id))

    def test_bad_input_is_refused(self, provider: KeyProvider) -> None:
        """Keys and contexts of other sizes are refused at the door."""
        for size in (0, DATA_KEY_SIZE - 1, DATA_KEY_SIZE + 1):
            self.refused(partial(provider.wrap, bytes(size), _CONTEXT))
        self.refused(lambda: provider.wrap(bytes(DATA_KEY_SIZE), bytes(513)))

    def test_keys_are_not_shown(
        self, provider: KeyProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No text form, pickle, error or log record holds the data key."""
        data_key = os.urandom(DATA_KEY_SIZE)
        with caplog.at_level(logging.DEBUG):
            wrapped = provider.wrap(data_key, _CONTEXT)
            assert provider.unwrap(wrapped, _CONTEXT, provider.key_id) == data_key
            refused = self.refused(lambda: provider.unwrap(wrapped, b"other", provider.key_id))
        told = "".join(traceback.format_exception(refused)) + repr(provider) + str(provider)
        told += "".join(record.getMessage() + str(record.args) for record in caplog.records)
        for form in self.forms(data_key):
            assert form not in told
            assert form.encode() not in wrapped
        assert data_key not in wrapped

    def test_it_is_not_pickled(self, provider: KeyProvider) -> None:
        """A pickle would carry keys, credentials or connections along, so there is none."""
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises((BiotrailError, TypeError)):
                pickle.Pickler(io.BytesIO(), protocol).dump(provider)

    def test_threads_share_it(self, provider: KeyProvider) -> None:
        """Many threads wrap and unwrap at once, each its own keys."""

        def round_trip(number: int) -> bool:
            data_key, context = os.urandom(DATA_KEY_SIZE), b"person %d" % number
            wrapped = provider.wrap(data_key, context)
            return provider.unwrap(wrapped, context, provider.key_id) == data_key

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(round_trip, range(64)))

    def test_closing_twice_is_closing(self, provider: KeyProvider) -> None:
        """After closing, once or twice, it does nothing more, and still shows no key."""
        wrapped, key_id = provider.wrap(bytes(DATA_KEY_SIZE), _CONTEXT), provider.key_id
        provider.close()
        provider.close()
        self.refused(lambda: provider.wrap(bytes(DATA_KEY_SIZE), _CONTEXT))
        self.refused(lambda: provider.unwrap(wrapped, _CONTEXT, key_id))
        assert repr(provider)

    def test_out_of_reach_is_told_in_time(self, tmp_path: Path) -> None:
        """What cannot be reached is told by a named error, within a bounded time."""
        for call in self.out_of_reach(tmp_path):
            begun = time.monotonic()
            with pytest.raises(KeyProviderError):
                call()
            assert time.monotonic() - begun < self.time_limit

    def refused(self, call: Callable[[], object]) -> BiotrailError:
        """The error with which a call is refused."""
        with pytest.raises((KeyProviderError, WrappedKeyError)) as caught:
            call()
        assert str(caught.value)
        return caught.value

    def not_as_wrapped(self, call: Callable[[], object]) -> BiotrailError:
        """The error that says that a wrapped key, or its context, is not what was wrapped."""
        with pytest.raises(WrappedKeyError) as caught:
            call()
        assert str(caught.value)
        return caught.value

    def forms(self, data_key: bytes) -> list[str]:
        """The forms in which a key may stand in a text."""
        return [
            data_key.hex(),
            base64.b64encode(data_key).decode().rstrip("="),
            base64.urlsafe_b64encode(data_key).decode().rstrip("="),
            repr(data_key)[2:-1],
        ]

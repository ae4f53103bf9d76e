"""Keys in a real keyring (GNOME Keyring over D-Bus): rotation, races, and what is refused."""

from __future__ import annotations

import base64
import gc
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import KeyProviderError
from biotrail.vault import KeyringKeyProvider
from tests._components import reason_for_absence
from tests._key_servers import secret_service

pytestmark = pytest.mark.component("secret_service")

if reason_for_absence("secret_service") is None:
    import keyring
    import secretstorage


@pytest.fixture
def name(unlocked_keyring: None) -> str:
    """A name under which the keyring holds nothing yet."""
    return os.urandom(8).hex()


def made(name: str, **options: Any) -> KeyringKeyProvider:
    """A provider whose keys are made where there are none."""
    return KeyringKeyProvider(name, create=True, **options)


def test_keys_outlast_the_provider(name: str) -> None:
    """What was wrapped opens in a later opening, over rotations."""
    with made(name) as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"c")
        second = provider.rotate()
        assert second != first
    with KeyringKeyProvider(name) as provider:
        assert provider.key_ids == (first, second)
        assert provider.key_id == second
        assert provider.unwrap(wrapped, b"c", first) == bytes(32)


def test_keys_are_not_made_unless_asked_for(name: str) -> None:
    """Where the keyring holds none, it stays so."""
    for _ in range(2):
        with pytest.raises(KeyProviderError, match="holds no keys"):
            KeyringKeyProvider(name)


def test_a_key_of_another_process_is_found(name: str) -> None:
    """What another opening rotated to unwraps here, and wraps after a refresh."""
    with made(name) as one, made(name) as other:
        key_id = other.rotate()
        wrapped = other.wrap(bytes(32), b"c")
        before = one.key_id
        assert one.unwrap(wrapped, b"c", key_id) == bytes(32)
        one.refresh()
        assert one.key_id == key_id != before


def test_a_key_that_the_list_lost_is_found(name: str) -> None:
    """Two rotations at once may lose a key from the list, but not the key."""
    with made(name) as one:
        listed = keyring.get_password("biotrail", name)
        assert listed is not None
        lost = one.rotate()
        wrapped = one.wrap(bytes(32), b"c")
    keyring.set_password("biotrail", name, listed)  # as the slower of two would write it
    with made(name) as other:
        assert lost not in other.key_ids
        current = other.key_id
        assert other.unwrap(wrapped, b"c", lost) == bytes(32)
        assert other.key_id == current


def test_a_destroyed_key_leaves_the_keyring(name: str) -> None:
    """After its destruction the keyring holds neither the key nor its name in the list."""
    with made(name) as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"c")
        with pytest.raises(KeyProviderError, match="rotate first"):
            provider.destroy_key(first)
        provider.rotate()
        provider.destroy_key(first)
        with pytest.raises(KeyProviderError, match="not held here"):
            provider.unwrap(wrapped, b"c", first)
        with pytest.raises(KeyProviderError, match="not held here"):
            provider.destroy_key(first)
    digits = first.partition(":")[2]
    assert keyring.get_password("biotrail", f"{name}/{digits}") is None
    assert digits not in str(keyring.get_password("biotrail", name))


@pytest.mark.parametrize(
    "text", ["", "biotrail-keys/1", "biotrail-keys/2 00", "biotrail-keys/1 0g"]
)
def test_a_damaged_list_is_refused(name: str, text: str) -> None:
    """A list that is none is an error, and no new keys are made over it."""
    made(name).close()
    keyring.set_password("biotrail", name, text)
    with pytest.raises(KeyProviderError, match="not a list of keys"):
        made(name)
    assert keyring.get_password("biotrail", name) == text


@pytest.mark.parametrize("key", ["", "biotrail-keys/1 AAAA", "biotrail-keys/1 *", "x" * 60])
def test_a_damaged_key_is_refused(name: str, key: str) -> None:
    """A key that is none is an error that names it, and does not show it."""
    with made(name) as provider:
        key_id = provider.key_id
    keyring.set_password("biotrail", f"{name}/{key_id.partition(':')[2]}", key)
    with pytest.raises(KeyProviderError, match=f"does not hold the key {key_id}") as caught:
        made(name)
    assert not key or key not in str(caught.value)


def test_errors_do_not_show_keys(name: str) -> None:
    """A backend that puts what it was given into its error does not get it out."""

    class Telltale(type(keyring.get_keyring())):  # type: ignore[misc]
        def set_password(self, service: str, username: str, password: str) -> None:
            raise RuntimeError(password)

    key = bytes(range(32))
    draws = iter([bytes(16), key])
    with pytest.raises(KeyProviderError, match="refused to write an entry: RuntimeError") as caught:
        made(name, backend=Telltale(), randomness=lambda size: next(draws))
    assert base64.b64encode(key).decode() not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_keyring_that_forgets_is_noticed(name: str) -> None:
    """A key that the keyring does not give back is not used."""

    class Forgetful(type(keyring.get_keyring())):  # type: ignore[misc]
        def set_password(self, service: str, username: str, password: str) -> None:
            """Keep nothing."""

    with pytest.raises(KeyProviderError, match="does not hold the key"):
        made(name, backend=Forgetful())


def test_a_keyring_in_the_clear_is_refused() -> None:
    """Backends that keep nothing, or nothing safely, are refused by name."""
    from keyring.backends import chainer, fail, null

    class PlaintextKeyring(null.Keyring):
        """Stands for that of keyrings.alt, which is not installed here."""

    PlaintextKeyring.__module__ = "keyrings.alt.file"
    unsafe: list[Any] = [fail.Keyring, null.Keyring, PlaintextKeyring]
    for backend in [one() for one in unsafe]:
        chained: Any = type("Chain", (chainer.ChainerBackend,), {"backends": [backend]})
        for one in (backend, chained()):
            with pytest.raises(KeyProviderError, match="no usable keyring"):
                made("name", backend=one)


@pytest.mark.parametrize("bad", ["", "line\nbreak"])
def test_unfit_names_are_refused(bad: str) -> None:
    """A name is printable and not empty."""
    with pytest.raises(KeyProviderError, match="printable"):
        KeyringKeyProvider(bad)


@pytest.fixture
def locked_keyring() -> Iterator[Any]:
    """A keyring of its own that is locked; nobody is there to answer its dialog."""
    with tempfile.TemporaryDirectory(prefix="keyring") as folder, secret_service(Path(folder)):
        keyring.set_password("biotrail", "probe", "made, so that there is something to lock")
        connection = secretstorage.dbus_init()
        try:
            secretstorage.get_default_collection(connection).lock()
        finally:
            connection.close()
        yield


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_locked_keyring_is_told_in_time(locked_keyring: None) -> None:
    """A locked keyring does not hold up the program for longer than its time."""
    begun = time.monotonic()
    with pytest.raises(KeyProviderError, match="keyring"):
        KeyringKeyProvider("any", timeout=1.0)
    assert time.monotonic() - begun < 10
    gc.collect()  # the package keyring leaves its connection open where the keyring is locked

"""Files of vault keys: for their owner only, rotated and re-encrypted without losing a key."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biotrail import _secret_files
from biotrail.errors import KeyProviderError, MissingDependencyError
from biotrail.vault import PassphraseKeyProvider

CHEAP: Any = {"memory": 8192, "passes": 1, "lanes": 1}
SECRET = "correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a file of vault keys that does not exist yet."""
    return tmp_path / "vault.keys"


def made(path: Path) -> PassphraseKeyProvider:
    """A provider whose file is made where there is none."""
    return PassphraseKeyProvider(path, passphrase=SECRET, create=True, **CHEAP)


def opened(path: Path, secret: str = SECRET) -> PassphraseKeyProvider:
    """A provider whose file is there."""
    return PassphraseKeyProvider(path, passphrase=secret)


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    """The file and its lock have mode 0600, and the file holds no key in the clear."""
    made(path).close()
    assert {one.name for one in path.parent.iterdir()} == {"vault.keys", "vault.keys.lock"}
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_a_file_is_not_made_unless_asked_for(path: Path) -> None:
    """A missing file is an error, and stays missing."""
    with pytest.raises(KeyProviderError, match="does not exist"):
        opened(path)
    assert not path.exists()


def test_a_file_is_not_made_anew(path: Path) -> None:
    """A file that is there is opened, by its own numbers, whatever is asked for a new one."""
    made(path).close()
    before = path.read_bytes()
    PassphraseKeyProvider(path, passphrase=SECRET, create=True).close()
    assert path.read_bytes() == before


def test_unsafe_files_are_refused(path: Path) -> None:
    """A file that others can use, a link and a folder are refused."""
    made(path).close()
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(KeyProviderError, match="symbolic link"):
        opened(link)
    path.chmod(0o640)
    with pytest.raises(KeyProviderError, match="chmod 600"):
        opened(path)
    with pytest.raises(KeyProviderError, match="directory"):
        opened(path.parent)


def test_wrong_passphrases_are_refused(path: Path) -> None:
    """Neither another passphrase, nor an empty or impossible one, opens the file."""
    made(path).close()
    with pytest.raises(KeyProviderError, match="wrong passphrase"):
        opened(path, "correct Horse")
    with pytest.raises(KeyProviderError, match="empty"):
        opened(path, "")
    with pytest.raises(KeyProviderError, match="Unicode"):
        opened(path, "\ud800")


def test_every_flipped_byte_is_noticed(path: Path) -> None:
    """No byte of the file can be changed without a refusal."""
    made(path).close()
    good = path.read_bytes()
    for at in range(22, len(good), 5):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x80]) + good[at + 1 :])
        with pytest.raises(KeyProviderError):
            opened(path)


@pytest.mark.parametrize(
    "costs",
    [
        {"memory": 8191},
        {"memory": 2**21},
        {"passes": 0},
        {"passes": 17},
        {"lanes": 0},
        {"lanes": 17},
    ],
)
def test_costs_out_of_bounds_are_refused(path: Path, costs: dict[str, int]) -> None:
    """A file is not made cheaper to guess, or dearer to open, than is allowed."""
    with pytest.raises(KeyProviderError, match="allowed"):
        PassphraseKeyProvider(path, passphrase=SECRET, create=True, **CHEAP | costs)
    assert not path.exists()


def test_a_crafted_file_takes_no_memory(path: Path) -> None:
    """A file that asks for 4 TiB is refused before anything is derived."""
    made(path).close()
    good = path.read_bytes()
    path.write_bytes(good[:22] + b"\xff\xff\xff\xff" + good[26:])
    with pytest.raises(KeyProviderError, match=r"memory \(KiB\) of Argon2id is 4294967295"):
        opened(path)


def test_rotation_outlasts_the_provider(path: Path) -> None:
    """All generations are in the file, the newest wraps, and earlier ones unwrap."""
    with made(path) as provider:
        wrapped = [(provider.wrap(bytes([n]) * 32, b"c"), provider.key_id) for n in range(1)]
        for n in range(1, 4):
            assert provider.rotate() == provider.key_id
            wrapped.append((provider.wrap(bytes([n]) * 32, b"c"), provider.key_id))
        ids = provider.key_ids
    with opened(path) as provider:
        assert provider.key_ids == ids
        assert len(ids) == 4
        for n, (one, key_id) in enumerate(wrapped):
            assert provider.unwrap(one, b"c", key_id) == bytes([n]) * 32


def test_keys_of_another_process_are_found(path: Path) -> None:
    """A key that was made through another opening unwraps when needed, and wraps on refresh."""
    with made(path) as first, opened(path) as second:
        before = second.key_id
        key_id = first.rotate()
        wrapped = first.wrap(bytes(32), b"c")
        assert second.unwrap(wrapped, b"c", key_id) == bytes(32)
        assert second.key_id == before
        assert second.key_ids == (before, key_id)
        second.refresh()
        assert second.key_id == key_id


def test_a_current_key_that_was_destroyed_is_left(path: Path) -> None:
    """An opening that finds its current key destroyed wraps with the newest one."""
    with made(path) as first, opened(path) as second:
        before, key_id = second.key_id, first.rotate()
        wrapped = first.wrap(bytes(32), b"c")
        first.destroy_key(before)
        assert second.unwrap(wrapped, b"c", key_id) == bytes(32)
        assert second.key_id == key_id


def test_a_changed_passphrase_keeps_the_keys(path: Path) -> None:
    """The new passphrase opens the same keys, and the old one nothing."""
    with made(path) as provider, opened(path) as other:
        provider.rotate()
        provider.change_passphrase("battery staple", **CHEAP)
        ids = provider.key_ids
        key_id = provider.rotate()
        wrapped = provider.wrap(bytes(32), b"c")
        with pytest.raises(KeyProviderError, match="has been changed"):
            other.unwrap(wrapped, b"c", key_id)
    with pytest.raises(KeyProviderError, match="wrong passphrase"):
        opened(path)
    with opened(path, "battery staple") as provider:
        assert provider.key_ids == (*ids, key_id)
        assert provider.unwrap(wrapped, b"c", key_id) == bytes(32)


def test_a_destroyed_key_leaves_the_file(path: Path) -> None:
    """After its destruction no opening of the file has the key."""
    with made(path) as provider:
        first, wrapped = provider.key_id, provider.wrap(bytes(32), b"c")
        with pytest.raises(KeyProviderError, match="rotate first"):
            provider.destroy_key(first)
        second = provider.rotate()
        provider.destroy_key(first)
        assert provider.key_ids == (second,)
        with pytest.raises(KeyProviderError, match="not held here"):
            provider.destroy_key(first)
    with opened(path) as provider, pytest.raises(KeyProviderError, match="not held here"):
        provider.unwrap(wrapped, b"c", first)


def _steps(patch: pytest.MonkeyPatch, fail_at: int) -> Callable[[], int]:
    """Make one of the system's calls of a change fail; returns how many were made."""
    made_calls = 0

    def counting(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            nonlocal made_calls
            made_calls += 1
            if made_calls == fail_at:
                raise OSError(5, "Input/output error")
            return call(*arguments, **options)

        return called

    for name in ("open", "fsync"):
        patch.setattr(os, name, counting(getattr(os, name)))
    patch.setattr(Path, "replace", counting(Path.replace))
    return lambda: made_calls


def test_a_failing_disk_loses_no_key(path: Path) -> None:
    """Whichever call fails, the change is refused and the file holds all keys from before."""
    with made(path) as provider:
        wrapped, key_id = provider.wrap(bytes(32), b"c"), provider.key_id
    for fail_at in range(1, 30):
        refused = False
        with opened(path) as provider, pytest.MonkeyPatch.context() as patch:
            calls = _steps(patch, fail_at)
            try:
                provider.rotate()
            except KeyProviderError:
                refused = True
        assert refused == (calls() >= fail_at)
        with opened(path) as provider:
            assert provider.unwrap(wrapped, b"c", key_id) == bytes(32)
        if not refused:
            break
    assert fail_at == 8  # after lock, read, new file, its sync, rename, the folder and its sync


def test_what_a_killed_writer_left_is_swept(path: Path) -> None:
    """The next change removes files that a writer left behind when it was killed, and no others."""
    with made(path) as provider:
        left_behind = path.with_name(f".{path.name}.{'0a' * 8}.tmp")
        others = [path.with_name(".other.0a0a0a0a0a0a0a0a.tmp"), path.with_name("notes")]
        for one in (left_behind, *others):
            one.touch()
        provider.rotate()
    assert not left_behind.exists()
    assert all(one.exists() for one in others)


def test_a_held_lock_is_told_in_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process changes the file, a change waits, and then says so."""
    monkeypatch.setattr(_secret_files, "_PATIENCE", 0.1)
    with made(path) as provider, open(path.with_name("vault.keys.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(KeyProviderError, match="another process has held"):
            provider.rotate()


_ROTATE = """
import sys
from biotrail.vault import PassphraseKeyProvider
provider = PassphraseKeyProvider(sys.argv[1], passphrase="correct horse")
for _ in range(10):
    print(provider.rotate(), flush=True)
"""


def test_processes_that_rotate_at_once_lose_no_key(path: Path) -> None:
    """Every key that any of the processes made is in the file."""
    made(path).close()
    command = [sys.executable, "-c", _ROTATE, str(path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [one for process in running for one in process.communicate(timeout=120)[0].split()]
    with opened(path) as provider:
        assert len(told) == 30
        assert set(told) < set(provider.key_ids)
        assert len(provider.key_ids) == 31


def test_too_many_keys_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is full says so, and stays as it was."""
    monkeypatch.setattr("biotrail.vault.providers._passphrase_file.MAX_GENERATIONS", 2)
    with made(path) as provider:
        provider.rotate()
        before = path.read_bytes()
        with pytest.raises(KeyProviderError, match="1 to 2 keys"):
            provider.rotate()
    assert path.read_bytes() == before


def test_failing_randomness_leaves_the_file(path: Path) -> None:
    """Without random bytes nothing is rotated or re-encrypted, and no file is made."""
    with pytest.raises(KeyProviderError, match="random bytes"):
        PassphraseKeyProvider(
            path, passphrase=SECRET, create=True, randomness=lambda size: b"", **CHEAP
        )
    assert not path.exists()
    made(path).close()
    before = path.read_bytes()
    with PassphraseKeyProvider(path, passphrase=SECRET, randomness=lambda size: b"") as provider:
        for call in (provider.rotate, lambda: provider.change_passphrase("new", **CHEAP)):
            with pytest.raises(KeyProviderError, match="random bytes"):
                call()
    assert path.read_bytes() == before


def test_an_openssl_without_argon2_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the OpenSSL below has no Argon2id, the error says what to install."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf import argon2

    def unsupported(**_: object) -> None:
        raise UnsupportedAlgorithm("argon2id is not supported")

    monkeypatch.setattr(argon2, "Argon2id", unsupported)
    with pytest.raises(MissingDependencyError, match=r"OpenSSL 3\.2"):
        made(path)


def test_a_closed_provider_changes_nothing(path: Path) -> None:
    """After closing, no change of the file is made."""
    provider = made(path)
    provider.close()
    before = path.read_bytes()
    for call in (provider.rotate, provider.refresh, lambda: provider.change_passphrase("new")):
        with pytest.raises(KeyProviderError, match="closed"):
            call()
    assert path.read_bytes() == before

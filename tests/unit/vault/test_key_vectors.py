"""The vectors of wrapped keys and files of vault keys: as written, and as the code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from biotrail._hidden import Hidden
from biotrail.errors import KeyProviderError
from biotrail.vault import PassphraseKeyProvider
from biotrail.vault.providers import _local, _passphrase_file
from tests.vectors import make_vault_key_vectors as maker

VECTORS: Any = json.loads(maker.PATH.read_text(encoding="utf-8"))


def test_the_file_is_what_the_script_writes() -> None:
    """The script rebuilds this very file from the primitives alone."""
    assert maker.PATH.read_text(encoding="utf-8") == maker.text()


@pytest.mark.parametrize("case", VECTORS["wrapped"], ids=lambda case: case["key_id"][:2])
def test_wrapped_keys(case: Any) -> None:
    """The code wraps as the vectors say, given the nonce."""
    generation_id, key, nonce, data_key, context, wrapped = (
        bytes.fromhex(case[name])
        for name in ("key_id", "key", "nonce", "data_key", "context", "wrapped")
    )
    made = _local.wrap_with(AESGCM(key), generation_id, nonce, data_key, context)
    assert b"\x01" + made == wrapped


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "vault.keys"
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("case", VECTORS["files"], ids=lambda case: case["passphrase"])
def test_files(case: Any, tmp_path: Path) -> None:
    """The provider opens the file, and the code writes the same bytes again."""
    data = bytes.fromhex(case["hex"])
    path = _written(tmp_path, data)
    with PassphraseKeyProvider(path, passphrase=case["passphrase"]) as provider:
        assert provider.key_ids == tuple(f"passphrase:{one['id']}" for one in case["keys"])
        assert provider.key_id == provider.key_ids[-1]
    unlocked = _passphrase_file.derivation_of(data).unlock(Hidden(case["passphrase"].encode()))
    held = _passphrase_file.decode(data, unlocked)
    assert [one.key.hex() for one in held] == [one["key"] for one in case["keys"]]
    assert _passphrase_file.encode(held, unlocked, data[76:88]) == data
    costs = (unlocked.derivation.memory, unlocked.derivation.passes, unlocked.derivation.lanes)
    assert costs == (case["memory"], case["passes"], case["lanes"])


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["why"])
def test_refused_files(case: Any, tmp_path: Path) -> None:
    """What is no file of vault keys, or asks for too much, is refused."""
    path = _written(tmp_path, bytes.fromhex(case["hex"]))
    with pytest.raises(KeyProviderError, match=r"vault\.keys"):
        PassphraseKeyProvider(path, passphrase="correct horse")

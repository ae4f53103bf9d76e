"""The parts of the pages on keys that need a token, a keyring or a server run with real ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests._components import ROOT
from tests._key_servers import (
    REGION,
    ROOT_TOKEN,
    ask,
    kms,
    moto_server,
    openbao_server,
    secret_service,
    softhsm,
    softhsm_settings,
)
from tests.docs._snippets import Block, blocks, run_block

PAGES = [ROOT / "docs" / "how-to" / name for name in ("vault-keys.md", "keys.md")]
HERE = "tests/docs/test_vault_keys.py runs it with"


def shown(what: str) -> list[Block]:
    """The blocks that the pages leave to this file, for one kind of component."""
    found = [
        block._replace(not_run=None)
        for page in PAGES
        for block in blocks(page)
        if block.not_run is not None and block.not_run.strip().endswith(f"{HERE} {what}")
    ]
    assert found
    return found


def run(found: list[Block], folder: Path, changes: dict[str, str] | None = None) -> None:
    """Run blocks in order, with addresses in place of the examples'."""
    for block in found:
        code = block.code
        for example, real in (changes or {}).items():
            code = code.replace(example, real)
        run_block(block._replace(code=code), folder)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, as the path of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="keyring") as folder:
        yield Path(folder)


def test_no_block_is_forgotten() -> None:
    """Every block that the pages leave to this file is run by one of its tests."""
    left = [block for page in PAGES for block in blocks(page) if HERE in (block.not_run or "")]
    kinds = ("GNOME Keyring", "SoftHSM", "moto's server", "OpenBao")
    assert len(left) == sum(len(shown(kind)) for kind in kinds)


@pytest.mark.component("secret_service")
def test_keyring(short: Path, tmp_path: Path) -> None:
    """The part on the keyring runs with GNOME Keyring."""
    with secret_service(short):
        run(shown("GNOME Keyring"), tmp_path)


@pytest.mark.component("softhsm")
def test_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts on tokens run with SoftHSM."""
    library = softhsm()
    monkeypatch.setenv("SOFTHSM2_CONF", str(softhsm_settings(tmp_path)))
    run(shown("SoftHSM"), tmp_path, {"/usr/lib/softhsm/libsofthsm2.so": str(library)})


@pytest.mark.component("moto")
def test_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts on AWS KMS run with moto's server."""
    with moto_server(tmp_path) as server, closing(kms(server)) as client:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.address)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(server.ca_file))
        key = client.create_key()["KeyMetadata"]["Arn"]
        client.create_alias(AliasName="alias/biotrail", TargetKeyId=key)
        pair = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        example = f"arn:aws:kms:{REGION}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        run(shown("moto's server"), tmp_path, {example: pair["KeyMetadata"]["Arn"]})


@pytest.mark.component("openbao")
def test_transit(tmp_path: Path) -> None:
    """The part on Transit runs with OpenBao."""
    with openbao_server(tmp_path) as server:
        how = {"type": "aes256-gcm96"}
        ask(server, "/v1/transit/keys/biotrail", method="POST", body=how)
        (tmp_path / "bao-token").write_text(ROOT_TOKEN)
        shutil.copy(server.ca_file, tmp_path / "bao-ca.pem")
        run(shown("OpenBao"), tmp_path, {"https://bao.example.com:8200": server.address})

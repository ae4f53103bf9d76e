"""A sealed log moves from its key file to each other holder of keys, by the command line alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

import biotrail
from tests._key_servers import (
    PIN,
    REGION,
    ROOT_TOKEN,
    Server,
    ask,
    kms,
    softhsm,
)
from tests.integration.cli_runner import ORIGIN, PASSPHRASE, run

pytestmark = pytest.mark.component("cli")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with two people's records, sealed under the key file beside it."""
    path = tmp_path / "trail.db"
    with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as opened:
        for name in ("anna", "bert"):
            opened.record(biotrail.Event(action="door.open", decision="granted", subject=name))
        (tmp_path / "log.vkey").write_text(str(opened.verifier_key))
    return path


@pytest.fixture
def patched() -> Iterator[pytest.MonkeyPatch]:
    """An environment that is put back."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def moves(log: Path, uri: str) -> None:
    """Wrap the log's data keys anew elsewhere; the key file is then of no use, and not needed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOTRAIL_VAULT_PIN", PIN)
        before = run("vault", "status", log, "--json").json()["wrapped"]
        done = run("vault", "rewrap", log, "--vault", uri, "--previous", f"{log}.vault", "--json")
        assert done.code == 0, done.err
        assert done.json()["rewrapped"] == 3  # two people's, and the key of the tags
        (after,) = run("vault", "status", log, "--json").json()["wrapped"]
        assert after == done.json()["key_id"]
        assert after not in before
        with_file = run("show", log, "--json", "--vault", f"{log}.vault")
        assert "anna" not in with_file.out
        Path(f"{log}.vault").unlink()
        shown = run("show", log, "--json", "--vault", uri)
        assert shown.code == 0, shown.err
        assert "anna" in shown.out
        assert "bert" in shown.out
        assert "anna" not in run("show", log, "--json").out
    assert run("verify", log, "--key", log.with_name("log.vkey")).code == 0


@pytest.mark.component("secret_service")
def test_to_the_keyring(log: Path, unlocked_keyring: None) -> None:
    """To GNOME Keyring, where it can be rotated by the command, too."""
    from biotrail.vault import KeyringKeyProvider

    name = os.urandom(8).hex()
    KeyringKeyProvider(name, create=True).close()
    moves(log, f"keyring:{name}")
    assert run("vault", "rotate", log, "--vault", f"keyring:{name}").code == 0
    again = run("vault", "rewrap", log, "--vault", f"keyring:{name}", "--json")
    assert again.json()["rewrapped"] == 3


@pytest.mark.component("softhsm")
def test_to_a_token(log: Path) -> None:
    """To SoftHSM, named by a PKCS#11 URI."""
    from biotrail.vault import Pkcs11KeyProvider

    label = f"kek {os.urandom(4).hex()}"
    Pkcs11KeyProvider(softhsm(), token="biotrail", pin=PIN, key=label, create=True).close()
    moves(log, f"pkcs11:token=biotrail;object={quote(label)}?module-path={softhsm()}")


@pytest.mark.component("moto")
def test_to_aws_kms(log: Path, moto: Server, patched: pytest.MonkeyPatch) -> None:
    """To AWS KMS, by an alias; AWS's own environment says where that is."""
    with closing(kms(moto)) as administrator:
        key = administrator.create_key()["KeyMetadata"]["Arn"]
        alias = f"alias/{os.urandom(6).hex()}"
        administrator.create_alias(AliasName=alias, TargetKeyId=key)
    patched.setenv("AWS_ENDPOINT_URL_KMS", moto.address)
    patched.setenv("AWS_CA_BUNDLE", str(moto.ca_file))
    patched.setenv("AWS_DEFAULT_REGION", REGION)
    moves(log, f"aws-kms:{alias}")


@pytest.mark.component("openbao")
@pytest.mark.parametrize("variables", ["BAO", "VAULT"])
def test_to_transit(
    log: Path, openbao: Server, patched: pytest.MonkeyPatch, variables: str
) -> None:
    """To OpenBao's Transit engine; the variables of its own tools say where that is."""
    key = os.urandom(8).hex()
    ask(openbao, f"/v1/transit/keys/{key}", method="POST", body={"type": "aes256-gcm96"})
    patched.setenv(f"{variables}_ADDR", openbao.address)
    patched.setenv(f"{variables}_TOKEN", ROOT_TOKEN)
    patched.setenv("SSL_CERT_FILE", str(openbao.ca_file))
    moves(log, f"transit:{key}")

"""The encrypted PEM form of a private key: other programs read it."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from biotrail.signing._pkcs8 import PEM_HEADER, encrypted_pem

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_cryptography_reads_it() -> None:
    """The key comes back under the passphrase, and under no other."""
    pem = encrypted_pem(KEY, b"correct horse")
    read = load_pem_private_key(pem, b"correct horse")
    assert isinstance(read, Ed25519PrivateKey)
    assert read.private_bytes_raw() == KEY.private_bytes_raw()
    with pytest.raises(ValueError, match=r"(?i)password|decrypt"):
        load_pem_private_key(pem, b"battery staple")


def test_salt_and_start_are_new_each_time() -> None:
    """The same key under the same passphrase is never the same file."""
    assert encrypted_pem(KEY, b"x") != encrypted_pem(KEY, b"x")


def test_a_guess_is_costly() -> None:
    """Each try of a passphrase takes 600,000 rounds: the file says so, as a DER integer."""
    pem = encrypted_pem(KEY, b"x")
    assert pem.startswith(PEM_HEADER)
    der = b64decode(b"".join(pem.splitlines()[1:-1]))
    assert b"\x02\x03" + (600_000).to_bytes(3) in der


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_reads_it(tmp_path: Path) -> None:
    """OpenSSL sees the same public key, the rounds and the algorithms."""
    file = tmp_path / "key.pem"
    file.write_bytes(encrypted_pem(KEY, b"correct horse"))
    command = ["openssl", "pkey", "-in", str(file), "-passin", "pass:correct horse", "-text_pub"]
    shown = subprocess.run([*command, "-noout"], capture_output=True, text=True, check=True).stdout
    public = shown.replace(" ", "").replace("\n", "").replace(":", "")
    assert KEY.public_key().public_bytes_raw().hex() in public
    parsed = subprocess.run(
        ["openssl", "asn1parse", "-in", str(file)], capture_output=True, text=True, check=True
    ).stdout
    for word in ("PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", ":0927C0"):
        assert word in parsed

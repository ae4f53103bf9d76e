"""Private keys as encrypted PKCS#8 PEM (RFC 5958, RFC 8018 PBES2), with a costly passphrase.

`cryptography` 50 writes PKCS#8 with 2,048 rounds of PBKDF2 and has no setting for more: a graphics
card tries millions of passphrases a second against that. So the envelope is put together here, with
600,000 rounds. Reading is left to `cryptography`, which takes any number of rounds.
"""

from __future__ import annotations

import os
from base64 import encodebytes
from hashlib import pbkdf2_hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = ["PEM_HEADER", "encrypted_pem"]

PEM_HEADER = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
"""First line of an encrypted PKCS#8 PEM file."""

_ROUNDS = 600_000
_PEM_FOOTER = b"-----END ENCRYPTED PRIVATE KEY-----\n"
_INTEGER, _OCTET_STRING, _SEQUENCE = 0x02, 0x04, 0x30
_NULL = bytes.fromhex("0500")
_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def encrypted_pem(private_key: PrivateKeyTypes, passphrase: bytes) -> bytes:
    """Return a private key as encrypted PKCS#8 PEM.

    PBES2: PBKDF2 with HMAC-SHA-256, 600,000 rounds, 16 random bytes of salt; AES-256 in CBC mode.

    Args:
        private_key: The key; its plain form has fewer than 200 bytes.
        passphrase: What it is encrypted under; not empty.
    """
    salt, start = os.urandom(16), os.urandom(16)
    secret = pbkdf2_hmac("sha256", passphrase, salt, _ROUNDS, dklen=32)
    rounds = _der(_INTEGER, _ROUNDS.to_bytes(_ROUNDS.bit_length() // 8 + 1))
    hashing = _der(_SEQUENCE, _HMAC_SHA256, _NULL)
    derivation = _der(_SEQUENCE, _der(_OCTET_STRING, salt), rounds, hashing)
    cipher = _der(_SEQUENCE, _AES_256_CBC, _der(_OCTET_STRING, start))
    scheme = _der(_SEQUENCE, _der(_SEQUENCE, _PBKDF2, derivation), cipher)
    encrypted = _der(_OCTET_STRING, _encrypt(_plain(private_key), secret, start))
    whole = _der(_SEQUENCE, _der(_SEQUENCE, _PBES2, scheme), encrypted)
    one_line = encodebytes(whole).replace(b"\n", b"")
    lines = [one_line[begin : begin + 64] + b"\n" for begin in range(0, len(one_line), 64)]
    return PEM_HEADER + b"".join(lines) + _PEM_FOOTER


def _plain(private_key: PrivateKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _encrypt(plain: bytes, secret: bytes, start: bytes) -> bytes:
    """Return the text under AES-256-CBC, filled up to whole blocks as in RFC 5652 section 6.3."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    missing = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
    return encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()


def _der(tag: int, *parts: bytes) -> bytes:
    """Return a DER value of fewer than 256 bytes."""
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content

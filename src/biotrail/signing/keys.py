"""Verifier keys: the public half of a signing key, with the name of its log (C2SP signed note v1).

The text of a verifier key is ``name+hex(key id)+base64(algorithm byte || public key)``. The key id
is the start of a hash over the key, so that a text whose parts do not belong together is refused.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from biotrail.errors import MalformedError, SignatureError
from biotrail.signing import _sodium
from biotrail.tlog._text import check_name, read_base64, write_base64

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["ECDSA_P256", "ED25519", "VerifierKey"]

ED25519 = 0x01
"""Algorithm byte of Ed25519 (RFC 8032)."""

ECDSA_P256 = 0x02
"""Algorithm byte of ECDSA over P-256 with SHA-256; the public key is an SPKI in DER."""

_KEY_ID_BYTES = 4
_MAX_PUBLIC_BYTES = 2048


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a signing key.

    Attributes:
        name: Name of the key; for the keys of a log, the log's origin.
        key_id: The first four bytes of a hash over name and key.
        algorithm: Algorithm byte: `ED25519` or `ECDSA_P256`.
        public: The public key: 32 bytes for Ed25519, SPKI in DER for ECDSA.
    """

    name: str
    key_id: bytes
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a key that cannot be used, or a key id that does not belong to it."""
        check_name(self.name, "name of the verifier key")
        if len(self.public) > _MAX_PUBLIC_BYTES:
            raise MalformedError(f"public key is longer than {_MAX_PUBLIC_BYTES} bytes")
        _load(self.algorithm, self.public)
        expected = _key_id(self.name, self.algorithm, self.public)
        if self.key_id != expected:
            raise MalformedError(
                f"key id {self.key_id.hex()} does not belong to this name and key",
                expected=expected,
                found=self.key_id,
            )

    @classmethod
    def from_public(cls, name: str, public: bytes, *, algorithm: int = ED25519) -> VerifierKey:
        """Return the verifier key of a name and a public key.

        Args:
            name: Name of the key; for the keys of a log, the log's origin.
            public: The public key: 32 bytes for Ed25519, SPKI in DER for ECDSA.
            algorithm: `ED25519` or `ECDSA_P256`.

        Raises:
            MalformedError: The name or the key cannot be used.
        """
        check_name(name, "name of the verifier key")
        return cls(name, _key_id(name, algorithm, public), algorithm, public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a verifier key; accepts only what ``str()`` would emit.

        Raises:
            MalformedError: The text is anything else, or its algorithm is not known here.
        """
        name, plus, rest = text.partition("+")
        key_id, second_plus, key = rest.partition("+")
        lower_hex = len(key_id) == 2 * _KEY_ID_BYTES and set(key_id) <= _LOWER_HEX
        if not (plus and second_plus and lower_hex):
            raise MalformedError("a verifier key is name+key id in 8 hex digits+base64 of the key")
        data = read_base64(key, "key in the verifier key")
        return cls(name, bytes.fromhex(key_id), data[0], data[1:])

    def __str__(self) -> str:
        """Return the text, ``name+hex(key id)+base64(algorithm byte || public key)``."""
        key = write_base64(bytes([self.algorithm]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def digest(self) -> bytes:
        """Return SHA-256 of the text: what commits to this key before it is shown."""
        return sha256(str(self).encode("utf-8")).digest()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Verify a signature by this key.

        Args:
            message: What was signed.
            signature: 64 bytes for Ed25519 (RFC 8032), DER for ECDSA.

        Raises:
            SignatureError: The signature is not this key's for this message.
        """
        if self.algorithm == ED25519 and _sodium.accepts(self.public, message, signature):
            return
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519
        from cryptography.hazmat.primitives.hashes import SHA256

        key = _load(self.algorithm, self.public)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            else:
                key.verify(signature, message, ec.ECDSA(SHA256()))
        except InvalidSignature:
            who = f"{self.name}+{self.key_id.hex()}"
            raise SignatureError(f"the signature is not that of {who} for this text") from None


_LOWER_HEX = frozenset(string.digits + "abcdef")


def _key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Return the key id that C2SP signed-note defines for an algorithm."""
    if algorithm == ECDSA_P256:
        return sha256(public).digest()[:_KEY_ID_BYTES]
    hashed = name.encode("utf-8") + b"\n" + bytes([algorithm]) + public
    return sha256(hashed).digest()[:_KEY_ID_BYTES]


@lru_cache(maxsize=256)
def _load(algorithm: int, public: bytes) -> Ed25519PublicKey | EllipticCurvePublicKey:
    """Return the loaded public key; refuses any encoding of it but the one it would be given."""
    try:
        if algorithm == ED25519:
            return _load_ed25519(public)
        if algorithm == ECDSA_P256:
            return _load_p256(public)
    except ValueError as error:
        raise MalformedError(f"public key of the verifier key is unfit: {error}") from None
    raise MalformedError(f"algorithm {algorithm:#04x} of the verifier key is not known")


def _load_ed25519(public: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(public)


def _load_p256(public: bytes) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_public_key,
    )

    try:
        key = load_der_public_key(public)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("not a P-256 key")
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != public:
        raise ValueError("not the plain DER form of the key")
    return key

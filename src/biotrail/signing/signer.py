"""Signers: whoever can sign for a log. The one shipped here holds an Ed25519 key in memory.

An HSM or a key service joins in by giving an object the two members of `Signer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from biotrail.errors import SigningError
from biotrail.signing import _sodium
from biotrail.signing.keys import VerifierKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Ed25519Signer", "Signer"]

_SEED_BYTES = 32


@runtime_checkable
class Signer(Protocol):
    """Whoever can sign for a log.

    Attributes:
        verifier_key: The public half; it must not change while the signer is in use.
    """

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half of the signing key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message, of the verifier key's algorithm."""
        ...


class Ed25519Signer:
    """A signer with an Ed25519 key in memory (RFC 8032).

    The private key is in no attribute, text form or pickle of the object that is meant for use.

    Attributes:
        verifier_key: The public half.
    """

    __slots__ = ("_sign", "_verifier_key")

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        """Take a private key under a name.

        Args:
            name: Name of the key; for the keys of a log, the log's origin.
            private_key: The private key, as an object of `cryptography`.

        Raises:
            MalformedError: The name cannot be that of a key.
        """
        public = private_key.public_key().public_bytes_raw()
        self._verifier_key = VerifierKey.from_public(name, public)
        by_sodium = _sodium.signing_function(private_key.private_bytes_raw, public)
        self._sign = by_sodium or private_key.sign

    @classmethod
    def generate(cls, name: str) -> Ed25519Signer:
        """Return a signer with a new random key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Ed25519Signer:
        """Return the signer of a seed: the 32-byte private key of RFC 8032 section 5.1.5.

        Raises:
            SigningError: The seed is not 32 bytes.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if len(seed) != _SEED_BYTES:
            raise SigningError(f"the seed of an Ed25519 key has {_SEED_BYTES} bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half of the signing key."""
        return self._verifier_key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over a message."""
        return self._sign(message)

    def __reduce__(self) -> str:
        raise SigningError("a signer is not pickled: it would carry its private key along")

    def __repr__(self) -> str:
        return f"Ed25519Signer({self._verifier_key})"

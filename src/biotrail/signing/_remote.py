"""Signers whose private key is elsewhere: what all of them do alike."""

from __future__ import annotations

from abc import abstractmethod

from biotrail._closing import Closing
from biotrail.errors import SignatureError, SigningError
from biotrail.signing.keys import VerifierKey

__all__ = ["RemoteSigner"]


class RemoteSigner(Closing):
    """A `Signer` that asks a token or a service, and verifies what it gets.

    A checkpoint under a wrong signature would make the log unverifiable from there on.

    Attributes:
        verifier_key: The public half.
    """

    _verifier_key: VerifierKey

    @abstractmethod
    def _signed(self, message: bytes) -> bytes:
        """Return what the token or service gives as signature."""

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half of the signing key."""
        return self._verifier_key

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message: 64 bytes for Ed25519, DER for ECDSA.

        Raises:
            SigningError: What holds the key is out of reach or refuses, or its signature is wrong.
        """
        key, signature = self._verifier_key, self._signed(message)
        try:
            key.verify(message, signature)
        except SignatureError:
            who = f"{key.name}+{key.key_id.hex()}"
            raise SigningError(f"what holds the key of {who} gave a wrong signature") from None
        return signature

    def __reduce__(self) -> str:
        raise SigningError("a signer is not pickled: its key is elsewhere")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._verifier_key})"

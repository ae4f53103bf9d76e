"""Signatures that a device or a service made, verified before anyone gets them."""

from __future__ import annotations

from biotrail.errors import SignatureError, SigningError
from biotrail.signing.keys import VerifierKey

__all__ = ["checked_signature"]


def checked_signature(key: VerifierKey, message: bytes, signature: bytes) -> bytes:
    """Return the signature, if it is the key's over the message.

    A checkpoint under a wrong signature would make the log unverifiable from there on.

    Raises:
        SigningError: It is wrong.
    """
    try:
        key.verify(message, signature)
    except SignatureError:
        who = f"{key.name}+{key.key_id.hex()}"
        raise SigningError(f"what holds the key of {who} gave a wrong signature") from None
    return signature

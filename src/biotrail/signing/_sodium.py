"""Ed25519 by libsodium, where PyNaCl is installed: the same signatures in half the time.

Only a second engine, never a second opinion. RFC 8032 section 5.1.6 leaves a signer no choice, so
both sign alike. A verifier it leaves some (keys and points of small order, other spellings of a
point): libsodium accepts a part of what `cryptography` accepts. So its yes is taken, and its no
sends the question to `cryptography`, whose word counts with and without PyNaCl.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["accepts", "signing_function"]

_SIGNATURE_BYTES = 64


@cache
def _bindings() -> Any:
    try:
        from nacl import bindings
    except (ImportError, OSError):  # absent, or its library does not load
        return None
    return bindings


def accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether libsodium accepts an Ed25519 signature; False says nothing.

    Args:
        public: The public key, 32 bytes.
        message: What was signed.
        signature: The signature, 64 bytes.
    """
    bindings = _bindings()
    if bindings is None or len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except Exception:  # of whatever kind: the other engine is asked then
        return False
    return True


def signing_function(seed: Callable[[], bytes], public: bytes) -> Callable[[bytes], bytes] | None:
    """Return a function that signs, or None without libsodium.

    Args:
        seed: Returns the private key of RFC 8032, 32 bytes; asked only if it is needed.
        public: The public key, 32 bytes.
    """
    bindings = _bindings()
    if bindings is None:
        return None
    secret, sign = seed() + public, bindings.crypto_sign
    return lambda message: sign(message, secret)[:_SIGNATURE_BYTES]

"""What those who guess, and those who look at the log afterwards, agree on."""

from __future__ import annotations

from datetime import timedelta

from biotrail.limits import Limit, LimitPolicy
from biotrail.signing import Ed25519Signer

POLICY = LimitPolicy(name="five", subject=Limit(failures=5, lock=timedelta(hours=1)))


def signer() -> Ed25519Signer:
    """The same key in every process."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519Signer("example.com/door", Ed25519PrivateKey.from_private_bytes(b"g" * 32))

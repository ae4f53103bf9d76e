"""ML-DSA-44 as `cryptography` has it, and what a cosignature is over (C2SP tlog-cosignature)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from biotrail.errors import MalformedError, MissingDependencyError, SignatureError
from biotrail.tlog.checkpoint import Checkpoint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

__all__ = ["cosigned_message", "length_of", "ml_dsa", "new_private_key", "public_key"]

_LABEL = b"subtree/v1\n\0"
_MOST_NAME_BYTES = 255


def ml_dsa(name: str) -> Any:
    """A class of `cryptography`'s ML-DSA.

    Raises:
        MissingDependencyError: This version, or the OpenSSL under it, has none.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError as error:
        raise _missing() from error
    return getattr(mldsa, name)


def new_private_key(seed: bytes | None = None) -> MLDSA44PrivateKey:
    """A private key: the one of a seed, or a random one.

    Raises:
        MissingDependencyError: This `cryptography` has no ML-DSA.
    """
    kind = ml_dsa("MLDSA44PrivateKey")
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key: MLDSA44PrivateKey = kind.generate() if seed is None else kind.from_seed_bytes(seed)
    except UnsupportedAlgorithm as error:
        raise _missing() from error
    return key


@lru_cache(maxsize=64)
def public_key(public: bytes) -> Any:
    """The loaded public key.

    Args:
        public: 1312 bytes.

    Raises:
        SignatureError: They are no public key.
        MissingDependencyError: This `cryptography` has no ML-DSA.
    """
    kind = ml_dsa("MLDSA44PublicKey")
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return kind.from_public_bytes(public)
    except UnsupportedAlgorithm as error:
        raise _missing() from error
    except ValueError as error:
        raise SignatureError(f"not an ML-DSA-44 public key: {error}") from None


def _missing() -> MissingDependencyError:
    return MissingDependencyError(
        "ML-DSA-44 needs cryptography 48 or newer with OpenSSL 3.5 or newer: "
        "pip install 'biotrail[post-quantum]'"
    )


def cosigned_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """The structure ``cosigned_message`` of a whole tree: it starts at leaf 0."""
    return b"".join(
        (
            _LABEL,
            length_of(cosigner, "name of the cosigner's key"),
            cosigner.encode("utf-8"),
            timestamp.to_bytes(8),
            length_of(checkpoint.origin, "origin"),
            checkpoint.origin.encode("utf-8"),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def length_of(text: str, what: str) -> bytes:
    """The length of a text in UTF-8 as one byte.

    Raises:
        MalformedError: It has more than 255 bytes; the message says what it is.
    """
    size = len(text.encode("utf-8"))
    if size > _MOST_NAME_BYTES:
        raise MalformedError(f"{what}: longer than {_MOST_NAME_BYTES} bytes of UTF-8")
    return bytes([size])

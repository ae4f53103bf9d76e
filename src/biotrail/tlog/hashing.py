"""The hashes of the tree: RFC 6962 section 2.1 and RFC 9162 section 2.1, with SHA-256.

A leaf is hashed behind a zero byte and a node behind a one byte, so that no entry can be taken for
a node, nor a node for an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "check_hashes",
    "leaf_hash",
    "node_hash",
    "parents",
    "perfect_root",
]

HASH_SIZE = 32
"""Length of every hash in the tree, in bytes."""

EMPTY_ROOT: bytes = sha256(b"").digest()
"""Root hash of the tree without entries: the hash of no bytes."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf, ``SHA-256(0x00 || entry)``.

    Args:
        entry: The bytes recorded; they may be empty.
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, ``SHA-256(0x01 || left || right)``.

    Args:
        left: Hash of the left child, 32 bytes.
        right: Hash of the right child, 32 bytes.
    """
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the hashes one level up: one for each pair; an odd hash at the end is left out."""
    pairs = iter(hashes)
    return [
        sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)
    ]


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root hash over a power of two of hashes of one level.

    Raises:
        ValueError: They are not a power of two.
    """
    if len(hashes).bit_count() != 1:
        raise ValueError(f"{len(hashes)} is not a power of two")
    while len(hashes) > 1:
        hashes = parents(hashes)
    return hashes[0]


def check_hashes(hashes: Sequence[bytes]) -> None:
    """Refuse anything that is not 32 bytes long.

    Raises:
        ValueError: One of the hashes has another length.
    """
    if not {HASH_SIZE}.issuperset(map(len, hashes)):
        raise ValueError(f"a hash has {HASH_SIZE} bytes")

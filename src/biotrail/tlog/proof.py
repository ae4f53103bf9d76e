"""Inclusion and consistency proofs, verified.

An inclusion proof shows that one leaf is in the tree under a root; a consistency proof shows that a
later tree begins with all leaves of an earlier one. Both are lists of hashes, with which the root
is calculated again (RFC 9162 sections 2.1.3.2 and 2.1.4.2) and compared with the trusted one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biotrail.errors import ProofError
from biotrail.tlog.hashing import EMPTY_ROOT, HASH_SIZE, node_hash
from biotrail.tlog.prover import check_index, check_sizes

__all__ = [
    "MAX_PROOF_HASHES",
    "root_from_inclusion",
    "verify_consistency",
    "verify_inclusion",
]

MAX_PROOF_HASHES = 64
"""No proof in a tree of fewer than 2**63 leaves is longer than this."""


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root hash to which an inclusion proof leads (RFC 9162 section 2.1.3.2).

    Args:
        leaf: Leaf hash.
        index: Index of the leaf, zero-based.
        size: Size of the tree.
        proof: Sibling hashes, lowest first.

    Raises:
        ProofError: The index is not in the tree, or the proof has too few or too many hashes, or
            one that is not 32 bytes.
    """
    check_index(index, size)
    _check_hashes((leaf, *proof))
    calculated = leaf
    what = f"inclusion proof for index {index} of {size}"
    for sibling, is_left in _climb(index, size - 1, proof, what):
        calculated = node_hash(sibling, calculated) if is_left else node_hash(calculated, sibling)
    return calculated


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Verify that a leaf is in the tree of a size and root hash.

    Args:
        leaf: Leaf hash.
        index: Index of the leaf, zero-based.
        size: Size of the tree.
        proof: Sibling hashes, lowest first.
        root: Root hash of the tree; trusted.

    Raises:
        ProofError: It is not proven.
    """
    calculated = root_from_inclusion(leaf, index, size, proof)
    _check_root(f"inclusion proof for index {index} of {size}", root, calculated)


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Verify that a later tree begins with all leaves of an earlier tree.

    Args:
        old_size: Size of the earlier tree. An empty tree is the beginning of any, by an empty
            proof.
        old_root: Root hash of the earlier tree; trusted.
        new_size: Size of the later tree.
        new_root: Root hash of the later tree.
        proof: Hashes, lowest first.

    Raises:
        ProofError: It is not proven.
    """
    check_sizes(old_size, new_size)
    _check_hashes((old_root, new_root, *proof))
    what = f"consistency proof from {old_size} to {new_size}"
    if old_size in (0, new_size):
        if proof:
            raise ProofError(f"{what} is too long")
        _check_root(what, new_root if old_size == new_size else EMPTY_ROOT, old_root)
        _check_root(what, EMPTY_ROOT if new_size == 0 else new_root, new_root)
        return
    old_calculated, new_calculated = _roots_from_consistency(old_size, old_root, new_size, proof)
    _check_root(f"{what}, earlier tree", old_root, old_calculated)
    _check_root(f"{what}, later tree", new_root, new_calculated)


def _roots_from_consistency(
    old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """Return the old and the new root to which a proof leads (RFC 9162 section 2.1.4.2)."""
    what = f"consistency proof from {old_size} to {new_size}"
    old_is_subtree = old_size & (old_size - 1) == 0
    hashes = [old_root, *proof] if old_is_subtree else list(proof)
    if not hashes:
        raise ProofError(f"{what} is too short")
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = hashes[0]
    for sibling, is_left in _climb(position, last, hashes[1:], what):
        if is_left:
            old = node_hash(sibling, old)
        new = node_hash(sibling, new) if is_left else node_hash(new, sibling)
    return old, new


def _climb(
    position: int, last: int, siblings: Sequence[bytes], what: str
) -> Iterator[tuple[bytes, bool]]:
    """Yield each sibling on the way to the root, and whether it is the left child.

    Args:
        position: Index, in its level, of the node to begin with.
        last: Index of the last node in that level.
        siblings: The rest of the proof; it must end exactly at the root.
        what: The proof's name, for the error.
    """
    for sibling in siblings:
        if last == 0:
            raise ProofError(f"{what} is too long")
        is_left = bool(position & 1) or position == last
        while is_left and position and not position & 1:  # on the right edge: no sibling here
            position, last = position >> 1, last >> 1
        yield sibling, is_left
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError(f"{what} is too short")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PROOF_HASHES + 2:
        raise ProofError(f"a proof has at most {MAX_PROOF_HASHES} hashes")
    if any(len(one) != HASH_SIZE for one in hashes):
        raise ProofError(f"a hash in the proof is not {HASH_SIZE} bytes long")


def _check_root(what: str, expected: bytes, calculated: bytes) -> None:
    if expected != calculated:
        raise ProofError(
            f"{what} leads to root {calculated.hex()}, expected {expected.hex()}",
            expected=expected,
            calculated=calculated,
        )

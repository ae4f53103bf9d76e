"""Inclusion and consistency proofs: made from stored nodes, and verified.

An inclusion proof shows that one leaf is in the tree under a root; a consistency proof shows that a
later tree begins with all leaves of an earlier one. Making follows the recursive definitions
``PATH`` and ``SUBPROOF`` of RFC 6962 sections 2.1.1 and 2.1.2, as loops; verifying follows the
algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

Makers get their hashes from a function ``node(level, index)``, which returns the root hash of the
perfect subtree of ``2**level`` leaves that begins at leaf ``index * 2**level``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from biotrail.errors import ProofError
from biotrail.tlog.hashing import EMPTY_ROOT, HASH_SIZE, node_hash

__all__ = [
    "MAX_PROOF_HASHES",
    "Node",
    "consistency_proof",
    "inclusion_proof",
    "root_from_inclusion",
    "subtree_hash",
    "verify_consistency",
    "verify_inclusion",
]

Node: TypeAlias = Callable[[int, int], bytes]

MAX_PROOF_HASHES = 64
"""No proof in a tree of fewer than 2**63 leaves is longer than this."""


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the leaf at an index is in the tree of a size.

    Args:
        index: Index of the leaf, zero-based.
        size: Size of the tree.
        node: Returns stored hashes, by level and index.

    Returns:
        Sibling hashes, from the leaf's own sibling up to the root's other child.

    Raises:
        ProofError: The index is not in a tree of that size.
    """
    _check_index(index, size)
    proof = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(subtree_hash(middle, end, node))
            end = middle
        else:
            proof.append(subtree_hash(begin, middle, node))
            begin = middle
    proof.reverse()
    return proof


def consistency_proof(old_size: int, new_size: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of the new size begins with the tree of the old size.

    Args:
        old_size: Size of the earlier tree; from an empty tree there is nothing to prove.
        new_size: Size of the later tree, not below the earlier.
        node: Returns stored hashes of the later tree, by level and index.

    Returns:
        Hashes, lowest first; none when the sizes are equal or the earlier tree is empty.

    Raises:
        ProofError: The sizes are negative or not in order.
    """
    _check_sizes(old_size, new_size)
    if old_size == 0:
        return []
    proof = []
    begin, end = 0, new_size
    while end != old_size:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            proof.append(subtree_hash(middle, end, node))
            end = middle
        else:
            proof.append(subtree_hash(begin, middle, node))
            begin = middle
    if begin:
        proof.append(subtree_hash(begin, end, node))
    proof.reverse()
    return proof


def subtree_hash(begin: int, end: int, node: Node) -> bytes:
    """Return the hash of the subtree over leaves ``begin`` up to before ``end``.

    Args:
        begin: First leaf; a multiple of the smallest power of two that is not below the length,
            as it is for each subtree of the tree.
        end: Leaf after the last.
        node: Returns stored hashes, by level and index.
    """
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(node(level, begin >> level))
        begin += 1 << level
    right = hashes.pop()
    while hashes:
        right = node_hash(hashes.pop(), right)
    return right


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
    _check_index(index, size)
    _check_hashes((leaf, *proof))
    position, last, calculated = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError(f"inclusion proof for index {index} of {size} is too long")
        if position & 1 or position == last:
            calculated = node_hash(sibling, calculated)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            calculated = node_hash(calculated, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError(f"inclusion proof for index {index} of {size} is too short")
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
    _check_sizes(old_size, new_size)
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
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError(f"{what} is too long")
        if position & 1 or position == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError(f"{what} is too short")
    return old, new


def _split(length: int) -> int:
    """Return the largest power of two below a length of two or more."""
    return 1 << ((length - 1).bit_length() - 1)


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofError(f"index {index} is not in a tree of size {size}")


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a tree of size {old_size} is not the beginning of one of {new_size}")


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

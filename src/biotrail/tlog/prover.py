"""Inclusion and consistency proofs, made from stored nodes.

The recursive definitions ``PATH`` and ``SUBPROOF`` of RFC 6962 sections 2.1.1 and 2.1.2, as loops
from the root down. Hashes come from a function ``node(level, index)``, which returns the root hash
of the perfect subtree of ``2**level`` leaves that begins at leaf ``index * 2**level``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from biotrail.errors import ProofError
from biotrail.tlog.hashing import node_hash

__all__ = [
    "Node",
    "check_index",
    "check_sizes",
    "consistency_proof",
    "inclusion_proof",
    "subtree_hash",
]

Node: TypeAlias = Callable[[int, int], bytes]


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
    check_index(index, size)
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
    check_sizes(old_size, new_size)
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


def _split(length: int) -> int:
    """Return the largest power of two below a length of two or more."""
    return 1 << ((length - 1).bit_length() - 1)


def check_index(index: int, size: int) -> None:
    """Raise `ProofError` unless a tree of a size has the index."""
    if not 0 <= index < size:
        raise ProofError(f"index {index} is not in a tree of size {size}")


def check_sizes(old_size: int, new_size: int) -> None:
    """Raise `ProofError` unless a tree of the old size can grow to one of the new."""
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a tree of size {old_size} is not the beginning of one of {new_size}")

"""The tree: known answers, and what is refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from biotrail.errors import ProofError
from biotrail.tlog import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)
from biotrail.tlog.hashing import perfect_root

A, B, C = (leaf_hash(letter) for letter in (b"a", b"b", b"c"))


def test_hashes_are_those_of_rfc_6962() -> None:
    """Leaves are hashed behind 0x00, nodes behind 0x01; the empty tree hashes nothing."""
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert node_hash(A, B) == hashlib.sha256(b"\x01" + A + B).digest()


def test_seventy_thousand_entries_have_the_known_root() -> None:
    """The root is what other implementations have calculated."""
    tree = CompactRange()
    tree.extend(leaf_hash(b"entry %d" % number) for number in range(70_000))
    assert base64.b64encode(tree.root()) == b"o5IPun8jmgcam9EHIfE0Gt3vuu3ttBx+JEN6nRa98Ao="
    assert len(tree.hashes) == (70_000).bit_count()


def test_a_range_is_what_it_says() -> None:
    """Size, hashes, root and text form of three leaves."""
    tree = CompactRange()
    tree.extend([A, B, C])
    assert (tree.size, tree.hashes) == (3, (node_hash(A, B), C))
    assert tree.root() == node_hash(node_hash(A, B), C)
    assert repr(tree) == f"CompactRange(size=3, root={tree.root().hex()[:16]}...)"
    assert tree != (3, tree.hashes)
    with pytest.raises(TypeError, match="unhashable"):
        hash(tree)


def test_a_copy_goes_its_own_way() -> None:
    """Appending to a copy leaves the first alone."""
    tree = CompactRange(1, [A])
    tree.copy().append(B)
    assert tree == CompactRange(1, [A])


def test_subtrees_are_appended_where_they_fit() -> None:
    """A perfect subtree stands for its leaves."""
    by_leaves, by_subtrees = CompactRange(), CompactRange()
    by_leaves.extend([A, B, C, A, B])
    by_subtrees.append_subtree(node_hash(node_hash(A, B), node_hash(C, A)), 2)
    by_subtrees.append_subtree(B, 0)
    assert by_subtrees == by_leaves


REFUSED_RANGES: list[Callable[[], Any]] = [
    lambda: CompactRange(-1),
    lambda: CompactRange(3, [A]),
    lambda: CompactRange(0, [A]),
    lambda: CompactRange(1, [b"short"]),
    lambda: CompactRange().append(b"short"),
    lambda: CompactRange().extend([A, b"short"]),
    lambda: CompactRange().append_subtree(b"short", 1),
    lambda: CompactRange().append_subtree(A, -1),
    lambda: CompactRange(1, [A]).append_subtree(B, 1),
    lambda: CompactRange(1, [A]).merge(CompactRange(2, [B])),
    lambda: perfect_root([A, B, C]),
    lambda: perfect_root([]),
]


@pytest.mark.parametrize("call", REFUSED_RANGES, ids=range(len(REFUSED_RANGES)))
def test_ranges_refuse_what_does_not_fit(call: Callable[[], Any]) -> None:
    """Wrong lengths, counts and alignments raise ValueError."""
    with pytest.raises(ValueError, match=r"hash|range|subtree|power of two"):
        call()


def test_refused_hashes_leave_a_range_as_it_was() -> None:
    """Nothing of a refused piece is in."""
    tree = CompactRange(1, [A])
    for call in (tree.append, lambda bad: tree.extend([B, bad])):
        with pytest.raises(ValueError, match="32 bytes"):
            call(b"short")
    assert tree == CompactRange(1, [A])


def never(level: int, index: int) -> bytes:
    """Fail: no hash must be asked for."""
    raise AssertionError((level, index))


REFUSED_PROOFS: list[Callable[[], Any]] = [
    lambda: inclusion_proof(-1, 3, never),
    lambda: inclusion_proof(3, 3, never),
    lambda: inclusion_proof(0, 0, never),
    lambda: consistency_proof(-1, 3, never),
    lambda: consistency_proof(4, 3, never),
    lambda: root_from_inclusion(A, 0, 0, []),
    lambda: root_from_inclusion(A, -1, 1, []),
    lambda: root_from_inclusion(A, 1, 1, []),
    lambda: root_from_inclusion(A, 0, -1, []),
    lambda: root_from_inclusion(A, 0, 1, [B]),
    lambda: root_from_inclusion(A, 0, 2, []),
    lambda: root_from_inclusion(A, 0, 2, [B, C]),
    lambda: root_from_inclusion(A, 0, 2, [b"short"]),
    lambda: root_from_inclusion(b"short", 0, 1, []),
    lambda: root_from_inclusion(A, 0, 2**80, [B] * 80),
    lambda: verify_inclusion(A, 0, 1, [], B),
    lambda: verify_consistency(-1, A, 1, A, []),
    lambda: verify_consistency(2, A, 1, A, []),
    lambda: verify_consistency(1, A, 1, B, []),
    lambda: verify_consistency(1, A, 1, A, [B]),
    lambda: verify_consistency(1, A, 2, B, []),
    lambda: verify_consistency(1, A, 2, node_hash(A, B), [B, C]),
    lambda: verify_consistency(3, A, 5, B, []),
    lambda: verify_consistency(0, EMPTY_ROOT, 1, A, [A]),
    lambda: verify_consistency(0, A, 1, A, []),
    lambda: verify_consistency(0, EMPTY_ROOT, 0, A, []),
    lambda: verify_consistency(1, A, 2**80, B, [B] * 80),
]


@pytest.mark.parametrize("call", REFUSED_PROOFS, ids=range(len(REFUSED_PROOFS)))
def test_proofs_refuse_what_is_not_proven(call: Callable[[], Any]) -> None:
    """Numbers out of range, and proofs too short, too long or wrong, raise ProofError."""
    with pytest.raises(ProofError):
        call()


def test_a_refused_proof_carries_both_roots() -> None:
    """What was expected and what came out are in the error."""
    with pytest.raises(ProofError, match="inclusion proof for index 0 of 2 leads to") as caught:
        verify_inclusion(A, 0, 2, [B], C)
    assert (caught.value.expected, caught.value.calculated) == (C, node_hash(A, B))


def test_any_tree_begins_with_the_empty_tree() -> None:
    """From size 0 there is nothing to prove, and no hash is asked for."""
    assert consistency_proof(0, 5, never) == []
    verify_consistency(0, EMPTY_ROOT, 5, A, [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])


def test_a_tree_of_one_has_empty_proofs() -> None:
    """The leaf is the root."""
    assert inclusion_proof(0, 1, never) == []
    assert consistency_proof(1, 1, never) == []
    verify_inclusion(A, 0, 1, [], A)
    verify_consistency(1, A, 1, A, [])

"""The fast tree against the definition written down from the RFC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotrail.errors import ProofError
from biotrail.tlog import (
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.reference import rfc6962

ENTRIES = [b"entry %d" % number for number in range(600)]
sizes = st.integers(0, 260)


def node(level: int, index: int) -> bytes:
    """Return the hash of a perfect subtree of the entries, by definition."""
    return rfc6962.mth(ENTRIES[index << level : (index + 1) << level])


def grown(size: int) -> CompactRange:
    """Return the range of the first entries."""
    tree = CompactRange()
    tree.extend(map(leaf_hash, ENTRIES[:size]))
    return tree


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_appending_one_by_one_gives_the_root_of_the_definition(entries: list[bytes]) -> None:
    """A range has the root MTH(D[n]) whatever the entries are."""
    tree = CompactRange()
    for entry in entries:
        tree.append(leaf_hash(entry))
    assert (tree.size, tree.root()) == (len(entries), rfc6962.mth(entries))


@given(st.lists(st.integers(0, 90), max_size=6))
def test_extending_in_any_pieces_is_appending_one_by_one(pieces: list[int]) -> None:
    """However leaves come in, the same range comes out."""
    in_pieces, one_by_one, done = CompactRange(), CompactRange(), 0
    for piece in pieces:
        leaves = [leaf_hash(entry) for entry in ENTRIES[done : done + piece]]
        done += len(leaves)
        in_pieces.extend(leaves)
        for leaf in leaves:
            one_by_one.append(leaf)
    assert in_pieces == one_by_one


@given(sizes)
def test_a_range_is_taken_up_from_its_hashes(size: int) -> None:
    """Size and hashes are all that a range is."""
    tree = grown(size)
    again = CompactRange(tree.size, tree.hashes)
    again.append(leaf_hash(b"one more"))
    assert again.root() == rfc6962.mth([*ENTRIES[:size], b"one more"])


@given(st.integers(0, 8), st.integers(0, 3), st.integers(0, 300))
def test_aligned_ranges_join(level: int, count: int, size: int) -> None:
    """A range built apart joins on at a multiple of its largest subtree, and only there."""
    left_size = min(count << level, 300)
    left, right, whole = grown(left_size), CompactRange(), grown(left_size)
    leaves = [leaf_hash(entry) for entry in ENTRIES[left_size : left_size + size]]
    right.extend(leaves)
    whole.extend(leaves)
    if size and left_size % (1 << (size.bit_length() - 1)):
        before = left.copy()
        with pytest.raises(ValueError, match="cannot be joined"):
            left.merge(right)
        assert left == before
    else:
        left.merge(right)
        assert left == whole


@given(st.data(), st.integers(1, 130))
def test_inclusion_proofs_are_those_of_the_definition(data: st.DataObject, size: int) -> None:
    """A proof is PATH(m, D[n]), and leads to MTH(D[n])."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, node)
    root = rfc6962.mth(ENTRIES[:size])
    leaf = leaf_hash(ENTRIES[index])
    assert proof == rfc6962.path(index, ENTRIES[:size])
    verify_inclusion(leaf, index, size, proof, root)
    assert rfc6962.root_from_path(leaf, index, size, proof) == root


@given(st.data(), st.integers(1, 130))
def test_consistency_proofs_are_those_of_the_definition(data: st.DataObject, new: int) -> None:
    """A proof is PROOF(m, D[n]), and holds between the roots of the definition."""
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, node)
    assert proof == rfc6962.proof(old, ENTRIES[:new])
    verify_consistency(old, rfc6962.mth(ENTRIES[:old]), new, rfc6962.mth(ENTRIES[:new]), proof)


@given(st.data(), st.integers(2, 130))
def test_no_changed_inclusion_proof_verifies(data: st.DataObject, size: int) -> None:
    """A flipped bit, another index, a lost or an added hash: none leads to the root."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, node)
    root, leaf = rfc6962.mth(ENTRIES[:size]), leaf_hash(ENTRIES[index])
    changed = data.draw(changed_proofs(proof))
    other = data.draw(st.integers(-2, size + 2).filter(lambda number: number != index))
    with pytest.raises(ProofError):
        verify_inclusion(leaf, index, size, changed, root)
    with pytest.raises(ProofError):
        verify_inclusion(leaf, other, size, proof, root)


@given(st.data(), st.integers(2, 130))
def test_no_changed_consistency_proof_verifies(data: st.DataObject, new: int) -> None:
    """A flipped bit, a lost or an added hash, or another old root: none is accepted."""
    old = data.draw(st.integers(1, new - 1))
    proof = consistency_proof(old, new, node)
    old_root, new_root = rfc6962.mth(ENTRIES[:old]), rfc6962.mth(ENTRIES[:new])
    changed = data.draw(changed_proofs(proof))
    with pytest.raises(ProofError):
        verify_consistency(old, old_root, new, new_root, changed)
    with pytest.raises(ProofError):
        verify_consistency(old, leaf_hash(b"forged"), new, new_root, proof)
    with pytest.raises(ProofError):
        verify_consistency(old, old_root, new, leaf_hash(b"forged"), proof)


@given(
    st.binary(min_size=32, max_size=32),
    st.integers(-(2**65), 2**65),
    st.integers(-(2**65), 2**65),
    st.lists(st.binary(min_size=30, max_size=33), max_size=70),
)
def test_any_input_gives_a_root_or_a_named_error(
    leaf: bytes, index: int, size: int, proof: list[bytes]
) -> None:
    """Hostile numbers and hashes never give another error, and end quickly."""
    try:
        root = root_from_inclusion(leaf, index, size, proof)
    except ProofError:
        return
    verify_inclusion(leaf, index, size, proof, root)


def changed_proofs(proof: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """Return proofs that differ from one in a bit, or in a hash more, less, or swapped."""

    def flip(where: tuple[int, int]) -> list[bytes]:
        position, bit = where[0], where[1]
        number = int.from_bytes(proof[position]) ^ (1 << bit)
        return [*proof[:position], number.to_bytes(32), *proof[position + 1 :]]

    flipped = st.tuples(st.integers(0, len(proof) - 1), st.integers(0, 255)).map(flip)
    longer = st.integers(0, len(proof)).map(
        lambda position: [*proof[:position], b"\x00" * 32, *proof[position:]]
    )
    shorter = st.integers(0, len(proof) - 1).map(
        lambda position: [*proof[:position], *proof[position + 1 :]]
    )
    return st.one_of(flipped, longer, shorter)

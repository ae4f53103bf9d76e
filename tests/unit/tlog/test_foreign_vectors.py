"""The proof vectors of transparency-dev/merkle (417fb0c, ``testdata/``) are judged as they say.

Of their subtree vectors, those whose subtree begins at leaf 0 are plain inclusion and consistency
proofs and are taken as such. The others prove between subtrees in the middle of a log, for which
this library has no use and no function.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from biotrail.errors import ProofError
from biotrail.tlog import verify_consistency, verify_inclusion
from tests._components import SHARED

pytestmark = pytest.mark.component("shared")

STRICTER = {
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
    "subtreeconsistency/additional/"
    "subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
}
"""Vectors that pass there and are refused here, since a root in them is not 32 bytes long."""


def load(name: str) -> list[dict[str, Any]]:
    """Return the vectors of a file, one JSON object a line."""
    lines = (SHARED / "vectors" / f"merkle_{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def decoded(proof: list[str] | None) -> list[bytes]:
    """Return the hashes of a proof; null stands for none."""
    return [b64decode(one) for one in proof or []]


def first(one: dict[str, Any], *names: str) -> int:
    """Return the number under the first name that is there."""
    return next(int(one[name]) for name in names if name in one)


def verify(one: dict[str, Any]) -> None:
    """Verify a vector's proof, of either kind."""
    proof = decoded(one["proof"])
    if "leafIdx" in one:
        leaf, root = b64decode(one["leafHash"]), b64decode(one["root"])
        verify_inclusion(leaf, one["leafIdx"], first(one, "treeSize", "end"), proof, root)
    else:
        old, new = first(one, "size1", "end"), first(one, "size2", "size")
        old_root, new_root = b64decode(one["root1"]), b64decode(one["root2"])
        verify_consistency(old, old_root, new, new_root, proof)


def is_accepted(one: dict[str, Any]) -> bool:
    """Tell whether a vector's proof verifies."""
    try:
        verify(one)
    except ProofError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("inclusion", 98),
        ("consistency", 98),
        ("subtreeinclusion", 101),
        ("subtreeconsistency", 102),
    ],
)
def test_proofs_are_accepted_or_refused_as_they_say(name: str, count: int) -> None:
    """Every proof that must verify does, and no other."""
    vectors = [one for one in load(name) if one.get("start", 0) == 0]
    accepted = {one["file"] for one in vectors if is_accepted(one)}
    assert accepted == {one["file"] for one in vectors if not one["wantErr"]} - STRICTER
    assert len(vectors) == count

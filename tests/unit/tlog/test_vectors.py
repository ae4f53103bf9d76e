"""The golden vectors are as the generator writes them, and the code agrees with each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biotrail.errors import MalformedError
from biotrail.tlog import (
    CompactRange,
    ProofFile,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    unverified_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from biotrail.tlog.tiles import (
    decode_entry_bundle,
    encode_entry_bundle,
    entries_path,
    tile_path,
)
from tests.reference import rfc6962
from tests.vectors import make_tlog_vectors as maker


def load(name: str) -> Any:
    """Return a file of vectors."""
    return json.loads((maker.FOLDER / name).read_text(encoding="utf-8"))


TREES, PROOF_FILES, TILES = map(load, ("trees.json", "proof_files.json", "tiles.json"))
ROOTS = {one["size"]: bytes.fromhex(one["root"]) for one in TREES["roots"]}


def node(level: int, index: int) -> bytes:
    """Return the hash of a perfect subtree, by definition."""
    return rfc6962.mth(maker.entries(1024)[index << level : (index + 1) << level])


def unhexed(proof: list[str]) -> list[bytes]:
    """Return hashes from hex."""
    return [bytes.fromhex(one) for one in proof]


@pytest.mark.parametrize("name", maker.FILES)
def test_files_are_as_generated(name: str) -> None:
    """No vector was edited by hand, and none is out of date."""
    written = (maker.FOLDER / name).read_text(encoding="utf-8")
    assert written == maker.text_of(maker.FILES[name]())


@pytest.mark.parametrize("size", ROOTS)
def test_roots(size: int) -> None:
    """A range over the entries has the vector's root."""
    tree = CompactRange()
    tree.extend(map(leaf_hash, maker.entries(size)))
    assert tree.root() == ROOTS[size]


@pytest.mark.parametrize("one", TREES["inclusion"], ids=lambda one: f"{one['index']}-{one['size']}")
def test_inclusion(one: dict[str, Any]) -> None:
    """The proof is made as it stands, and verifies."""
    index, size, proof = one["index"], one["size"], unhexed(one["proof"])
    assert inclusion_proof(index, size, node) == proof
    verify_inclusion(leaf_hash(b"entry %d" % index), index, size, proof, ROOTS[size])


@pytest.mark.parametrize("one", TREES["consistency"], ids=lambda one: f"{one['old']}-{one['new']}")
def test_consistency(one: dict[str, Any]) -> None:
    """The proof is made as it stands, and verifies."""
    old, new, proof = one["old"], one["new"], unhexed(one["proof"])
    assert consistency_proof(old, new, node) == proof
    verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.parametrize("one", PROOF_FILES["read"], ids=range(len(PROOF_FILES["read"])))
def test_proof_files_that_are_read(one: dict[str, Any]) -> None:
    """A proof file says what it says, proves it, and is written again as it was."""
    proof = ProofFile.parse(one["file"].encode())
    extra = None if one["extra"] is None else bytes.fromhex(one["extra"])
    assert (proof.index, proof.extra) == (one["index"], extra)
    assert proof.hashes == tuple(unhexed(one["proof"]))
    assert proof.encode().decode() == one["file"]
    checkpoint = unverified_checkpoint(proof.checkpoint_note)
    leaf = leaf_hash(b"entry %d" % proof.index)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)


@pytest.mark.parametrize("one", PROOF_FILES["refused"], ids=lambda one: one["why"])
def test_proof_files_that_are_refused(one: dict[str, Any]) -> None:
    """A file that we would not write is malformed."""
    with pytest.raises(MalformedError):
        ProofFile.parse(one["file"].encode())


def test_tile_paths() -> None:
    """Tiles and entry bundles have the paths of C2SP tlog-tiles."""
    for one in TILES["paths"]:
        assert tile_path(one["level"], one["index"], one["width"]) == one["path"]
    for one in TILES["entry_paths"]:
        assert entries_path(one["index"], one["width"]) == one["path"]


def test_bundles() -> None:
    """Entry bundles are written and read as they stand."""
    for one in TILES["bundles"]:
        entries, bundle = unhexed(one["entries"]), bytes.fromhex(one["bundle"])
        assert encode_entry_bundle(entries) == bundle
        assert decode_entry_bundle(bundle, len(entries)) == entries

"""The maths of the log: hashes, the tree, proofs, tiles, checkpoints. Bytes in, bytes out.

Nothing here reads a clock, a file or a key, and nothing here knows what an entry means.
"""

from __future__ import annotations

from biotrail.tlog.checkpoint import Checkpoint, unverified_checkpoint
from biotrail.tlog.compact import CompactRange
from biotrail.tlog.hashing import EMPTY_ROOT, HASH_SIZE, leaf_hash, node_hash
from biotrail.tlog.proof import root_from_inclusion, verify_consistency, verify_inclusion
from biotrail.tlog.proof_file import ProofFile
from biotrail.tlog.prover import consistency_proof, inclusion_proof
from biotrail.tlog.publish import published_files
from biotrail.tlog.tile_builder import TileBuilder
from biotrail.tlog.tile_nodes import TileNodes

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "Checkpoint",
    "CompactRange",
    "ProofFile",
    "TileBuilder",
    "TileNodes",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "published_files",
    "root_from_inclusion",
    "unverified_checkpoint",
    "verify_consistency",
    "verify_inclusion",
]

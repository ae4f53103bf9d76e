"""Proof files from a store alone: no private key is needed to prove what is in a log."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import MissingError, ProofError
from biotrail.stores import StoreReader
from biotrail.stores.tree import node_reader
from biotrail.tlog import (
    Checkpoint,
    CompactRange,
    ProofFile,
    inclusion_proof,
    leaf_hash,
    unverified_checkpoint,
    verify_inclusion,
)

if TYPE_CHECKING:
    from biotrail.sealing import Opener

__all__ = ["prove_entry", "unverified_root_at"]


def prove_entry(
    store: StoreReader,
    index: int,
    *,
    checkpoint: str | None = None,
    fields: Collection[str] = (),
    opener: Opener | None = None,
) -> ProofFile:
    """Make the proof file of one entry, and check that its proof holds.

    The checkpoint's signature is not looked at here; `biotrail.verify_proof` does that.

    Args:
        store: Where the log lies.
        index: Index of the entry, zero-based.
        checkpoint: The signed checkpoint to prove it against; the log's last if None.
        fields: Names of personal fields to show with it: these and no others. The entry's own
            fields are shown in any case.
        opener: Opens sealed ones, for whoever holds the vault.

    Raises:
        ProofError: The checkpoint does not cover the index, or the log as it is stored does not
            have the checkpoint's root: verify it.
        NoSuchFieldError: The record has no such field.
        SealedError: It is sealed, and the opener does not hold its key.
        ErasedError: It was destroyed.
        AlteredError: The payload is not the one that the entry commits to.
        KeyProviderError: The key provider is out of reach, or refuses.
        MissingError: The store has no head, or lacks the entry or a tile that the proof needs.
        MalformedError: The checkpoint cannot be read.
    """
    note = _last_checkpoint(store) if checkpoint is None else checkpoint
    vouched = unverified_checkpoint(note)
    if not 0 <= index < vouched.size:
        raise ProofError(f"the checkpoint of size {vouched.size} does not cover an entry {index}")
    entry = _entry(store, index)
    hashes = inclusion_proof(index, vouched.size, node_reader(store, vouched.size))
    verify_inclusion(leaf_hash(entry), index, vouched.size, hashes, vouched.root)
    extra = encode_proof_entry(entry)
    if fields:
        # Loaded here: an auditor has no use for what opens payloads.
        from biotrail.sealing import Opener
        from biotrail.sealing.disclosing import proof_extra

        extra = proof_extra(store, opener or Opener(vouched.origin), index, entry, fields)
    return ProofFile(index, tuple(hashes), note, extra)


def unverified_root_at(store: StoreReader, checkpoint: Checkpoint) -> bytes:
    """The root that the stored tree had at a checkpoint's size, from tiles as they are stored.

    Raises:
        MissingError: The store lacks an entry or a tile below that size.
    """
    tree, node = CompactRange(), node_reader(store, checkpoint.size)
    for level in reversed(range(checkpoint.size.bit_length())):
        if checkpoint.size >> level & 1:
            tree.append_subtree(node(level, tree.size >> level), level)
    return tree.root()


def _last_checkpoint(store: StoreReader) -> str:
    head = store.head()
    if head is None or not head.checkpoint:
        raise MissingError("the log has no checkpoint at its head")
    return head.checkpoint


def _entry(store: StoreReader, index: int) -> bytes:
    for one in store.entries(index, index + 1):
        return one.entry
    raise MissingError(f"entry {index} is missing", index=index)

"""A proof file for one entry of a log that this process writes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from biotrail.audit.state import LogState
from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import ProofError
from biotrail.stores import StoreReader
from biotrail.stores.tree import node_reader
from biotrail.tlog import ProofFile, inclusion_proof

if TYPE_CHECKING:
    from biotrail.sealing import Opener

__all__ = ["prove_entry"]


def prove_entry(
    store: StoreReader,
    state: LogState,
    index: int,
    *,
    fields: Collection[str] = (),
    opener: Opener | None = None,
) -> ProofFile:
    """A proof file that carries the entry itself, against the log as it is now.

    Args:
        store: The store.
        state: The log as its writer knows it.
        index: Index of the entry.
        fields: Names of personal fields to show.
        opener: Opens sealed ones.

    Raises:
        ProofError: There is no such entry.
        NoSuchFieldError: The record has no such field.
        SealedError: It is sealed, and its key is not at hand.
        ErasedError: It was destroyed.
        AlteredError: The payload is not the one that the entry commits to.
        KeyProviderError: The key provider is out of reach, or refuses.
    """
    if not 0 <= index < state.size:
        raise ProofError(f"there is no entry {index}: the log has {state.size} entries")
    node = node_reader(store, state.size, edges=state.tiles.edges)
    entry = next(iter(store.entries(index, index + 1))).entry
    hashes = inclusion_proof(index, state.size, node)
    extra = encode_proof_entry(entry)
    if fields:
        from biotrail.sealing import Opener
        from biotrail.sealing.disclosing import proof_extra

        extra = proof_extra(store, opener or Opener(state.keys.origin or ""), index, entry, fields)
    return ProofFile(index, tuple(hashes), state.note, extra)

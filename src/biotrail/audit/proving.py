"""A proof file for one entry of a log that this process writes."""

from __future__ import annotations

from biotrail.audit.state import LogState
from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import ProofError
from biotrail.stores import StoreReader
from biotrail.stores.tree import node_reader
from biotrail.tlog import ProofFile, inclusion_proof

__all__ = ["prove_entry"]


def prove_entry(store: StoreReader, state: LogState, index: int) -> ProofFile:
    """A proof file that carries the entry itself, against the log as it is now.

    Raises:
        ProofError: There is no such entry.
    """
    if not 0 <= index < state.size:
        raise ProofError(f"there is no entry {index}: the log has {state.size} entries")
    node = node_reader(store, state.size, edges=state.tiles.edges)
    entry = next(iter(store.entries(index, index + 1))).entry
    hashes = inclusion_proof(index, state.size, node)
    return ProofFile(index, tuple(hashes), state.note, encode_proof_entry(entry))

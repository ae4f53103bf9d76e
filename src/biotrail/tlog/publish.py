"""A log as the files of a published tile directory (C2SP tlog-tiles).

Nothing is written here: paths and bytes are handed out one by one, in an order in which they can be
written as they come. The checkpoint comes last, so that whoever reads it finds all that it covers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from biotrail.errors import ProofError
from biotrail.tlog.checkpoint import unverified_checkpoint
from biotrail.tlog.compact import CompactRange
from biotrail.tlog.hashing import HASH_SIZE, leaf_hash
from biotrail.tlog.tile_builder import TileBuilder
from biotrail.tlog.tiles import (
    TILE_WIDTH,
    encode_entry_bundle,
    entries_path,
    tile_path,
)

__all__ = ["CHECKPOINT_PATH", "published_files"]

CHECKPOINT_PATH = "checkpoint"
"""Path of the one file in a published log that ever changes."""


def published_files(entries: Iterable[bytes], note: str) -> Iterator[tuple[str, bytes]]:
    """Yield the path and bytes of every file of a published log.

    Memory use does not grow with the log: one bundle and one tile per tile level are held.

    Args:
        entries: All entries that the checkpoint covers, in order; any after them are not read.
        note: The signed checkpoint.

    Raises:
        MalformedError: The note does not hold a checkpoint.
        ProofError: The entries do not have the checkpoint's root hash; the checkpoint is then not
            yielded, and what was yielded must not be published.
        ValueError: An entry is longer than 65,535 bytes.
    """
    checkpoint = unverified_checkpoint(note)
    tree, tiles = CompactRange(), TileBuilder()
    remaining = islice(entries, checkpoint.size)
    while bundle := list(islice(remaining, TILE_WIDTH)):
        yield (
            entries_path(tree.size // TILE_WIDTH, len(bundle)),
            encode_entry_bundle(bundle),
        )
        leaf_hashes = [leaf_hash(entry) for entry in bundle]
        tree.extend(leaf_hashes)
        for tile in tiles.extend(leaf_hashes):
            yield tile_path(tile.level, tile.number), tile.data
    for tile in tiles.partial_tiles():
        yield tile_path(tile.level, tile.number, len(tile.data) // HASH_SIZE), tile.data
    if (tree.size, tree.root()) != (checkpoint.size, checkpoint.root):
        raise ProofError(
            f"{tree.size} entries do not have the root of the checkpoint of {checkpoint.size}",
            expected=checkpoint.root,
            calculated=tree.root(),
        )
    yield CHECKPOINT_PATH, note.encode("utf-8")

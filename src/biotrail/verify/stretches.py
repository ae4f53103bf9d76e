"""A stretch at a time, in this process or in another: what one worker does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from biotrail.errors import MissingError, StoreBusyError, StoreError
from biotrail.signing import VerifierKey
from biotrail.stores import StoreReader
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import TILE_WIDTH, decode_tile
from biotrail.verify.beside import check_beside
from biotrail.verify.destruction import Destruction
from biotrail.verify.payloads import PayloadCounts
from biotrail.verify.scan import BrokenStretch, Stretch, scan_stretch

__all__ = ["STRETCH", "Result", "Task", "run_task", "stretch_hash"]

STRETCH = TILE_WIDTH * TILE_WIDTH
"""Entries in a stretch: those below one full tile of level 1."""


@attrs.frozen
class Task:
    """What a worker is asked.

    Attributes:
        start: Index of the first entry; a multiple of `STRETCH`.
        stop: One more than the index of the last.
        before: Hashes of the compact range before, as the tiles have them.
        origin: The log's origin.
        keys: Candidate verifier keys, as text.
        every_signature: As `scan_stretch`.
        strict: Decode every entry.
        payloads: Check payloads.
        lookups: Compare look-up columns.
        destruction: What is claimed to have been destroyed; held against the log afterwards.
    """

    start: int
    stop: int
    before: tuple[bytes, ...]
    origin: str
    keys: tuple[str, ...]
    every_signature: bool | None
    strict: bool
    payloads: bool
    lookups: bool
    destruction: Destruction


@attrs.frozen
class Result:
    """What a worker answers: what the scan found, and what was found of payloads."""

    stretch: Stretch
    payloads: PayloadCounts


def run_task(store: StoreReader, task: Task) -> Result:
    """Run a task.

    Raises:
        BrokenStretch: Something in the stretch does not check out.
        VerificationError: What lies beside it does not.
    """
    try:
        stretch = _scan(store, task)
    except StoreBusyError:
        raise
    except StoreError:
        # A row that cannot be read: where, is found by looking at each.
        raise BrokenStretch(task.start) from None
    counts = PayloadCounts()
    if task.payloads or task.lookups:
        counts = check_beside(
            store,
            task.start,
            stretch.leaves,
            destruction=task.destruction,
            payloads=task.payloads,
            lookups=task.lookups,
        )
    stretch.leaves = []  # some megabytes that nobody needs any more
    return Result(stretch, counts)


def _scan(store: StoreReader, task: Task) -> Stretch:
    stretch = scan_stretch(
        store.raw_entries(task.start, task.stop),
        task.start,
        task.stop,
        before=task.before,
        origin=task.origin,
        keys=_by_id(task.keys),
        every_signature=task.every_signature,
        strict=task.strict,
    )
    _compare_tiles(store, stretch)
    return stretch


def stretch_hash(store: StoreReader, number: int) -> bytes:
    """Root of a full stretch, as the stored tile of level 1 has it.

    Raises:
        MissingError: The tile is not there, or not whole.
    """
    tile = store.tile(1, number)
    if type(tile) is not bytes or len(tile) != 32 * TILE_WIDTH:
        raise MissingError(
            f"tile {number} of level 1 is missing or cut short", index=number * STRETCH
        )
    return perfect_root(decode_tile(tile))


def _by_id(keys: Sequence[str]) -> Mapping[bytes, Sequence[VerifierKey]]:
    """Keys by id. An id is four bytes of a hash: anybody can make a key that shares one."""
    found: dict[bytes, list[VerifierKey]] = {}
    for key in map(VerifierKey.parse, keys):
        found.setdefault(key.key_id, []).append(key)
    return found


def _compare_tiles(store: StoreReader, stretch: Stretch) -> None:
    """Hold the stored tiles of levels 0 and 1 against the hashes just calculated."""
    count = stretch.stop - stretch.start
    for first in range(0, count - TILE_WIDTH + 1, TILE_WIDTH):
        number = (stretch.start + first) // TILE_WIDTH
        if store.tile(0, number) != b"".join(stretch.leaves[first : first + TILE_WIDTH]):
            raise BrokenStretch(stretch.start + first)
    if count == STRETCH:
        try:
            stored = stretch_hash(store, stretch.start // STRETCH)
        except MissingError:
            raise BrokenStretch(stretch.start) from None
        if stretch.checked.tree != (stored,):
            raise BrokenStretch(stretch.start)

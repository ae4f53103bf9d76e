"""A stretch at a time, in this process or in another: what one worker does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import attrs

from biotrail.errors import MissingError
from biotrail.signing import VerifierKey
from biotrail.stores import SQLiteReader, StoreReader
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import TILE_WIDTH, decode_tile
from biotrail.verify.beside import Beside, check_beside
from biotrail.verify.scan import BrokenStretch, Stretch, scan_stretch

__all__ = ["STRETCH", "Result", "Task", "run_task", "run_task_on", "stretch_hashes"]

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
        payloads: Open payloads.
        lookups: Compare look-up columns.
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


@attrs.frozen
class Result:
    """What a worker answers: the stretch, and what lies beside it."""

    stretch: Stretch
    beside: Beside


def run_task(path: str | os.PathLike[str], task: Task) -> Result:
    """Run a task on a SQLite file; called in worker processes."""
    reader = _reader(os.fspath(path))
    return run_task_on(reader, task)


_readers: dict[str, SQLiteReader] = {}


def _reader(path: str) -> SQLiteReader:
    if path not in _readers:
        _readers[path] = SQLiteReader(path)
    return _readers[path]


def run_task_on(store: StoreReader, task: Task) -> Result:
    """Run a task on an open store.

    Raises:
        BrokenStretch: Something in the stretch does not check out.
        VerificationError: What lies beside it does not.
    """
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
    stretch.leaves = []  # two megabytes that nobody needs any more
    beside = Beside()
    if task.payloads or task.lookups:
        beside = check_beside(
            store, task.start, task.stop, payloads=task.payloads, lookups=task.lookups
        )
    return Result(stretch, beside)


def stretch_hashes(store: StoreReader, count: int) -> list[bytes]:
    """Root of each of the first `count` full stretches, as the tiles of level 1 have it."""
    hashes = []
    for number in range(count):
        tile = store.tile(1, number)
        if tile is None or len(tile) != 32 * TILE_WIDTH:
            raise MissingError(
                f"tile {number} of level 1 is missing or cut short", index=number * STRETCH
            )
        hashes.append(perfect_root(decode_tile(tile)))
    return hashes


def _by_id(keys: Sequence[str]) -> Mapping[bytes, VerifierKey]:
    parsed = [VerifierKey.parse(text) for text in keys]
    return {key.key_id: key for key in parsed}


def _compare_tiles(store: StoreReader, stretch: Stretch) -> None:
    """Hold the stored tiles of level 0 against the leaf hashes just calculated."""
    for first in range(0, stretch.stop - stretch.start - TILE_WIDTH + 1, TILE_WIDTH):
        number = (stretch.start + first) // TILE_WIDTH
        hashes = b"".join(stretch.leaves[first : first + TILE_WIDTH])
        if store.tile(0, number) != hashes:
            raise BrokenStretch(stretch.start + first)

"""Completeness: the log continues every checkpoint that the auditor kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from biotrail.errors import (
    AlteredError,
    BiotrailError,
    ForkedError,
    InsertedError,
    MalformedError,
    MissingError,
    RolledBackError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey, open_checkpoint, parse_note
from biotrail.stores import StoreReader
from biotrail.tlog import Checkpoint, unverified_checkpoint
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, decode_tile
from biotrail.trust import KeyHistory
from biotrail.verify.prove import unverified_root_at

__all__ = ["check_continues", "check_not_shorter", "check_origins", "check_upper_tiles"]


def check_origins(notes: Sequence[str], origin: str) -> None:
    """The checkpoints that were kept can be read, and are of this log.

    Raises:
        MalformedError: One cannot be read, or is of size 0.
        WrongKeyError: One is of another log.
    """
    for note in notes:
        try:
            kept = Checkpoint.parse(parse_note(note).text)
        except BiotrailError as error:
            raise MalformedError(f"the earlier checkpoint cannot be read: {error}") from error
        if kept.size == 0:
            raise MalformedError("the earlier checkpoint is one of an empty log: none is signed")
        found = kept.origin
        if found != origin:
            raise WrongKeyError(
                f"the earlier checkpoint is one of the log {found!r}, not of {origin!r}",
                expected=origin,
                found=found,
            )


def check_not_shorter(size: int, notes: Sequence[str], keys: Iterable[VerifierKey]) -> None:
    """The log has at least as many entries as every checkpoint that was kept says.

    Args:
        size: Size of the log.
        notes: The checkpoints.
        keys: Keys that are known. One that is not may have been added by an entry that was cut
            off, so a checkpoint that it signed counts too.

    Raises:
        RolledBackError: It has fewer.
        WrongKeyError: A checkpoint of a greater size bears a wrong signature of a known key.
    """
    known = {key.key_id: key for key in keys}
    for note in notes:
        kept = unverified_checkpoint(note).size
        if kept <= size:
            continue
        _refuse_wrong_signature(note, known)
        raise RolledBackError(
            f"the log has {size} entries, and a checkpoint that was kept vouches for {kept}: the "
            "tail was cut off, or an older copy was put in its place",
            index=size,
            expected=kept,
            found=size,
        )


def _refuse_wrong_signature(note: str, known: Mapping[bytes, VerifierKey]) -> None:
    try:
        signers = [known[one.key_id] for one in parse_note(note).signatures if one.key_id in known]
        if signers:
            open_checkpoint(note, signers)
    except BiotrailError as error:
        raise WrongKeyError(
            f"the earlier checkpoint is not one that this log's keys signed: {error}", found=note
        ) from error


def check_continues(store: StoreReader, note: str, history: KeyHistory) -> int:
    """Check that the log continues a checkpoint that was kept; returns its size.

    Args:
        store: The store; its entries and tiles have been checked.
        note: The checkpoint.
        history: The log's keys.

    Raises:
        WrongKeyError: No key of the log in force at its size signed the checkpoint.
        ForkedError: The log has another history than the checkpoint.
    """
    try:
        checkpoint, key = open_checkpoint(note, [one.key for one in history.admissions])
    except BiotrailError as error:
        raise WrongKeyError(
            f"the earlier checkpoint is not one that this log's keys signed: {error}", found=note
        ) from error
    history.check_in_force(key, checkpoint.size)
    root = unverified_root_at(store, checkpoint)  # from tiles that have just been checked
    if root != checkpoint.root:
        raise ForkedError(
            f"at size {checkpoint.size} the log has another history than the checkpoint that was "
            "kept, and both are signed: a split view",
            index=checkpoint.size - 1,
            expected=checkpoint.root.hex(),
            found=root.hex(),
        )
    return checkpoint.size


def check_upper_tiles(store: StoreReader, size: int) -> None:
    """Check the tiles of level 2 and up, and that there are none where there should not be.

    Raises:
        VerificationError: A tile is missing, changed, or stands for entries that are not there.
    """
    level = 2
    while count := size >> TILE_HEIGHT * (level + 1):
        for index in range(count):
            _check_upper_tile(store, level, index)
        level += 1
    listed = list(store.tiles())
    # Entries may have been appended while this was verified: ask for the head after the tiles.
    grown = store.extent().head
    for level, index in listed:
        if level < 0 or index < 0 or (index + 1) * TILE_WIDTH ** (min(level, 8) + 1) > grown:
            raise InsertedError(
                f"tile {index} of level {level} lies beyond the log",
                index=max(index, 0) * TILE_WIDTH ** (max(min(level, 8), 0) + 1),
            )


def _check_upper_tile(store: StoreReader, level: int, index: int) -> None:
    below = (_tile(store, level - 1, index * TILE_WIDTH + i) for i in range(TILE_WIDTH))
    true = b"".join(perfect_root(decode_tile(tile)) for tile in below)
    if _tile(store, level, index) != true:
        raise AlteredError(
            f"tile {index} of level {level} was changed; the entries hold",
            index=index * TILE_WIDTH ** (level + 1),
        )


def _tile(store: StoreReader, level: int, index: int) -> bytes:
    tile = store.tile(level, index)
    if tile is None:
        raise MissingError(
            f"tile {index} of level {level} is missing", index=index * TILE_WIDTH ** (level + 1)
        )
    return tile

"""Verdicts where every entry follows on the one before: on the end, tiles and columns."""

from __future__ import annotations

from biotrail.errors import (
    AlteredError,
    InsertedError,
    MissingError,
    TruncatedError,
    VerificationError,
)
from biotrail.tlog import leaf_hash
from biotrail.tlog.hashing import perfect_root
from biotrail.tlog.tiles import TILE_WIDTH, decode_tile
from biotrail.verify.beside import check_beside
from biotrail.verify.destruction import Destruction
from biotrail.verify.seen import Seen
from biotrail.verify.signed import settle

__all__ = ["check_end", "hole"]

_WHOLE = 32 * TILE_WIDTH


def check_end(seen: Seen, reached: int) -> None:
    """Judge what is left once all rows have been walked over.

    Args:
        seen: The log.
        reached: How many rows there were.

    Raises:
        VerificationError: Something is wrong.
    """
    settle(seen)
    if reached < seen.size:
        raise hole(seen, reached, seen.size - 1)
    if seen.good < seen.size:
        raise _uncovered(seen)
    if seen.head != seen.size:
        raise AlteredError(
            f"the head names {seen.head} entries, and {seen.size} are there and signed",
            index=seen.head,
            expected=seen.size,
            found=seen.head,
        )
    _check_tiles(seen)
    _check_stretch_tiles(seen)
    _check_columns(seen)


def hole(seen: Seen, expected: int, found: int) -> VerificationError:
    """The verdict on a place without a row: a hole, or the end with something put behind it."""
    if expected < seen.head:
        return MissingError(
            f"entry {expected} is missing", index=expected, expected=expected, found=found
        )
    return InsertedError(
        f"the rows behind the head, from {expected} on, were put in",
        index=expected,
        expected=expected,
        found=found,
    )


def _uncovered(seen: Seen) -> VerificationError:
    if seen.head < seen.size and seen.good >= seen.head:
        return InsertedError(
            f"the entries from {seen.good} on were put in: no checkpoint covers them",
            index=seen.good,
            expected=seen.good,
            found=seen.size,
        )
    return TruncatedError(
        f"no checkpoint covers the entries from {seen.good} on: the tail was cut off within a "
        "batch, or they were put in",
        index=seen.good,
        expected=seen.good,
        found=seen.size,
    )


def _check_tiles(seen: Seen) -> None:
    for first in range(0, seen.size - TILE_WIDTH + 1, TILE_WIDTH):
        number = first // TILE_WIDTH
        tile = seen.store.tile(0, number)
        if tile is None:
            raise MissingError(f"tile {number} of level 0 is missing", index=first)
        if type(tile) is not bytes or len(tile) != _WHOLE:
            raise AlteredError(f"tile {number} of level 0 is not a tile", index=first)
        at = seen.first_unlike_tile(first, first + TILE_WIDTH)
        if at is not None:
            raise AlteredError(
                f"tile {number} of level 0 was changed; the entries hold",
                index=at,
                found=tile.hex(),
            )


def _check_stretch_tiles(seen: Seen) -> None:
    span = TILE_WIDTH**2
    for number in range(seen.size // span):
        below = (seen.store.tile(0, number * TILE_WIDTH + i) for i in range(TILE_WIDTH))
        true = b"".join(perfect_root(decode_tile(tile)) for tile in below if tile is not None)
        found = seen.store.tile(1, number)
        if found is None:
            raise MissingError(f"tile {number} of level 1 is missing", index=number * span)
        if found != true:
            raise AlteredError(
                f"tile {number} of level 1 was changed; the entries hold", index=number * span
            )


def _check_columns(seen: Seen) -> None:
    """A key in a look-up column that was changed is not found there."""
    for first in range(0, seen.size, TILE_WIDTH):
        stop = min(first + TILE_WIDTH, seen.size)
        leaves = [leaf_hash(data) for _, data, _ in seen.store.raw_entries(first, stop)]
        check_beside(
            seen.store,
            first,
            leaves,
            destruction=Destruction(),
            payloads=False,
            lookups=True,
        )

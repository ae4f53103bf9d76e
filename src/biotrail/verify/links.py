"""Verdicts on rows that stand in their place but do not follow on the row before."""

from __future__ import annotations

from biotrail.errors import (
    AlteredError,
    InsertedError,
    MalformedError,
    MissingError,
    VerificationError,
)
from biotrail.tlog import leaf_hash
from biotrail.verify.seen import Row, Seen
from biotrail.verify.signed import settle, vouches

__all__ = ["check_link"]


def check_link(seen: Seen, row: Row, following: Row | None) -> None:
    """Check that a row names the leaf hash of the one before, and no earlier time.

    Args:
        seen: The log before it.
        row: The row; its head can be read and says its index.
        following: The row after it, if there is one.

    Raises:
        VerificationError: It does not.
    """
    assert row.head is not None
    if row.head.prev != seen.prev:
        raise _broken(seen, row, following)
    if row.head.recorded < seen.recorded:
        seen.suspect(
            row.index,
            MalformedError(
                f"entry {row.index} was recorded like this, but says a time earlier than that of "
                "the one before it",
                index=row.index,
                expected=seen.recorded,
                found=row.head.recorded,
            ),
        )


def _broken(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    """Two rows that do not fit: find out about which of them the others speak."""
    assert row.head is not None
    index, claimed = row.index, row.head.prev
    if index == 0:
        return AlteredError(
            "entry 0 was changed", index=0, expected=seen.prev.hex(), found=claimed.hex()
        )
    if claimed == seen.before and index > 1:
        return InsertedError(
            f"the entry at {index - 1} was put in: entry {index} follows on the one before that",
            index=index - 1,
            expected=seen.before.hex(),
            found=seen.prev.hex(),
        )
    if (earlier := _wrong_before(seen, row)) is not None:
        return earlier
    if seen.good < index and _is_signed_over(seen, row, claimed):
        return _before_changed(seen, index, claimed)
    # Tiles speak for the row before only where they speak against this one.
    before_holds = (
        seen.good == index
        or (seen.tile_leaf(index - 1) == seen.prev and seen.tile_leaf(index) != row.leaf)
        or _is_signed_when_mended(seen, row)
    )
    lost = seen.tile_leaf(index) == claimed
    if lost or (before_holds and seen.displacement() > 0):
        return MissingError(
            f"entry {index} is missing, and those after it were renumbered",
            index=index,
            expected=claimed.hex(),
            found=row.leaf.hex(),
        )
    witness = seen.witness(index, following)
    if before_holds or (witness is not None and witness != row.leaf):
        return AlteredError(
            f"entry {index} was changed",
            index=index,
            expected=None if witness is None else witness.hex(),
            found=row.leaf.hex(),
        )
    return _before_changed(seen, index, claimed)


def _before_changed(seen: Seen, index: int, claimed: bytes) -> AlteredError:
    return AlteredError(
        f"entry {index - 1} was changed",
        index=index - 1,
        expected=claimed.hex(),
        found=seen.prev.hex(),
    )


def _wrong_before(seen: Seen, row: Row) -> VerificationError | None:
    """The verdict on entries before a row, where a checkpoint or a tile speaks against them."""
    assert row.head is not None
    try:
        settle(seen)
    except VerificationError as error:
        if isinstance(error, AlteredError) and error.index == row.index - 1:
            return _before_changed(seen, row.index, row.head.prev)
        return error
    tile = seen.tile_leaf(row.index - 1)
    if seen.good < row.index and tile is not None and tile != seen.prev:
        return _before_changed(seen, row.index, tile)
    return None


def _is_signed_over(seen: Seen, row: Row, claimed: bytes) -> bool:
    """Whether a row's own checkpoint holds if the row before is the one that it names."""
    tree = seen.prior.copy()
    tree.extend((claimed, row.leaf))
    return row.note is not None and vouches(seen, row.note, tree)


def _is_signed_when_mended(seen: Seen, row: Row) -> bool:
    """Whether a row's own checkpoint holds if the row names the one before aright."""
    assert row.head is not None
    tree = seen.tree.copy()
    tree.append(leaf_hash(row.data.replace(row.head.prev, seen.prev, 1)))
    return row.note is not None and vouches(seen, row.note, tree)

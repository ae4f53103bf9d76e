"""Verdicts on rows that stand in their place but do not follow on the row before."""

from __future__ import annotations

from biotrail.errors import (
    AlteredError,
    InsertedError,
    MalformedError,
    MissingError,
    VerificationError,
)
from biotrail.verify.seen import Row, Seen
from biotrail.verify.signed import settle

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
        raise _earlier(seen, row, following)


def _earlier(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    assert row.head is not None
    changed = seen.is_contradicted(row, following)
    what = "was changed: it" if changed else "was recorded like this, but"
    return (AlteredError if changed else MalformedError)(
        f"entry {row.index} {what} says a time earlier than that of the one before it",
        index=row.index,
        expected=seen.recorded,
        found=row.head.recorded,
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
    before_holds = seen.tile_leaf(index - 1) == seen.prev or _is_signed_up_to(seen, index)
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
    return AlteredError(
        f"entry {index - 1} was changed",
        index=index - 1,
        expected=claimed.hex(),
        found=seen.prev.hex(),
    )


def _is_signed_up_to(seen: Seen, index: int) -> bool:
    """Whether a checkpoint that holds covers exactly the entries before."""
    try:
        settle(seen)
    except VerificationError:
        return False
    return seen.good == index

"""Verdicts on rows that do not stand where they were recorded."""

from __future__ import annotations

from collections.abc import Iterator

from biotrail.errors import (
    AlteredError,
    BiotrailError,
    InsertedError,
    MalformedError,
    MissingError,
    ReorderedError,
    VerificationError,
)
from biotrail.tlog import unverified_checkpoint
from biotrail.verify.ends import hole
from biotrail.verify.seen import Row, Seen, read_rows
from biotrail.verify.signed import settle

__all__ = ["check_place"]


def check_place(seen: Seen, row: Row, expected: int, following: Row | None) -> None:
    """Check that the row at hand is the one that was recorded at the index expected.

    Args:
        seen: The log before it.
        row: The row.
        expected: The index that comes next.
        following: The row after it, if there is one.

    Raises:
        VerificationError: It is not.
    """
    verdict = _verdict(seen, row, expected, following)
    if verdict is not None:
        # What a checkpoint says of the entries before comes first.
        settle(seen)
        raise verdict


def _verdict(
    seen: Seen, row: Row, expected: int, following: Row | None
) -> VerificationError | None:
    if row.index != expected:
        return hole(seen, expected, row.index)
    if row.fault:
        return MalformedError(f"entry {expected} cannot be read: {row.fault}", index=expected)
    if row.head is None:
        return _unreadable(seen, row, following)
    recorded_at = row.head.index
    if recorded_at == expected:
        return None
    if row.head.prev == seen.prev and row.leaf != seen.tile_leaf(expected):
        # It follows on the one before, so it belongs here; only its number is another.
        return AlteredError(
            f"the index in entry {expected} was changed",
            index=expected,
            expected=expected,
            found=recorded_at,
        )
    return (_lower if recorded_at < expected else _higher)(seen, row, following)


def _unreadable(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    if not seen.is_contradicted(row, following):
        return MalformedError(
            f"entry {row.index} was recorded like this, but is not an entry",
            index=row.index,
            found=row.leaf.hex(),
        )
    witness = seen.witness(row.index, following)
    return AlteredError(
        f"entry {row.index} was changed, and cannot even be read as an entry",
        index=row.index,
        expected=None if witness is None else witness.hex(),
        found=row.leaf.hex(),
    )


def _lower(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    """The row was recorded at a lower index."""
    assert row.head is not None
    index, recorded_at = row.index, row.head.index
    if recorded_at == index - 1 and row.head.prev == seen.before and row.leaf != seen.prev:
        return _rivals(seen, row, following)
    if _next_in_place(row, following):
        return _overwritten(row)
    return InsertedError(
        f"the entry at {index} was put in: it was recorded at {recorded_at}",
        index=index,
        expected=index,
        found=recorded_at,
    )


def _rivals(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    """Two rows claim the place before: the one that nothing speaks for was put in."""
    rival = row.index - 1
    true = seen.tile_leaf(rival)
    if true is None and following is not None and following.head is not None:
        true = following.head.prev
    at = rival if true == row.leaf else row.index
    return InsertedError(
        f"the entry at {at} was put in: two claim the place {rival}",
        index=at,
        expected=row.leaf.hex() if at == rival else None,
        found=(seen.prev if at == rival else row.leaf).hex(),
    )


def _higher(seen: Seen, row: Row, following: Row | None) -> VerificationError:
    """The row was recorded at a higher index."""
    assert row.head is not None
    index, recorded_at = row.index, row.head.index
    if _is_next(seen, following, index) and (recorded_at >= seen.size or _again(seen, row)):
        return InsertedError(
            f"the entry at {index} was put in: it was recorded at {recorded_at}",
            index=index,
            expected=index,
            found=recorded_at,
        )
    if any(_is_next(seen, later, index) for later in _later(seen, row)):
        return ReorderedError(
            f"the entry at {index} was recorded at {recorded_at}: entries were reordered",
            index=index,
            expected=index,
            found=recorded_at,
        )
    if _next_in_place(row, following):
        return _overwritten(row)
    return MissingError(
        f"entry {index} is missing, and those after it were moved up",
        index=index,
        expected=index,
        found=recorded_at,
    )


def _overwritten(row: Row) -> AlteredError:
    assert row.head is not None
    return AlteredError(
        f"entry {row.index} was overwritten with one recorded at {row.head.index}",
        index=row.index,
        expected=row.index,
        found=row.head.index,
    )


def _next_in_place(row: Row, following: Row | None) -> bool:
    """Whether what comes after the row stands where it belongs, so that nothing was moved."""
    if following is not None:
        return following.head is not None and following.head.index == row.index + 1
    try:
        return row.note is not None and unverified_checkpoint(row.note).size == row.index + 1
    except BiotrailError:
        return False


def _is_next(seen: Seen, row: Row | None, index: int) -> bool:
    """Whether a row is the one that was recorded after what has been seen."""
    if row is None or row.head is None:
        return False
    return row.head.index == index and row.head.prev == seen.prev


def _again(seen: Seen, row: Row) -> bool:
    return any(later.data == row.data for later in _later(seen, row))


def _later(seen: Seen, row: Row) -> Iterator[Row]:
    return read_rows(seen.store, row.index + 1, seen.size)

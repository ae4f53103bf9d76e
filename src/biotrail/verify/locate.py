"""Where, and what: from "something does not check out" to a named verdict at an index.

A verdict rests on what does check out around it. For the entry at an index there are up to three
witnesses besides its own bytes: the entry after it, which names its leaf hash; the stored tile; and
the signed checkpoints. The rules, for the first index i at which the chain does not hold:

- no row at i: *missing*;
- the row at i was recorded at another index: *inserted* if it, or what it pushed aside, stands at
  its own place too; *reordered* if the one recorded at i stands elsewhere; *altered* if what comes
  after stands where it belongs; else i is *missing*;
- the row says i but does not follow on i - 1: *missing* if a witness shows that the entry recorded
  at i is the one that this row follows on; else whichever of the two a witness contradicts was
  *altered*;
- an entry that breaks a rule was recorded like that (*malformed*, or another verdict) only if the
  checkpoint that covers it holds;
- the chain holds to the end, but a checkpoint does not: the first leaf that differs from its tile
  was *altered*; without a tile, the first entry after the last good checkpoint that anything beside
  it contradicts; failing that, the entry after that checkpoint stands for the whole batch. Where
  the last checkpoint speaks for another number of entries, some are *missing* or *inserted*. Or the
  checkpoint itself was altered, or signed with a *wrong key*.

All entries below the index of a verdict that rests on a checkpoint are proven.
"""

from __future__ import annotations

from collections.abc import Sequence

from biotrail.canonical import decode_entry, parse_time
from biotrail.canonical.event_pattern import matches_event
from biotrail.errors import (
    AlteredError,
    CanonicalError,
    MalformedError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey
from biotrail.stores import StoreReader
from biotrail.trust import KEY_KINDS, KeyHistory
from biotrail.verify.ends import check_end
from biotrail.verify.links import check_link
from biotrail.verify.places import check_place
from biotrail.verify.seen import Row, Seen, read_rows
from biotrail.verify.signed import settle

__all__ = ["locate"]


def locate(
    store: StoreReader,
    size: int,
    origin: str,
    trusted: Sequence[VerifierKey],
    *,
    head: int | None = None,
) -> VerificationError:
    """Find the first thing that is wrong, and return the verdict.

    Args:
        store: The store.
        size: Number of entries to look at.
        origin: The origin that the log must have.
        trusted: The auditor's keys.
        head: The size that the head names, where it is not `size`.
    """
    try:
        _walk(Seen(store, size, size if head is None else head, trusted, KeyHistory(origin)))
    except VerificationError as error:
        return error
    return AlteredError("the log changed while it was verified: verify again")


def _walk(seen: Seen) -> None:
    """One pass from the first entry, with a look ahead of one row."""
    rows = read_rows(seen.store, 0, seen.size)
    row, expected = next(rows, None), 0
    while row is not None:
        following = next(rows, None)
        check_place(seen, row, expected, following)
        check_link(seen, row, following)
        _take(seen, row)
        expected, row = expected + 1, following
    check_end(seen, expected)


def _take(seen: Seen, row: Row) -> None:
    seen.take(row)
    _take_keys(seen, row)
    if row.note is not None:
        # A checkpoint is judged once the entry after it has been seen to follow on.
        settle(seen)
        seen.pending = row.note, seen.tree.copy()


def _take_keys(seen: Seen, row: Row) -> None:
    """Decode an entry, and take note of it if it is about keys."""
    assert row.head is not None
    try:
        parse_time(row.head.recorded)
        if row.index and matches_event(row.head.body, 0):
            return
        entry = decode_entry(row.data)
    except CanonicalError as error:
        what = f"entry {row.index} was recorded like this, but is malformed: {error}"
        seen.suspect(row.index, MalformedError(what, index=row.index, found=row.leaf.hex()))
        return
    if row.index == 0 and entry.kind != "genesis":
        raise WrongKeyError(
            "entry 0 is no genesis entry, so the log names no key",
            index=0,
            expected="genesis",
            found=entry.kind,
        )
    if entry.kind not in KEY_KINDS:
        return
    settle(seen)
    try:
        seen.history.apply(row.index, entry.kind, entry.content)
    except VerificationError as error:
        seen.suspect(row.index, error)

"""Where, and what: from "something does not check out" to a named verdict at an index.

A verdict rests on what does check out around it. For the entry at an index there are up to three
witnesses besides its own bytes: the entry after it, which names its leaf hash; the stored tile; and
the signed checkpoints. The rules, for the first index i at which the chain does not hold:

- no row at i: *missing*;
- the row at i was recorded at another index: *inserted* if it, or what it pushed aside, stands at
  its own place too; *reordered* if the one recorded at i stands elsewhere; else i is *missing*;
- the row says i but does not follow on i - 1: *missing* if a witness shows that the entry recorded
  at i is the one that this row follows on; else whichever of the two a witness contradicts was
  *altered*;
- the chain holds to the end, but a checkpoint does not: the first leaf that differs from its tile
  was *altered*; without a tile, the entry after the last good checkpoint that anything speaks
  against; or the checkpoint itself was altered, or signed with a *wrong key*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from biotrail.canonical import FIRST_PREV, Head, decode_entry, split_entry
from biotrail.errors import (
    AlteredError,
    BiotrailError,
    InsertedError,
    MalformedError,
    MissingError,
    ReorderedError,
    TruncatedError,
    VerificationError,
    WrongKeyError,
)
from biotrail.signing import VerifierKey, parse_note
from biotrail.stores import StoreReader
from biotrail.tlog import Checkpoint, CompactRange, leaf_hash
from biotrail.trust import KeyHistory
from biotrail.verify.beside import check_beside

__all__ = ["locate"]

_KEY_KINDS = ("genesis", "key_added", "key_retired")


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
        _Walk(store, size, origin, trusted).run(head)
    except VerificationError as error:
        return error
    return AlteredError(
        "the log changed while it was verified, or a stored tile does not agree: verify again"
    )


@attrs.define
class _Row:
    index: int
    data: bytes
    note: str | None
    head: Head | None
    leaf: bytes


class _Walk:
    """One pass from the first entry, with a look ahead of one row."""

    def __init__(
        self, store: StoreReader, size: int, origin: str, trusted: Sequence[VerifierKey]
    ) -> None:
        self.store = store
        self.size = size
        self.history = KeyHistory(origin)
        self.trusted = trusted
        self.tree = CompactRange()
        self.before = FIRST_PREV  # leaf hash of the entry before the last
        self.prev = FIRST_PREV  # leaf hash of the last entry
        self.recorded = ""
        self.good = 0  # size of the last checkpoint that held
        self.pending: list[tuple[int, str]] = []  # checkpoints after it, not yet compared

    def run(self, head: int | None) -> None:
        rows = self._rows()
        row = next(rows, None)
        if row is None:
            raise MissingError("entry 0 is missing", index=0)
        expected = 0
        while row is not None:
            following = next(rows, None)
            self._check_place(row, expected, following)
            self._check_link(row, following)
            self._take(row, following)
            expected, row = expected + 1, following
        if expected < self.size:
            raise MissingError(f"entry {expected} is missing", index=expected)
        self._check_end(head)

    def _rows(self) -> Iterator[_Row]:
        for index, data, note in self.store.raw_entries(0, self.size):
            try:
                head: Head | None = split_entry(data)
            except BiotrailError:
                head = None
            yield _Row(index, data, note, head, leaf_hash(data))

    # --- place -------------------------------------------------------------------------------

    def _check_place(self, row: _Row, expected: int, following: _Row | None) -> None:
        if row.index != expected:
            raise MissingError(
                f"entry {expected} is missing", index=expected, expected=expected, found=row.index
            )
        if row.head is None:
            raise self._unreadable(row, expected, following)
        recorded_at = row.head.index
        if recorded_at == expected:
            return
        if self._is_only_renumbered(row, expected):
            raise AlteredError(f"the index in entry {expected} was changed", index=expected)
        if recorded_at < expected:
            self._judge_lower(row, expected, following)
        self._judge_higher(row, expected, following)

    def _unreadable(self, row: _Row, expected: int, following: _Row | None) -> VerificationError:
        witness = self._witness(expected, following)
        if witness is not None and witness == row.leaf:
            return MalformedError(
                f"entry {expected} was recorded like this, but is not an entry", index=expected
            )
        return AlteredError(
            f"entry {expected} was changed, and cannot even be read as an entry",
            index=expected,
            expected=None if witness is None else witness.hex(),
            found=row.leaf.hex(),
        )

    def _is_only_renumbered(self, row: _Row, expected: int) -> bool:
        """The row follows on the one before, so it belongs here; only its number is another."""
        assert row.head is not None
        return row.head.prev == self.prev and row.leaf != self._tile_leaf(expected)

    def _judge_lower(self, row: _Row, expected: int, following: _Row | None) -> None:
        assert row.head is not None
        rival = expected - 1
        if row.head.index == rival and row.head.prev == self.before:
            # Two rows claim the place before: the one that nothing speaks for was put in.
            true = self._tile_leaf(rival)
            speaks_for_this = true == row.leaf or (
                true is None
                and following is not None
                and following.head is not None
                and following.head.prev == row.leaf
            )
            at = rival if speaks_for_this and row.leaf != self.prev else expected
            raise InsertedError(f"the entry at {at} was put in", index=at)
        raise InsertedError(
            f"the entry at {expected} is a copy of one recorded at {row.head.index}",
            index=expected,
            expected=expected,
            found=row.head.index,
        )

    def _judge_higher(self, row: _Row, expected: int, following: _Row | None) -> None:
        assert row.head is not None
        pushed = following is not None and following.head is not None
        if pushed and following is not None and following.head is not None:
            right = following.head.index == expected and following.head.prev == self.prev
            if right and self._stands_again(row):
                raise InsertedError(
                    f"the entry at {expected} was put in; it is a copy of a later one",
                    index=expected,
                )
        if self._stands_later(expected):
            raise ReorderedError(
                f"the entry at {expected} was recorded at {row.head.index}: entries were reordered",
                index=expected,
                expected=expected,
                found=row.head.index,
            )
        raise MissingError(
            f"entry {expected} is missing, and those after it were moved up",
            index=expected,
            expected=expected,
            found=row.head.index,
        )

    def _stands_again(self, row: _Row) -> bool:
        later = self.store.raw_entries(row.index + 1, self.size)
        return any(data == row.data for _, data, _ in later)

    def _stands_later(self, expected: int) -> bool:
        for _, data, _ in self.store.raw_entries(expected + 1, self.size):
            try:
                head = split_entry(data)
            except BiotrailError:
                continue
            if head.index == expected and head.prev == self.prev:
                return True
        return False

    # --- link --------------------------------------------------------------------------------

    def _check_link(self, row: _Row, following: _Row | None) -> None:
        assert row.head is not None
        index, claimed = row.index, row.head.prev
        if claimed != self.prev:
            self._judge_link(row, following)
        if row.head.recorded < self.recorded:
            with_it = self.tree.copy()
            with_it.append(row.leaf)
            if self._is_contradicted(row, following, with_it.root()):
                raise AlteredError(f"entry {index} was changed", index=index)
            raise MalformedError(
                f"entry {index} was recorded earlier than the one before it",
                index=index,
                expected=self.recorded,
                found=row.head.recorded,
            )

    def _judge_link(self, row: _Row, following: _Row | None) -> None:
        assert row.head is not None
        index, claimed = row.index, row.head.prev
        if index == 0:
            raise AlteredError("entry 0 was changed", index=0)
        if claimed == self.before and index > 1:
            raise InsertedError(f"the entry at {index - 1} was put in", index=index - 1)
        if self._tile_leaf(index) == claimed:
            raise MissingError(
                f"entry {index} is missing, and those after it were renumbered", index=index
            )
        witness = self._witness(index, following)
        before_holds = self._tile_leaf(index - 1) == self.prev or self._is_signed_up_to(index)
        this_changed = before_holds or (witness is not None and witness != row.leaf)
        if this_changed:
            raise AlteredError(
                f"entry {index} was changed",
                index=index,
                expected=None if witness is None else witness.hex(),
                found=row.leaf.hex(),
            )
        raise AlteredError(
            f"entry {index - 1} was changed",
            index=index - 1,
            expected=claimed.hex(),
            found=self.prev.hex(),
        )

    def _is_signed_up_to(self, index: int) -> bool:
        """Whether a checkpoint that holds covers exactly the entries before."""
        try:
            self._settle_checkpoint()
        except VerificationError:
            return False
        return self.good == index

    def _is_contradicted(self, row: _Row, following: _Row | None, root: bytes) -> bool:
        """Whether anything beside an entry says that it was recorded otherwise.

        Args:
            row: The entry's row.
            following: The row after it.
            root: The root of the tree with the entry as it is.
        """
        witness = self._witness(row.index, following)
        if witness is not None or row.note is None:
            return witness is not None and witness != row.leaf
        try:
            return Checkpoint.parse(parse_note(row.note).text).root != root
        except BiotrailError:
            return True

    def _witness(self, index: int, following: _Row | None) -> bytes | None:
        """What others say the leaf hash at `index` is: the tile, or the entry after."""
        tile = self._tile_leaf(index)
        if tile is not None:
            return tile
        if following is None or following.head is None or following.head.index != index + 1:
            return None
        return following.head.prev

    def _tile_leaf(self, index: int) -> bytes | None:
        tile = self.store.tile(0, index // 256)
        if tile is None or len(tile) != 8192:
            return None
        return tile[index % 256 * 32 : index % 256 * 32 + 32]

    # --- checkpoints -------------------------------------------------------------------------

    def _take(self, row: _Row, following: _Row | None) -> None:
        assert row.head is not None
        self.before, self.prev, self.recorded = self.prev, row.leaf, row.head.recorded
        self.tree.append(row.leaf)
        self._take_keys(row, following)
        if row.note is None:
            return
        # A checkpoint is judged once the entry after it has been seen to follow on.
        self._settle_checkpoint()
        self.pending = [(row.index + 1, row.note)]
        self._root_there = self.tree.root()

    def _take_keys(self, row: _Row, following: _Row | None) -> None:
        try:
            entry = decode_entry(row.data)
            if entry.kind in _KEY_KINDS:
                self._settle_checkpoint()
                self.history.apply(row.index, entry.kind, entry.content)
        except BiotrailError as error:
            if self._is_contradicted(row, following, self.tree.root()):
                raise AlteredError(
                    f"entry {row.index} was changed", index=row.index, found=row.leaf.hex()
                ) from error
            if isinstance(error, VerificationError):
                raise
            raise MalformedError(f"entry {row.index}: {error}", index=row.index) from error

    def _settle_checkpoint(self) -> None:
        while self.pending:
            size, note = self.pending.pop()
            self._check_checkpoint(size, note, self._root_there)
            self.good = size

    def _check_checkpoint(self, size: int, note: str, root: bytes) -> None:
        index = size - 1
        try:
            signed = parse_note(note)
            claimed = Checkpoint.parse(signed.text)
        except BiotrailError as error:
            raise AlteredError(
                f"the checkpoint at entry {index} was changed: {error}", index=index, found=note
            ) from error
        if claimed.origin != self.history.origin or not self.history.admissions:
            raise WrongKeyError(
                f"this is the log {claimed.origin!r}, not {self.history.origin!r}",
                index=0,
                expected=self.history.origin,
                found=claimed.origin,
            )
        if signed.signatures[0].name != claimed.origin:
            raise AlteredError(
                f"the first signature of the checkpoint at entry {index} is not the log's own",
                index=index,
                found=note,
            )
        self._check_signature(index, note, signed)
        if claimed.size != size:
            raise AlteredError(
                f"the checkpoint at entry {index} is for size {claimed.size}: it was moved there",
                index=index,
                expected=size,
                found=claimed.size,
            )
        if claimed.root != root:
            raise self._altered_under(size, claimed.root, root)
        self.history.settle(size)

    def _check_signature(self, index: int, note: str, signed: object) -> None:
        try:
            # Whether the key is in force is said by the replay; here only who signed what.
            self.history.open(note, unverified_size(note))
        except WrongKeyError:
            raise
        except BiotrailError as error:
            known = {one.key.key_id for one in self.history.admissions}
            ids = {one.key_id for one in signed.signatures}  # type: ignore[attr-defined]
            if not known & ids:
                raise WrongKeyError(
                    f"the checkpoint at entry {index} is signed by a key that the log never added",
                    index=index,
                    expected=sorted(key.hex() for key in known),
                    found=sorted(one.hex() for one in ids),
                ) from error
            raise AlteredError(
                f"the checkpoint at entry {index} was changed: {error}", index=index, found=note
            ) from error

    def _altered_under(self, size: int, expected: bytes, found: bytes) -> VerificationError:
        """A signed root does not fit entries whose chain holds: find which was changed."""
        first, last = self.good, size - 1
        for index in range(first, size):
            true = self._tile_leaf(index)
            if true is not None and true != self._leaf(index):
                first = last = index
                break
        else:
            last = self._spoken_against(first, size)
        return AlteredError(
            f"entry {last} was changed"
            + ("" if last == first else f", or one before it down to {first}"),
            index=last,
            expected=expected.hex(),
            found=found.hex(),
        )

    def _spoken_against(self, first: int, size: int) -> int:
        """The first entry that what lies beside it contradicts; else the last of the batch."""
        for index in range(first, size):
            try:
                check_beside(self.store, index, index + 1, payloads=True, lookups=True)
            except VerificationError:
                return index
        return size - 1

    def _leaf(self, index: int) -> bytes:
        return next(leaf_hash(data) for _, data, _ in self.store.raw_entries(index, index + 1))

    # --- end ---------------------------------------------------------------------------------

    def _check_end(self, head: int | None) -> None:
        self._settle_checkpoint()
        if self.good < self.size:
            if head is not None and head < self.size:
                raise InsertedError(
                    f"the entries from {head} on were put in: no checkpoint covers them",
                    index=head,
                    expected=head,
                    found=self.size,
                )
            raise TruncatedError(
                f"no checkpoint covers the entries from {self.good} on: the tail was cut off "
                "within a batch, or they were put in",
                index=self.good,
                expected=self.good,
                found=self.size,
            )
        if head is not None and head != self.size:
            raise AlteredError(
                f"the head names {head} entries, and {self.size} are there and signed",
                expected=self.size,
                found=head,
            )
        self._check_tiles()

    def _check_tiles(self) -> None:
        """Everything else holds: then a tile does not."""
        for number in range(self.size // 256):
            tile = self.store.tile(0, number)
            if tile is None:
                raise MissingError(f"tile {number} of level 0 is missing", index=number * 256)
            for index in range(number * 256, number * 256 + 256):
                if self._tile_leaf(index) != self._leaf(index):
                    raise AlteredError(
                        f"tile {number} of level 0 was changed; the entries hold", index=index
                    )
        for number in range(self.size // 65536):
            raise AlteredError(
                f"a tile of level 1, from number {number} on, was changed; the entries hold"
            )


def unverified_size(note: str) -> int:
    """The size that a note claims, for handing it to a check that wants one."""
    return Checkpoint.parse(parse_note(note).text).size

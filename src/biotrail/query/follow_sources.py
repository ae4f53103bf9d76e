"""Where followers' records come from: proven against a checkpoint, or as they lie in the store."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from biotrail.errors import BiotrailError, ForkedError, MissingError, RolledBackError
from biotrail.query.condition import Condition
from biotrail.query.engine import Engine
from biotrail.query.follow_feed import Feed
from biotrail.query.opening import Opening
from biotrail.query.record import Record, Unreadable
from biotrail.query.rows import Rows, rows_of
from biotrail.query.verified import VerifiedEntry
from biotrail.signing import SignedCheckpoint
from biotrail.stores import StoreReader
from biotrail.stores.watching import watch_store
from biotrail.tlog import ProofFile

__all__ = ["RecordSource", "VerifiedSource", "feed_of"]


def feed_of(source: VerifiedSource | RecordSource) -> Feed[Any]:
    """A feed of what a source gives."""
    return Feed(source, partial(watch_store, source.store))


class VerifiedSource:
    """Entries held against the tree of the last checkpoint that was verified.

    Attributes:
        store: The log.
    """

    def __init__(self, engine: Engine) -> None:
        """Read by an engine of one's own: what follows is not held up by questions."""
        self.store = engine.store
        self._engine = engine
        # Proofs are asked for by followers, while the feed reads on.
        self._lock = threading.Lock()
        self._checkpoint: SignedCheckpoint | None = None

    def check_open(self, condition: Condition) -> None:
        """Refuse a condition about what is sealed.

        Raises:
            SealedError: The log seals a field, and the vault was not given.
        """
        with self._lock:
            self._engine.check_open(condition.fields())

    def advance(self) -> int:
        """Verify the checkpoint at the head, and that the log goes on; its size.

        Raises:
            VerificationError: The log does not check out, or is not the same any more.
            SignatureError: No key of the log signed the checkpoint.
            StoreError: It cannot be read.
        """
        with self._lock:
            self._checkpoint = self._engine.checkpoints.latest()
            return self._checkpoint.size

    def read(self, start: int, stop: int) -> tuple[Sequence[VerifiedEntry], BiotrailError | None]:
        """The entries of a range, proven and opened; see `Source.read`."""
        with self._lock:
            checkpoint, tree = self._checkpoint, self._engine.checkpoints.tree
            assert checkpoint is not None
            rows, error = _rows(self.store, start, stop)
            for at, (index, data) in enumerate(rows):
                try:
                    tree.check(index, data)
                except BiotrailError as found:
                    rows, error = rows[:at], found
                    break
            opened, worse = self._open(rows)
            proven = [VerifiedEntry(one, checkpoint, self._prove) for one in opened]
            return proven, worse or error

    def _open(self, rows: Rows) -> tuple[list[Record], BiotrailError | None]:
        opened: list[Record] = []
        found, error = _opened(self.store, self._engine._opening, rows)
        for one in found:
            if isinstance(one, Unreadable):
                return opened, one.error
            opened.append(one)
        return opened, error

    def _prove(
        self, record: Record, checkpoint: SignedCheckpoint, fields: Collection[str]
    ) -> ProofFile:
        with self._lock:
            return self._engine.prove(record, checkpoint, fields)


class RecordSource:
    """Records as they lie in the store, and what lies in the place of one.

    Attributes:
        store: The log.
    """

    def __init__(self, store: StoreReader, opening: Opening) -> None:
        """Read a store, and open what can be opened."""
        self.store = store
        self._opening = opening
        self._size, self._note = 0, ""

    def advance(self) -> int:
        """The size at the head. Without keys it can only be told whether the log was replaced.

        Raises:
            MissingError: There is no head.
            RolledBackError: The log has fewer entries than it had.
            ForkedError: It has another checkpoint where one was seen before.
            StoreError: It cannot be read.
        """
        head = self.store.head()
        size, note = (0, "") if head is None else (head.size, head.checkpoint)
        if size < self._size:
            raise RolledBackError(
                f"the log has {size} entries, and had {self._size} before",
                index=size,
                expected=self._size,
                found=size,
            )
        if head is None:
            raise MissingError("the log is empty: there is not even a genesis entry", index=0)
        if self._note and note != self._note:
            before = self.store.checkpoint_from(self._size)
            if before != (self._size, self._note):
                raise ForkedError(
                    f"the checkpoint of size {self._size} is not the one that was there before: "
                    "this is another history, or another log",
                    index=self._size - 1,
                )
        self._size, self._note = size, note
        return size

    def read(
        self, start: int, stop: int
    ) -> tuple[Sequence[Record | Unreadable], BiotrailError | None]:
        """The records of a range; see `Source.read`."""
        rows, error = _rows(self.store, start, stop)
        found, worse = _opened(self.store, self._opening, rows)
        return found, worse or error


def _rows(store: StoreReader, start: int, stop: int) -> tuple[Rows, BiotrailError | None]:
    rows = rows_of(store, start, stop)
    for at, index in enumerate(range(start, stop)):
        if at >= len(rows) or rows[at][0] != index:
            return rows[:at], MissingError(f"entry {index} is missing", index=index)
    return rows, None


def _opened(
    store: StoreReader, opening: Opening, rows: Rows
) -> tuple[list[Record | Unreadable], BiotrailError | None]:
    found: list[Record | Unreadable] = []
    if rows:
        try:
            payloads = dict(store.payloads(rows[0][0], rows[-1][0] + 1))
            found.extend(opening.open(rows, payloads))
        except BiotrailError as error:
            return found, error
    return found, None

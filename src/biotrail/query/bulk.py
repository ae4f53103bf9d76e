"""All answers to one question, for who takes them all out: many at a time, in order of index.

Each is held against the tree as any answer is. What makes it faster than page after page is what it
leaves undone: nothing is opened that is not to be shown, and an entry is decoded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from biotrail.canonical.sealed import is_sealed
from biotrail.query.condition import Condition
from biotrail.query.engine import AsOf, Engine
from biotrail.query.opening import readable
from biotrail.query.record import Record
from biotrail.query.rows import payloads_at, whole_rows_of
from biotrail.query.verified import VerifiedEntry
from biotrail.signing import SignedCheckpoint

__all__ = ["Bulk"]

_AT_ONCE = 512
# 85, owner, 50 key, 4c nonce, 58 20 fields root, 59: the ciphertext's length and itself follow.
_PART_HEAD = 67


class Bulk:
    """Answers to one question, as the log was when it was asked. One thread iterates.

    Attributes:
        checkpoint: The signed checkpoint that every answer is proven against.
    """

    def __init__(
        self, engine: Engine, condition: Condition | None, as_of: AsOf, *, opened: bool
    ) -> None:
        """Ask.

        Args:
            engine: The engine; best one of its own, as others wait while it is used.
            condition: The condition; None for everything.
            as_of: Up to which checkpoint.
            opened: Whether personal fields are to be shown.
        """
        self._engine = engine
        self._condition = condition
        self._opened = opened
        with engine.lock:
            self._question = engine.question(condition, as_of)
            self._by_payload = condition is not None and engine.needs_payload(condition.fields())
        self.checkpoint: SignedCheckpoint = self._question.checkpoint

    def __iter__(self) -> Iterator[Sequence[Record]]:
        """The answers, some at a time.

        Raises:
            BiotrailError: As of `LogQuery.query`.
        """
        answers = self._every() if self._condition is None else self._asked()
        while True:
            with self._engine.lock:
                some = next(answers, None)
                if some is None:
                    return
                if not self._by_payload:
                    some = self._with_payloads(some)
            yield some

    def proven(self, record: Record) -> VerifiedEntry:
        """One of the answers, with what proves it."""
        return self._engine.verified(record, self.checkpoint)

    def _every(self) -> Iterator[list[Record]]:
        """Every entry; decoded by whoever reads it."""
        store, check_all = self._engine.store, self._engine.checkpoints.tree.check_all
        size = self.checkpoint.size
        for start in range(0, size, _AT_ONCE):
            rows = whole_rows_of(store, start, min(start + _AT_ONCE, size))
            check_all(rows)
            yield [Record(index, data) for index, data in rows]

    def _asked(self) -> Iterator[list[Record]]:
        records = self._question.records()
        while some := list(islice(records, _AT_ONCE)):
            yield some

    def _with_payloads(self, records: list[Record]) -> list[Record]:
        """The records opened where that is wanted; and where something is gone, with why."""
        payloads = payloads_at(self._engine.store, [one.index for one in records])
        if self._opened:
            again = list(range(len(records)))
        else:
            again = [at for at, one in enumerate(records) if not _is_whole(one, payloads)]
        if again:
            rows = [(records[at].index, records[at].data) for at in again]
            opening = self._engine._opening
            for at, found in zip(again, opening.open(rows, payloads), strict=True):
                one = readable(found)
                if not self._opened:
                    one = Record(one.index, one.data, None, one.gone, one.tenant)
                records[at] = one
        return records


def _is_whole(record: Record, payloads: dict[int, bytes]) -> bool:
    """Whether nothing of a record is gone, as far as that can be told without opening it."""
    payload = payloads.get(record.index)
    if payload is None:
        content: Any = record.content
        return record.kind != "event" or "payload" not in content
    return not is_sealed(payload) or _has_all_parts(payload)


def _has_all_parts(payload: bytes) -> bool:
    """Whether a sealed payload has all its parts, by their lengths alone.

    False means only that it has to be opened, which says what is wrong or gone.
    """
    at, size = 3, len(payload)
    for _ in range(payload[2] & 0x1F if size > at else 0):
        length_at = at + _PART_HEAD
        if size < length_at + 2 or payload[at] != 0x85 or payload[length_at - 1] != 0x59:
            return False
        at = length_at + 2 + int.from_bytes(payload[length_at : length_at + 2], "big")
    return at == size > 3

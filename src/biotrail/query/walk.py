"""The order in which possible answers are looked at, by index or by time of occurrence."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

from biotrail.query.columns import Bits, Columns, Plan
from biotrail.query.cursor import Position
from biotrail.query.plan import span_mask
from biotrail.stores.postings import SEGMENT

__all__ = ["SORTS", "Candidate", "Sort", "bits_of", "runs", "walk"]

Sort: TypeAlias = Literal["index", "-index", "occurred", "-occurred"]
SORTS: tuple[str, ...] = get_args(Sort)
_MOST_AT_ONCE = 64


class Candidate(NamedTuple):
    """An index at which there may be an answer.

    Attributes:
        index: The index.
        key: What is sorted by.
        sure: Whether, as far as columns go, there is one.
    """

    index: int  # type: ignore[assignment] # shadows tuple.index
    key: int
    sure: bool


def runs(start: int, stop: int, *, backwards: bool = False) -> Iterator[tuple[int, int]]:
    """Ranges of segment numbers that cover a range of indices: few at first, then more at once."""
    first, last, many = start // SEGMENT, -(-stop // SEGMENT), 1
    while first < last:
        if backwards:
            some = max(first, last - many), last
            last = some[0]
        else:
            some = first, min(last, first + many)
            first = some[1]
        yield some
        many = min(2 * many, _MOST_AT_ONCE)


def bits_of(bitmap: int, *, backwards: bool = False) -> Iterator[int]:
    """The positions in a bitmap, in order."""
    while bitmap:
        position = bitmap.bit_length() - 1 if backwards else (bitmap & -bitmap).bit_length() - 1
        yield position
        bitmap ^= 1 << position


def walk(
    plan: Plan, columns: Columns, sort: Sort, size: int, after: Position | None
) -> Iterator[Candidate]:
    """All possible answers in an order, from after a position.

    Args:
        plan: Says where they are.
        columns: Say when entries occurred.
        sort: The order.
        size: One after the last index.
        after: Where to go on; None for the beginning.
    """
    backwards = sort.startswith("-")
    if sort.endswith("occurred"):
        yield from _by_time(plan, columns, size, after, -1 if backwards else 1)
        return
    start, stop = 0, size
    if after is not None:
        start, stop = (0, min(size, after.index)) if backwards else (after.index + 1, size)
    for first, last in runs(start, stop, backwards=backwards):
        some = list(zip(range(first, last), plan(first, last), strict=True))
        for number, bits in reversed(some) if backwards else some:
            if not bits.possible:
                continue
            for position in bits_of(
                bits.possible & span_mask(number, start, stop), backwards=backwards
            ):
                index = number * SEGMENT + position
                yield Candidate(index, index, bool(bits.sure >> position & 1))


def _by_time(
    plan: Plan, columns: Columns, size: int, after: Position | None, sign: int
) -> Iterator[Candidate]:
    """Opens segments in the order of their earliest (latest) time, and only as many as it takes."""
    waiting: list[tuple[int, int, Bits]] = []
    for first, last in runs(0, size):
        for number, bits in zip(range(first, last), plan(first, last), strict=True):
            if bits.possible & span_mask(number, 0, size):
                times = columns.times(number)
                bound = times.least if sign > 0 else -times.greatest
                waiting.append((bound, number, bits))
    waiting.sort(key=lambda one: one[0], reverse=True)
    passed = None if after is None else (sign * after.key, sign * after.index)
    found: list[tuple[int, int, bool]] = []
    while waiting or found:
        while waiting and (not found or waiting[-1][0] <= found[0][0]):
            _, number, bits = waiting.pop()
            at = columns.times(number).at
            for position in bits_of(bits.possible & span_mask(number, 0, size)):
                index = number * SEGMENT + position
                ordered = sign * at[position], sign * index
                if passed is None or ordered > passed:
                    found.append((*ordered, bool(bits.sure >> position & 1)))
            heapq.heapify(found)
        if found:
            key, index, sure = heapq.heappop(found)
            yield Candidate(sign * index, sign * key, sure)

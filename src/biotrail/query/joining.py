"""Plans of conditions that are joined by and, or, not: bitmaps that are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from biotrail.query.columns import Bits, Plan
from biotrail.stores.postings import EVERY_POSITION

__all__ = ["all_of", "any_of", "everything", "none_of", "sure", "union"]


def everything(start: int, stop: int) -> Sequence[Bits]:
    """Of what is true of every entry."""
    return [Bits(EVERY_POSITION, EVERY_POSITION)] * (stop - start)


def sure(bitmaps: Iterable[int]) -> list[Bits]:
    """Bits that columns are sure of."""
    return [Bits(one, one) for one in bitmaps]


def union(bitmaps: Iterable[int]) -> int:
    """Positions that are in any of some bitmaps."""
    return reduce(or_, bitmaps, 0)


def all_of(plans: Sequence[Plan]) -> Plan:
    """The plan of conditions joined by and."""

    def plan(start: int, stop: int) -> Sequence[Bits]:
        found = plans[0](start, stop)
        for one in plans[1:]:
            if not any(possible for _, possible in found):
                break  # what the others say changes nothing
            others = one(start, stop)
            found = [
                Bits(a.sure & b.sure, a.possible & b.possible)
                for a, b in zip(found, others, strict=True)
            ]
        return found

    return plan


def any_of(plans: Sequence[Plan]) -> Plan:
    """The plan of conditions joined by or."""

    def plan(start: int, stop: int) -> Sequence[Bits]:
        every = [one(start, stop) for one in plans]
        return [
            Bits(union(one.sure for one in some), union(one.possible for one in some))
            for some in zip(*every, strict=True)
        ]

    return plan


def none_of(part: Plan) -> Plan:
    """The plan of a condition behind not: what is sure and what is possible change places."""

    def plan(start: int, stop: int) -> Sequence[Bits]:
        return [
            Bits(EVERY_POSITION & ~possible, EVERY_POSITION & ~certain)
            for certain, possible in part(start, stop)
        ]

    return plan

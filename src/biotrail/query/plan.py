"""Where answers can be: what columns and tags say of a condition, segment by segment.

Columns do not know everything, so each segment has two bitmaps: of the positions that are *sure* as
far as the columns go, and of those that are *possible*. A term about what no column holds makes
every event possible and none sure; ``not`` turns the two round. What is possible is decided by the
record itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from biotrail.query.columns import Bits, Columns, Plan
from biotrail.query.condition import And, Condition, Not, Or
from biotrail.query.fields import Field
from biotrail.query.joining import all_of, any_of, everything, none_of, sure, union
from biotrail.query.places import Within
from biotrail.query.rows import first_since
from biotrail.query.tagged import TagLookUp
from biotrail.query.terms import Compare, Exists, OneOf, StartsWith, Term
from biotrail.stores import StoreReader
from biotrail.stores.postings import SEGMENT

__all__ = ["Sources", "make_plan", "microseconds", "span_mask"]

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Sources(NamedTuple):
    """What a plan goes by.

    Attributes:
        store: The log.
        columns: Its columns.
        tags: Its tags.
        size: Up to which index is asked.
        moves: Whether fields may lie elsewhere than usual, by a policy of the host's.
        counts: Whether answers are counted only, and tags are gone by as columns are.
    """

    store: StoreReader
    columns: Columns
    tags: TagLookUp
    size: int
    moves: bool
    counts: bool = False


def make_plan(condition: Condition | None, sources: Sources) -> Plan:
    """The plan of a condition; None asks for everything."""
    if condition is None:
        return everything
    return _Planner(sources, _tenants(condition)).plan(condition)


def span_mask(number: int, start: int, stop: int) -> int:
    """The positions of a segment whose index is in a range."""
    first = number * SEGMENT
    low, high = max(start - first, 0), min(stop - first, SEGMENT)
    return ((1 << high) - 1) & ~((1 << low) - 1) if low < high else 0


_FITS: Mapping[str, Callable[[int, int], bool]] = {
    "=": eq,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class _Planner:
    def __init__(self, sources: Sources, tenants: frozenset[str] | None) -> None:
        self._from = sources
        self._tenants = tenants

    def plan(self, condition: Condition) -> Plan:
        if isinstance(condition, Not):
            return none_of(self.plan(condition.part))
        if isinstance(condition, (And, Or)):
            plans = [self.plan(one) for one in condition.parts]
            return all_of(plans) if isinstance(condition, And) else any_of(plans)
        assert isinstance(condition, Term)
        return self._term(condition)

    def _term(self, term: Term) -> Plan:
        field, asked = term.of, self._from
        if field.name == "index":
            return self._in_order(term, lambda key: key, lambda key: key + 1)
        if field.name == "recorded":
            return self._in_order(term, self._since, self._after)
        if field.name == "occurred" and isinstance(term, Compare):
            return self._occurred(term)
        if field.column is not None and not (field.movable and asked.moves):
            return self._column(term, field)
        if field.personal is not None and not asked.moves:
            wanted = _equal_to(term)
            if wanted and field.name in asked.tags.fields:
                find = asked.tags.find
                found = find(field.name, wanted, self._tenants, counts=asked.counts)
                if found is not None:
                    return found
        return self._events

    def _column(self, term: Term, field: Field) -> Plan:
        columns, column = self._from.columns, field.column or ""
        keys: list[str] = []
        if isinstance(term, (Compare, OneOf)):
            keys = [term.key] if isinstance(term, Compare) else sorted(term.keys)
        if keys and field.derive is None:

            def equal(start: int, stop: int) -> Sequence[Bits]:
                every = [columns.bitmaps(column, one, start, stop) for one in keys]
                return sure(union(some) for some in zip(*every, strict=True))

            return equal
        if column == "kind" and isinstance(term, Exists):
            return everything
        prefix = term.prefix if isinstance(term, StartsWith) else ""

        def fits(value: str) -> bool:
            said = field.of_column(value)
            return said in keys if keys else said.startswith(prefix)

        def some_of(start: int, stop: int) -> Sequence[Bits]:
            return sure(
                union(bits for value, bits in found.items() if fits(value))
                for found in columns.values(column, start, stop)
            )

        return some_of

    def _in_order(
        self, term: Term, first: Callable[[Any], int], after: Callable[[Any], int]
    ) -> Plan:
        """Of a field whose order is that of the log: ranges of indices."""
        if isinstance(term, OneOf):
            ranges = [(first(one), after(one)) for one in term.values]
        elif isinstance(term, Compare):
            begin, end = 0, self._from.size
            if term.operator in ("=", ">=", ">"):
                begin = after(term.value) if term.operator == ">" else first(term.value)
            if term.operator in ("=", "<=", "<"):
                end = first(term.value) if term.operator == "<" else after(term.value)
            ranges = [(begin, end)]
        else:
            return everything
        return partial(_in_ranges, ranges)

    def _since(self, moment: datetime) -> int:
        return first_since(self._from.store, moment, 0, self._from.size)

    def _after(self, moment: datetime) -> int:
        try:
            return self._since(moment + _MICROSECOND)
        except OverflowError:
            return self._from.size

    def _occurred(self, term: Compare) -> Plan:
        columns, asked = self._from.columns, microseconds(term.value)
        compare = _FITS[term.operator]

        def one(number: int, events: int) -> Bits:
            at, least, greatest = columns.times(number)
            if compare(least, asked) and compare(greatest, asked):
                return Bits(events, events)
            if least > asked or greatest < asked:
                return Bits(0, 0)
            text = "".join(["1" if compare(time, asked) else "0" for time in reversed(at)])
            bits = int(text, 2) & events
            return Bits(bits, bits)

        def plan(start: int, stop: int) -> Sequence[Bits]:
            events = columns.bitmaps("kind", "event", start, stop)
            return [one(number, events[number - start]) for number in range(start, stop)]

        return plan

    def _events(self, start: int, stop: int) -> Sequence[Bits]:
        """Nothing is known but that only an event can be meant."""
        events = self._from.columns.bitmaps("kind", "event", start, stop)
        return [Bits(0, one) for one in events]


def _in_ranges(ranges: Sequence[tuple[int, int]], start: int, stop: int) -> Sequence[Bits]:
    """The positions whose index is in one of some ranges; few segments have any."""
    found = [0] * (stop - start)
    for begin, end in ranges:
        for number in range(max(start, begin // SEGMENT), min(stop, -(-end // SEGMENT))):
            found[number - start] |= span_mask(number, begin, end)
    return sure(found)


def _equal_to(term: Term) -> list[Any]:
    """The values of which the field must be one; none where that is not what the term asks."""
    if isinstance(term, Within):
        return [term.network]
    if isinstance(term, Compare) and term.operator == "=":
        values = [term.value]
    else:
        values = list(term.values) if isinstance(term, OneOf) else []
    return [ip_network(one) for one in values] if term.of.kind == "address" else values


def _tenants(condition: Condition) -> frozenset[str] | None:
    """The tenants of which every answer must be one; None where any will do."""
    for one in condition.parts if isinstance(condition, And) else (condition,):
        if isinstance(one, Term) and one.field == "tenant" and (wanted := _equal_to(one)):
            return frozenset(wanted)
    return None


def microseconds(moment: datetime) -> int:
    """A time as columns have it: microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

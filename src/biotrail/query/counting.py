"""How many answers there are: altogether, by value, and by time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from biotrail.canonical import decode_entry
from biotrail.errors import QueryError
from biotrail.query.fields import Field
from biotrail.query.plan import span_mask
from biotrail.query.question import Question
from biotrail.query.record import Record
from biotrail.query.rows import first_since, whole_rows_of
from biotrail.query.verified import FacetValue, TimeBucket
from biotrail.stores import StoreReader
from biotrail.stores.postings import SEGMENT

__all__ = [
    "Bucket",
    "bucket_of",
    "count",
    "facets_of",
    "facets_of_records",
    "most_common",
    "timeline",
    "timeline_of_records",
]

Bucket: TypeAlias = str | timedelta
_BUCKETS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK_BEGINS = timedelta(days=-3)  # 1970-01-01 was a Thursday
_MOST_BUCKETS = 100_000
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=10_000)


def count(question: Question, *, verified: bool) -> int:
    """How many answers there are."""
    if verified:
        return sum(1 for _ in question.every_record())
    found = question.bitmaps(0, question.checkpoint.size)
    return sum(one.bit_count() for _, bitmaps in found for one in bitmaps)


def facets_of(question: Question, fields: Sequence[Field]) -> dict[str, Counter[str]]:
    """How many answers have each value of some fields, by their columns."""
    counted: dict[str, Counter[str]] = {one.name: Counter() for one in fields}
    for first, bitmaps in question.bitmaps(0, question.checkpoint.size):
        if not any(bitmaps):
            continue
        for field in fields:
            column, counter = field.column or "", counted[field.name]
            for value, number in question.columns.counts(column, first, bitmaps).items():
                if number:
                    counter[field.of_column(str(value))] += number
    return counted


def facets_of_records(
    records: Iterable[Record], fields: Sequence[Field]
) -> dict[str, Counter[str]]:
    """The same, by decoding each answer."""
    counted: dict[str, Counter[str]] = {one.name: Counter() for one in fields}
    for record in records:
        for field in fields:
            counted[field.name].update(field.shown(one) for one in field.read(record))
    return counted


def most_common(counted: Mapping[str, int], most: int) -> tuple[FacetValue, ...]:
    """The values that are there most often, then by the alphabet."""
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(FacetValue(value, number) for value, number in ordered[:most] if number)


def bucket_of(bucket: Bucket) -> Callable[[datetime], tuple[datetime, datetime]]:
    """Beginning and end of the stretch of time that a moment is in.

    Raises:
        QueryError: There is no such stretch.
    """
    length = _BUCKETS.get(bucket) if isinstance(bucket, str) else bucket
    if not isinstance(length, timedelta) or not _SHORTEST <= length <= _LONGEST:
        names = ", ".join(_BUCKETS)
        raise QueryError(f"a bucket is one of {names}, or a timedelta of 1 second to 10,000 days")
    begin = _EPOCH + (_WEEK_BEGINS if bucket == "week" else timedelta())

    def of(moment: datetime) -> tuple[datetime, datetime]:
        start = begin + (moment - begin) // length * length
        return start, start + length

    return of


def timeline(
    store: StoreReader,
    question: Question,
    span: tuple[int, int],
    of: Callable[[datetime], tuple[datetime, datetime]],
    by: Field | None,
) -> tuple[TimeBucket, ...]:
    """How many answers were recorded in each stretch of time, by columns; empty ones are left out.

    Args:
        store: The log.
        question: The question.
        span: The range of indices that is asked about.
        of: See `bucket_of`.
        by: Counts the values of this field besides.
    """
    bitmaps: dict[int, int] = {}
    values: dict[int, Mapping[str, int]] = {}
    for first, some in question.bitmaps(*span):
        found = [(first + at, one) for at, one in enumerate(some) if one]
        bitmaps.update(found)
        if by is not None and found:
            columns = question.columns.values(by.column or "", first, first + len(some))
            values.update({number: columns[number - first] for number, _ in found})
    shown = str if by is None else by.of_column
    return tuple(
        TimeBucket(start, number, dict(sorted(counted.items())))
        for start, first, stop in _stretches(store, span, of)
        for number, counted in [_counted(bitmaps, values, (first, stop), shown)]
        if number
    )


def timeline_of_records(
    records: Iterable[Record],
    of: Callable[[datetime], tuple[datetime, datetime]],
    by: Field | None,
) -> tuple[TimeBucket, ...]:
    """The same, by decoding each answer."""
    numbers: Counter[datetime] = Counter()
    counted: dict[datetime, Counter[str]] = {}
    for record in records:
        start, _ = of(record.recorded)
        numbers[start] += 1
        if by is not None:
            values = counted.setdefault(start, Counter())
            values.update(by.shown(one) for one in by.read(record))
    return tuple(
        TimeBucket(start, numbers[start], dict(sorted(counted.get(start, {}).items())))
        for start in sorted(numbers)
    )


def _counted(
    bitmaps: Mapping[int, int],
    values: Mapping[int, Mapping[str, int]],
    span: tuple[int, int],
    shown: Callable[[str], str],
) -> tuple[int, Counter[str]]:
    number, counted, (start, stop) = 0, Counter[str](), span
    for segment in range(start // SEGMENT, -(-stop // SEGMENT)):
        here = bitmaps.get(segment, 0) & span_mask(segment, start, stop)
        if here:
            number += here.bit_count()
            for value, bits in values.get(segment, {}).items():
                if both := (bits & here).bit_count():
                    counted[shown(str(value))] += both
    return number, counted


def _stretches(
    store: StoreReader,
    span: tuple[int, int],
    of: Callable[[datetime], tuple[datetime, datetime]],
) -> Iterable[tuple[datetime, int, int]]:
    """Where each stretch of time begins and ends among the indices; empty ones are left out."""
    first, stop = span
    many = 0
    while first < stop:
        many += 1
        if many > _MOST_BUCKETS:
            raise QueryError(f"more than {_MOST_BUCKETS:,} buckets: ask for longer ones")
        start, end = of(_recorded(store, first))
        last = _end_of(store, end, first, stop)
        yield start, first, last
        first = last


def _end_of(store: StoreReader, end: datetime, first: int, stop: int) -> int:
    """Look further in growing steps: most stretches are short."""
    step = 64
    while first + step < stop and _recorded(store, first + step) < end:
        first, step = first + step, 4 * step
    return first_since(store, end, first, min(first + step + 1, stop))


def _recorded(store: StoreReader, index: int) -> datetime:
    ((_, data),) = whole_rows_of(store, index, index + 1)
    return decode_entry(data).recorded

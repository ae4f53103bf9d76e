"""Rows of a store in the order in which they are asked for, and where a time begins among them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from biotrail.canonical import Entry, decode_entry, format_time, split_entry
from biotrail.errors import CanonicalError, MalformedError, MissingError
from biotrail.query.gone import entries_at
from biotrail.query.where import Where
from biotrail.stores import StoreReader

__all__ = [
    "AT_ONCE",
    "Rows",
    "decoded",
    "first_since",
    "origin_of",
    "payloads_at",
    "rows_at",
    "rows_of",
    "whole_rows_of",
    "window",
]

AT_ONCE = 1_024
"""How many rows are read at once."""
_FIRST_AT_ONCE = 128
_PLACES = 15

Rows = list[tuple[int, bytes]]


def rows_of(store: StoreReader, start: int, stop: int) -> Rows:
    """Index and entry of a range, as they are there."""
    return [(index, data) for index, data, _ in store.raw_entries(start, stop)]


def whole_rows_of(store: StoreReader, start: int, stop: int) -> Rows:
    """The same, of which none is missing.

    Raises:
        MissingError: One is.
    """
    rows = rows_of(store, start, stop)
    _check_there([index for index, _ in rows], range(start, stop))
    return rows


def rows_at(store: StoreReader, indices: Sequence[int]) -> Iterator[Rows]:
    """Index and entry at some indices, some at a time; few at first, which may be enough.

    Raises:
        MissingError: One is missing.
    """
    at, many = 0, _FIRST_AT_ONCE
    while some := indices[at : at + many]:
        at, many = at + many, min(2 * many, AT_ONCE)
        rows = list(entries_at(store, some))
        _check_there([index for index, _ in rows], some)
        yield rows


def payloads_at(store: StoreReader, indices: Sequence[int]) -> dict[int, bytes]:
    """The payloads at some indices."""
    at_once: Any = getattr(store, "payloads_at", None)
    if at_once is not None:
        found: dict[int, bytes] = at_once(indices)
        return found
    return {index: payload for one in indices for index, payload in store.payloads(one, one + 1)}


def window(store: StoreReader, start: int, stop: int, where: Where) -> tuple[int, int]:
    """A range narrowed to a window of time: times of recording never go back."""
    if where.since is not None:
        start = first_since(store, where.since, start, stop)
    if where.until is not None:
        stop = first_since(store, where.until, start, stop)
    return start, stop


def first_since(store: StoreReader, moment: datetime, start: int, stop: int) -> int:
    """The first index of a range that was recorded at a time or later; its end if none was."""
    wanted = format_time(moment)

    def is_later(row: tuple[int, bytes]) -> bool:
        return _recorded(*row) >= wanted

    while start < stop:
        # Many places to look at take one statement: it is statements that cost.
        step = max(1, (stop - start) // _PLACES)
        rows = _there(store, range(start, stop, step))
        later = bisect_left(rows, True, key=is_later)
        if later < len(rows):
            stop = rows[later][0]
        start = stop if later == 0 else rows[later - 1][0] + 1
    return start


def _there(store: StoreReader, indices: Sequence[int]) -> Rows:
    """Index and entry at some indices, of which none is missing."""
    rows = sorted(entries_at(store, indices))
    _check_there([index for index, _ in rows], indices)
    return rows


def origin_of(store: StoreReader) -> str:
    """The origin that a log's first entry names.

    Raises:
        MissingError: The log is empty.
        MalformedError: The first entry does not begin a log.
    """
    for index, data in rows_of(store, 0, 1):
        entry = decoded(index, data)
        if entry.kind != "genesis":
            raise MalformedError("entry 0 is not a genesis entry: verify the log", index=0)
        return str(entry.content["origin"])
    raise MissingError("the log is empty: there is not even a genesis entry", index=0)


def decoded(index: int, data: bytes) -> Entry:
    """An entry, decoded.

    Raises:
        MalformedError: It cannot be read.
    """
    try:
        return decode_entry(data)
    except (CanonicalError, TypeError) as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _recorded(index: int, data: bytes) -> str:
    try:
        return split_entry(data).recorded
    except (CanonicalError, TypeError) as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error


def _check_there(found: Sequence[int], expected: Sequence[int]) -> None:
    if list(found) != list(expected):
        there = set(found)
        first = next((one for one in expected if one not in there), expected[0])
        raise MissingError(f"entry {first} is missing", index=first)

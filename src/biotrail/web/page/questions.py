"""A question as the page's forms and links carry it, and what is asked of the log for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

import attrs

from biotrail.errors import QueryError
from biotrail.query import Compare, Condition, Where, parse_condition
from biotrail.query.walk import Sort
from biotrail.web.asked import Asked

__all__ = ["RANGES", "Question", "Range", "narrowed"]

_LONGEST = 8_192


@attrs.frozen
class Range:
    """A stretch of time up to now.

    Attributes:
        name: Its name in links.
        label: Its name in words.
        length: How long; None for all of the log.
        bucket: What its timeline is counted by.
        step: How long that is.
    """

    name: str
    label: str
    length: timedelta | None
    bucket: str
    step: timedelta


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
RANGES = (
    Range("1h", "Last hour", _HOUR, "minute", timedelta(minutes=1)),
    Range("24h", "Last 24 hours", _DAY, "hour", _HOUR),
    Range("7d", "Last 7 days", 7 * _DAY, "hour", _HOUR),
    Range("30d", "Last 30 days", 30 * _DAY, "day", _DAY),
    Range("365d", "Last 365 days", 365 * _DAY, "week", 7 * _DAY),
    Range("all", "All times", None, "day", _DAY),
)
_RANGES = {one.name: one for one in RANGES}


@attrs.frozen(kw_only=True)
class Question:
    """What somebody wants to see.

    Attributes:
        where: The condition as text, as it was typed.
        range: The stretch of time.
        attempts: Whether only attempts are asked for, and not the log's own entries.
        sort: The order.
        cursor: Where to go on.
        start: When its time began, on pages after the first; aware.
        as_of: Size of the log as it is to be seen; empty for the present one.
        reveal: Names of personal fields to show.
        reason: Why.
    """

    where: str = ""
    range: Range = _RANGES["all"]
    attempts: bool = True
    sort: Sort = "-index"
    cursor: str = ""
    start: datetime | None = None
    as_of: str = ""
    reveal: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, given: Mapping[str, list[str]]) -> Question:
        """Read a question from the values of a link or a form.

        Raises:
            QueryError: A value is none that the page would send.
        """

        def one(name: str, default: str = "") -> str:
            text = given.get(name, [default])[-1].strip()
            if len(text) > _LONGEST:  # cut off, it would be another question
                raise QueryError(f"{name} has at most {_LONGEST:,} characters")
            return text

        range_, sort, as_of = one("range", "all"), one("sort", "-index"), one("as_of")
        if range_ not in _RANGES:
            raise QueryError(f"range is one of {', '.join(_RANGES)}")
        if sort not in get_args(Sort):
            raise QueryError(f"sort is one of {', '.join(get_args(Sort))}")
        if as_of and not (as_of.isascii() and as_of.isdecimal() and len(as_of) < 20):
            raise QueryError("as_of is the size of the log, a whole number")
        return cls(
            where=one("where"),
            range=_RANGES[range_],
            attempts=one("show", "attempts") != "all",
            sort=sort,  # type: ignore[arg-type] # looked up above
            cursor=one("cursor"),
            start=_time(one("start")),
            as_of=as_of,
            reveal=tuple(given.get("reveal", ())),
            reason=one("reason"),
        )

    @property
    def is_private(self) -> bool:
        """Whether it gives a reason or reveals, so that it has no place in an address."""
        return bool(self.reveal or self.reason)

    def values(self, **changes: Any) -> dict[str, str]:
        """What a link carries, without what is as usual."""
        asked = attrs.evolve(self, **changes)
        found = {
            "where": asked.where,
            "range": "" if asked.range.name == "all" else asked.range.name,
            "show": "" if asked.attempts else "all",
            "sort": "" if asked.sort == "-index" else asked.sort,
            "as_of": asked.as_of,
            "cursor": asked.cursor,
            "start": "" if asked.start is None else asked.start.isoformat(),
        }
        return {name: value for name, value in found.items() if value}

    def link(self, **changes: Any) -> str:
        """The query part of a link, with its question mark; empty where all is as usual."""
        values = self.values(**{"cursor": "", "start": None, **changes})
        return f"?{urlencode(values)}" if values else ""

    def since(self, now: datetime) -> datetime | None:
        """When its time begins; to the minute, so that a page that is asked again is the same."""
        if self.range.length is None:
            return None
        begun = now - self.range.length if self.start is None else self.start
        return begun.replace(second=0, microsecond=0)

    def next(self, cursor: str, now: datetime) -> Question:
        """The same question, going on where a page ended; its time begins where it began."""
        return attrs.evolve(self, cursor=cursor, start=self.since(now))

    def condition(self, now: datetime, *, with_range: bool = True) -> Condition | None:
        """The condition, with what the other controls say.

        Raises:
            QuerySyntaxError: The text is no condition.
        """
        parts = [parse_condition(self.where) if self.where else None]
        if self.attempts:
            parts.append(Compare("attempt", "=", "yes"))
        since = self.since(now) if with_range else None
        if since is not None:
            parts.append(Where(since=since).condition())
        return _all_of([one for one in parts if one is not None])

    def asked(
        self,
        now: datetime,
        purpose: str | None,
        *,
        with_range: bool = True,
        limit: int | None = None,
    ) -> Asked:
        """What the log is asked, for a purpose."""
        return Asked(
            where=self.condition(now, with_range=with_range),
            sort=self.sort,
            limit=limit,
            cursor=self.cursor or None,
            as_of=int(self.as_of) if self.as_of else None,
            reveal=self.reveal,  # type: ignore[arg-type] # the converter takes any sequence
            reason=self.reason or None,
            purpose=purpose,
        )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise QueryError("start is a time with its zone")
    return found


def _all_of(parts: list[Condition]) -> Condition | None:
    if not parts:
        return None
    whole = parts[0]
    for one in parts[1:]:
        whole = whole & one
    return whole


def narrowed(where: str, name: str, value: str) -> str:
    """A condition's text, narrowed to one value of a field.

    Raises:
        QueryError: The text is no condition, or there is no such field or value.
    """
    term = Compare(name, "=", value)
    return str(parse_condition(where) & term) if where else str(term)

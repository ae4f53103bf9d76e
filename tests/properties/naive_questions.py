"""What questions mean, written from the reference of the query syntax alone, in the slowest way.

A row is what is known of a record from before it was recorded; a question is a tree of tuples. It
is written as text, or with `biotrail.field`, and answered by looking at every row.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network
from math import acos, cos, degrees, radians, sin
from typing import Any, TypeAlias
from unicodedata import normalize

from biotrail import field
from biotrail.query import Condition

__all__ = ["Node", "Row", "answers", "as_python", "as_text", "facet", "holds", "timeline"]

Row: TypeAlias = Mapping[str, Sequence[Any]]
"""For each field its values: texts, numbers (`Decimal`), times, addresses, places."""
Node: TypeAlias = tuple[Any, ...]
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORD = re.compile(r"[A-Za-z0-9_.:/-]+")
_KEYWORDS = {"and", "or", "not", "in", "within", "km", "of", "starts", "with", "exists"}
_KM_A_DEGREE = 111.195
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


def holds(node: Node, row: Row) -> bool:
    """Whether a row is an answer."""
    kind, *rest = node
    if kind == "and":
        return all(holds(one, row) for one in rest)
    if kind == "or":
        return any(holds(one, row) for one in rest)
    if kind == "not":
        return not holds(rest[0], row)
    if kind == "!=":
        return not holds(("=", *rest), row)
    name, *values = rest
    return any(_fits(kind, one, values) for one in row.get(name, ()))


def _fits(kind: str, found: Any, asked: Sequence[Any]) -> bool:
    if kind == "exists":
        return True
    if kind == "in":
        return any(_compares("=", found, one) for one in asked)
    if kind == "starts":
        return isinstance(found, str) and found.startswith(normalize("NFC", asked[0]))
    if kind == "network":
        network = ip_network(asked[0])
        return bool(found.version == network.version and found in network)
    if kind == "near":
        return bool(_kilometres(found, (asked[0], asked[1])) <= asked[2])
    return _compares(kind, found, asked[0])


def _compares(sign: str, found: Any, asked: Any) -> bool:
    if isinstance(found, bool) != isinstance(asked, bool):
        return False  # truth is no number
    if isinstance(asked, str):
        asked = normalize("NFC", asked)
    if isinstance(found, str) != isinstance(asked, str):
        return False  # the text "3" is not the number
    return _SIGNS[sign](found, asked)


def _kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    (a, b), (c, d) = [tuple(map(radians, one)) for one in (here, there)]
    return degrees(acos(sin(a) * sin(c) + cos(a) * cos(c) * cos(b - d))) * _KM_A_DEGREE


def answers(node: Node | None, rows: Sequence[Row], sort: str = "index") -> list[int]:
    """Indices of the answers in an order; what is no event occurred when it was recorded."""
    found = [one for one in rows if node is None or holds(node, one)]
    by_time = sort.endswith("occurred")

    def key(row: Row) -> Any:
        (index,), (recorded,) = row["index"], row["recorded"]
        return (*(row.get("occurred") or [recorded]), index) if by_time else index

    return [one["index"][0] for one in sorted(found, key=key, reverse=sort.startswith("-"))]


def facet(found: Iterable[Row], name: str, most: int) -> list[tuple[str, int]]:
    """The values that most rows have, in words; among equals by the alphabet."""
    counted = Counter(_in_words(one) for row in found for one in row.get(name, ()))
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:most]


def timeline(
    found: Iterable[Row], bucket: str, name: str | None
) -> list[tuple[datetime, int, dict[str, int]]]:
    """How many rows were recorded in each stretch of time, and how many have each value there."""
    length = _LENGTHS[bucket]
    counted: dict[datetime, Counter[str]] = {}
    numbers: Counter[datetime] = Counter()
    for row in found:
        (recorded,) = row["recorded"]
        start = _MONDAY + (recorded - _MONDAY) // length * length
        numbers[start] += 1
        values = counted.setdefault(start, Counter())
        values.update(_in_words(one) for one in (row.get(name, ()) if name else ()))
    return [(one, numbers[one], dict(counted[one])) for one in sorted(numbers)]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return str(value)


def as_text(node: Node, *, capitals: bool = False) -> str:
    """A question as text."""

    def word(keyword: str) -> str:
        return keyword.upper() if capitals else keyword

    def written(one: Node) -> str:
        kind, *rest = one
        if kind in ("and", "or"):
            return "(" + f" {word(kind)} ".join(map(written, rest)) + ")"
        if kind == "not":
            return f"{word('not')} {written(rest[0])}"
        name, *values = rest
        if kind == "exists":
            return f"{name} {word('exists')}"
        if kind == "in":
            return f"{name} {word('in')} ({', '.join(map(_value, values))})"
        if kind == "network":
            return f"{name} {word('in')} {values[0]}"
        if kind == "near":
            return f"{name} {word('within')} {values[2]} km {word('of')} {values[0]},{values[1]}"
        if kind == "starts":
            return f"{name} {word('starts')} {word('with')} {_value(values[0])}"
        return f"{name}{kind}{_value(values[0])}"

    return written(node)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        # A word that looks like a number, or is true or false, is the text only in quotes.
        is_word = _WORD.fullmatch(value) and value[0].isalpha()
        if is_word and value.lower() not in {*_KEYWORDS, "true", "false"}:
            return value
        return json.dumps(value)
    return str(value)


def as_python(node: Node) -> Condition:
    """A question written with `biotrail.field`."""
    kind, *rest = node
    if kind == "not":
        return ~as_python(rest[0])
    if kind in ("and", "or"):
        joined = as_python(rest[0])
        for one in map(as_python, rest[1:]):
            joined = joined & one if kind == "and" else joined | one
        return joined
    name, *values = rest
    named = field(name)
    if kind == "exists":
        return named.exists()
    if kind == "in":
        return named.one_of(*values)
    if kind == "network":
        return named.within(values[0])
    if kind == "near":
        return named.near(values[0], values[1], km=values[2])
    if kind == "starts":
        return named.starts_with(values[0])
    signs: Mapping[str, Callable[[Any, Any], Any]] = {**_SIGNS, "!=": operator.ne}
    found: Condition = signs[kind](named, values[0])
    return found

"""Conditions: what a record must be to be an answer.

A condition is a tree that does not change. It is written in Python, with `field`, or as text (see
`biotrail.query.parse_condition`), and decides for itself whether a record fits: no index does.

A term is true of a record that has the field and whose value fits. Everything else is false, be it
that there is no such value or that it was erased; and ``not`` is all the rest. So of a condition
and its ``not`` each record is an answer to exactly one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from biotrail.errors import QueryError
from biotrail.query.fields import Field
from biotrail.query.record import Record

__all__ = ["MAXIMUM_DEPTH", "MAXIMUM_TERMS", "And", "Condition", "Not", "Or", "check_bounds"]

MAXIMUM_DEPTH = 32
"""How deep a condition may be nested."""

MAXIMUM_TERMS = 512
"""How many terms, and values in lists, a condition may have altogether."""


class Condition:
    """A condition; combined with ``&``, ``|`` and ``~``, and written as text by ``str``."""

    __slots__ = ()

    def admits(self, record: Record) -> bool:
        """Whether a record is an answer.

        Raises:
            SealedError: That depends on a personal field that was not opened.
        """
        raise NotImplementedError

    @property
    def depth(self) -> int:
        """How deep it is nested; 1 for a single term."""
        return 1

    @property
    def terms(self) -> int:
        """How many terms it has, and values in lists."""
        return 1

    def fields(self) -> Iterator[Field]:
        """The fields that it names, in order, each as often as it does."""
        raise NotImplementedError

    def __and__(self, other: Condition) -> Condition:
        return And((self, other))

    def __or__(self, other: Condition) -> Condition:
        return Or((self, other))

    def __invert__(self) -> Condition:
        return self.part if isinstance(self, Not) else Not(self)

    def negated(self) -> str:
        """Its ``not`` as text."""
        return f"not {_inner(self, And, Or)}"

    def __bool__(self) -> bool:
        raise QueryError("conditions are joined by &, | and ~, not by and, or and not")


def check_bounds(condition: Condition) -> None:
    """Refuse a condition that is too deep or too long.

    Raises:
        QueryError: It is.
    """
    if condition.depth > MAXIMUM_DEPTH:
        raise QueryError(f"a condition is nested no deeper than {MAXIMUM_DEPTH} levels")
    if condition.terms > MAXIMUM_TERMS:
        raise QueryError(f"a condition has at most {MAXIMUM_TERMS} terms and values")


def _of_all(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    return _parts(And, parts)


def _of_any(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    return _parts(Or, parts)


def _parts(kind: type[Condition], parts: Iterable[Condition]) -> tuple[Condition, ...]:
    flat: list[Condition] = []
    for one in parts:
        if not isinstance(one, Condition):
            raise QueryError(f"{one!r} is no condition: write field(...) and compare it")
        flat += one.parts if isinstance(one, kind) and isinstance(one, (And, Or)) else (one,)
    if len(flat) < 2:
        raise QueryError("two conditions or more are joined")
    return tuple(flat)


def _inner(part: Condition, *looser: type[Condition]) -> str:
    return f"({part})" if isinstance(part, looser) else str(part)


@attrs.frozen
class And(Condition):
    """All of several conditions.

    Attributes:
        parts: The conditions, two or more; those of an inner `And` are taken up.
    """

    parts: tuple[Condition, ...] = attrs.field(converter=_of_all)
    depth: int = attrs.field(init=False, eq=False, repr=False)
    terms: int = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _measure(self, self.parts)

    def admits(self, record: Record) -> bool:
        """Whether a record is an answer to all."""
        return all(one.admits(record) for one in self.parts)

    def fields(self) -> Iterator[Field]:
        """The fields of all."""
        for one in self.parts:
            yield from one.fields()

    def __str__(self) -> str:
        return " and ".join(_inner(one, Or) for one in self.parts)


@attrs.frozen
class Or(Condition):
    """At least one of several conditions.

    Attributes:
        parts: The conditions, two or more; those of an inner `Or` are taken up.
    """

    parts: tuple[Condition, ...] = attrs.field(converter=_of_any)
    depth: int = attrs.field(init=False, eq=False, repr=False)
    terms: int = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _measure(self, self.parts)

    def admits(self, record: Record) -> bool:
        """Whether a record is an answer to any."""
        return any(one.admits(record) for one in self.parts)

    def fields(self) -> Iterator[Field]:
        """The fields of all."""
        for one in self.parts:
            yield from one.fields()

    def __str__(self) -> str:
        return " or ".join(str(one) for one in self.parts)


@attrs.frozen
class Not(Condition):
    """All that a condition does not admit.

    Attributes:
        part: The condition.
    """

    part: Condition
    depth: int = attrs.field(init=False, eq=False, repr=False)
    terms: int = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.part, Condition):
            raise QueryError(f"{self.part!r} is no condition")
        _measure(self, (self.part,))

    def admits(self, record: Record) -> bool:
        """Whether a record is no answer to it."""
        return not self.part.admits(record)

    def fields(self) -> Iterator[Field]:
        """Its fields."""
        return self.part.fields()

    def __str__(self) -> str:
        return self.part.negated()


def _measure(node: And | Or | Not, parts: Iterable[Condition]) -> None:
    parts = tuple(parts)
    object.__setattr__(node, "depth", 1 + max(one.depth for one in parts))
    object.__setattr__(node, "terms", sum(one.terms for one in parts))
    check_bounds(node)

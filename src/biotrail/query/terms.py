"""The terms of conditions: what is asked of one field."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from biotrail.errors import QueryError
from biotrail.query.condition import Condition, check_bounds
from biotrail.query.fields import Field, find_field
from biotrail.query.record import Record
from biotrail.query.values import checked, comparable, plain_text, write_text, write_value

__all__ = ["Compare", "Exists", "OneOf", "Operator", "StartsWith", "Term"]

Operator: TypeAlias = Literal["=", "<", "<=", ">", ">="]
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TAGGED = "whole"


@attrs.frozen
class Term(Condition):
    """A term about one field.

    Attributes:
        field: The field's name.
    """

    field: str

    @property
    def of(self) -> Field:
        """The field."""
        return find_field(self.field)

    def fields(self) -> Iterator[Field]:
        """The field."""
        yield self.of

    def _name(self) -> str:
        return _name(self.field)


def _name(name: str) -> str:
    """A field's name as text; a host's own name in quotes where it has to be."""
    place, dot, own = name.partition(".")
    return f"{place}.{write_text(own)}" if dot else name


@attrs.frozen
class Compare(Term):
    """A field compared with a value.

    Attributes:
        operator: One of ``= < <= > >=``; for ``!=`` see `Not`.
        value: The value, in the form of its field.
    """

    operator: Operator
    value: Any
    _key: Any = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        field = self.of
        if self.operator not in _COMPARE:
            raise QueryError(f"there is no operator {self.operator!r}")
        value = checked(field, self.value)
        if self.operator != "=" and not (field.has_order and not _is_unordered(field, value)):
            raise QueryError(f"{self.field} has no order: ask for = or !=, or in (...)")
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "_key", comparable(field, value))

    @property
    def key(self) -> Any:
        """The value as records have it."""
        return self._key

    def admits(self, record: Record) -> bool:
        """Whether a value of the record compares so."""
        compare, key, found = _COMPARE[self.operator], self._key, self.of.read(record)
        if self.operator != "=" and self.of.kind == "any":
            return any(one[0] == _TAGGED and compare(one[1], key[1]) for one in found)
        return any(compare(one, key) for one in found)

    def _written(self, operator: str) -> str:
        return f"{self._name()} {operator} {write_value(self.of, self.value)}"

    def negated(self) -> str:
        """Its ``not`` as text: ``!=`` where that says it."""
        return self._written("!=") if self.operator == "=" else super().negated()

    def __str__(self) -> str:
        return self._written(self.operator)


def _is_unordered(field: Field, value: object) -> bool:
    return field.kind == "any" and type(value) is not int


@attrs.frozen
class OneOf(Term):
    """A field that is one of several values.

    Attributes:
        values: The values, in the form of the field; at least one.
    """

    values: tuple[Any, ...] = attrs.field(converter=tuple)
    _keys: frozenset[Any] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.values:
            raise QueryError(f"{self.field} in (...) needs at least one value")
        values = tuple(checked(self.of, one) for one in self.values)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "_keys", frozenset(comparable(self.of, one) for one in values))
        check_bounds(self)

    @property
    def keys(self) -> frozenset[Any]:
        """The values as records have them."""
        return self._keys

    @property
    def terms(self) -> int:
        """As many as there are values."""
        return len(self.values)

    def admits(self, record: Record) -> bool:
        """Whether a value of the record is among them."""
        return any(one in self._keys for one in self.of.read(record))

    def __str__(self) -> str:
        values = ", ".join(write_value(self.of, one) for one in self.values)
        return f"{self._name()} in ({values})"


@attrs.frozen
class StartsWith(Term):
    """A field whose text begins so.

    Attributes:
        prefix: The beginning.
    """

    prefix: str

    def __attrs_post_init__(self) -> None:
        if not self.of.is_text:
            raise QueryError(f"{self.field} is no text: its beginning cannot be asked for")
        object.__setattr__(self, "prefix", plain_text(self.prefix, self.field))

    def admits(self, record: Record) -> bool:
        """Whether a value of the record begins so."""
        found = self.of.read(record)
        if self.of.kind == "any":
            return any(tag == "text" and one.startswith(self.prefix) for tag, one in found)
        return any(one.startswith(self.prefix) for one in found)

    def __str__(self) -> str:
        return f"{self._name()} starts with {write_text(self.prefix)}"


@attrs.frozen
class Exists(Term):
    """A field that has a value."""

    def __attrs_post_init__(self) -> None:
        find_field(self.field)

    def admits(self, record: Record) -> bool:
        """Whether the record has one."""
        return bool(self.of.read(record))

    def __str__(self) -> str:
        return f"{self._name()} exists"

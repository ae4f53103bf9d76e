"""What the parser does with each rule of the grammar: conditions, with where they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from biotrail.errors import QueryError
from biotrail.query.condition import And, Condition, Not, Or
from biotrail.query.fields import Field, find_field
from biotrail.query.places import Near, Within
from biotrail.query.terms import Compare, Exists, OneOf, StartsWith
from biotrail.query.values import read_value

if TYPE_CHECKING:
    from lark.lexer import Token

    Children: TypeAlias = Sequence[Any]

__all__ = ["Misfit", "Read", "Reading"]

_NUMBER = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,9})?")


class Misfit(Exception):
    """Words that are in their place and make no sense: what is wrong, where, and a hint."""

    def __init__(self, what: str, position: int, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.position = position
        self.hint = hint


class Read(NamedTuple):
    """A condition, and where it begins."""

    condition: Condition
    at: int


class _Named(NamedTuple):
    field: Field
    at: int


class Reading:
    """The callbacks: one method for each rule, bearing its name."""

    def start(self, children: Children) -> Read:
        """The whole."""
        (found,) = children
        return found  # type: ignore[no-any-return] # what the rules below return

    def either(self, children: Children) -> Read:
        """Joined by ``or``."""
        return _joined(Or, children)

    def both(self, children: Children) -> Read:
        """Joined by ``and``."""
        return _joined(And, children)

    def negated(self, children: Children) -> Read:
        """Behind ``not``."""
        (found,) = children
        return _made(found.at, lambda: Not(found.condition))

    def name(self, children: Children) -> _Named:
        """A field's name."""
        text = "".join(
            _text(one) if one.type == "STRING" else _lowered(str(one)) for one in children
        )
        at = _place(children[0])
        try:
            return _Named(find_field(text), at)
        except QueryError as error:
            what, _, hint = str(error).partition("; ")
            raise Misfit(what, at, hint or None) from None

    def compare(self, children: Children) -> Read:
        """A field, an operator, a value."""
        named, sign, token = children
        value = _value(named.field, token)
        if sign == "!=":
            return _made(named.at, lambda: Not(Compare(named.field.name, "=", value)))
        operator: Any = "=" if sign == "==" else str(sign)
        return _made(_place(sign), lambda: Compare(named.field.name, operator, value), named.at)

    def one_of(self, children: Children) -> Read:
        """A field and a list."""
        named, *tokens = children
        values = tuple(_value(named.field, one) for one in tokens)
        return _made(named.at, lambda: OneOf(named.field.name, values))

    def within(self, children: Children) -> Read:
        """An address and a network."""
        named, token = children
        if named.field.kind != "address":
            raise Misfit(
                f"{named.field.name} is in a list of values",
                _place(token),
                f"write: {named.field.name} in ({token}, ...)",
            )
        network: Any = _text(token)
        return _made(_place(token), lambda: Within(named.field.name, network), named.at)

    def near(self, children: Children) -> Read:
        """A location, a distance and a point."""
        named, *tokens = children
        km, latitude, longitude = map(_number, tokens)
        return _made(named.at, lambda: Near(named.field.name, latitude, longitude, km))

    def starts_with(self, children: Children) -> Read:
        """A field and how it begins."""
        named, token = children
        prefix = _text(token)
        return _made(_place(token), lambda: StartsWith(named.field.name, prefix), named.at)

    def exists(self, children: Children) -> Read:
        """A field that has a value."""
        (named,) = children
        return _made(named.at, lambda: Exists(named.field.name))


def _joined(kind: type[And | Or], children: Children) -> Read:
    first = children[0]
    return _made(first.at, lambda: kind(tuple(one.condition for one in children)))


def _made(position: int, make: Callable[[], Condition], at: int | None = None) -> Read:
    try:
        return Read(make(), position if at is None else at)
    except QueryError as error:
        what, _, hint = str(error).partition("; ")
        raise Misfit(what, position, hint or None) from None


def _lowered(name: str) -> str:
    """``LABEL."x"`` is a label: only the part before the dot is lowered."""
    return name.lower() if name.endswith(".") else name


def _place(token: Token) -> int:
    return token.start_pos or 0


def _text(token: Token) -> str:
    if token.type != "STRING":
        return str(token)
    try:
        found: str = json.loads(str(token), strict=False)
    except ValueError:
        raise Misfit(
            'a backslash in quotes stands before one of " \\ / b f n r t, or u and four digits',
            _place(token),
        ) from None
    return found


def _value(field: Field, token: Token) -> Any:
    text = _text(token)
    try:
        return read_value(field, text, quoted=token.type == "STRING")
    except QueryError as error:
        what, _, hint = str(error).partition("; ")
        raise Misfit(what, _place(token), hint or None) from None


def _number(token: Token) -> float:
    if not _NUMBER.fullmatch(str(token)):
        raise Misfit(
            "a distance and a point are numbers",
            _place(token),
            "write: location within 50 km of 52.52,13.405",
        )
    return float(token)

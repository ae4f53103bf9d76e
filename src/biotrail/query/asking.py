"""Conditions written in Python: ``field("score") < 0.5``."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from biotrail.query.condition import Condition, Not
from biotrail.query.fields import find_field
from biotrail.query.places import Near, Within
from biotrail.query.terms import Compare, Exists, OneOf, StartsWith

__all__ = ["FieldName", "field"]


class FieldName:
    """A field, from which conditions are made by comparing it."""

    __slots__ = ("_name",)
    __hash__ = None  # type: ignore[assignment] # its == makes a condition

    def __init__(self, name: str) -> None:
        """Name a field; see `field`."""
        self._name = find_field(name).name

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return Compare(self._name, "=", value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return Not(Compare(self._name, "=", value))

    def __lt__(self, value: Any) -> Condition:
        return Compare(self._name, "<", value)

    def __le__(self, value: Any) -> Condition:
        return Compare(self._name, "<=", value)

    def __gt__(self, value: Any) -> Condition:
        return Compare(self._name, ">", value)

    def __ge__(self, value: Any) -> Condition:
        return Compare(self._name, ">=", value)

    def one_of(self, *values: Any) -> Condition:
        """That it is one of some values."""
        return OneOf(self._name, values)

    def starts_with(self, prefix: str) -> Condition:
        """That its text begins so."""
        return StartsWith(self._name, prefix)

    def exists(self) -> Condition:
        """That it has a value."""
        return Exists(self._name)

    def within(
        self, network: str | IPv4Address | IPv6Address | IPv4Network | IPv6Network
    ) -> Condition:
        """That an address is in a network, such as ``"10.0.0.0/8"``."""
        return Within(self._name, network)  # type: ignore[arg-type] # read by Within

    def near(self, latitude: float, longitude: float, *, km: float) -> Condition:
        """That a location is within so many kilometres of a point."""
        return Near(self._name, latitude, longitude, km)

    def __repr__(self) -> str:
        return f"field({self._name!r})"


def field(name: str) -> FieldName:
    """Name a field, to compare it: ``(field("outcome") == "failure") & (field("score") < 0.5)``.

    Comparisons bind less tightly than ``&`` and ``|``: put each in parentheses.

    Args:
        name: The field's name, as listed in the reference of the query syntax.

    Raises:
        QueryError: There is no such field. So does every comparison with a value that the field
            never has.
    """
    return FieldName(name)

"""What a reader may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from biotrail.errors import EventError, ForbiddenError
from biotrail.query import parse_condition
from biotrail.web import Access, Scope
from tests.unit.web._reading import access

pytestmark = pytest.mark.component("web")


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("has", list(Scope))
def test_scopes_imply_nothing_else(has: Scope, scope: Scope) -> None:
    """A scope lets do what it says and no more, but that whoever reads may count too."""
    reader = access(has)
    may = has == scope or (has, scope) == (Scope.READ, Scope.REPORT)
    assert reader.may(scope) is may
    if may:
        reader.require(scope)
    else:
        with pytest.raises(ForbiddenError, match=f"'{scope.value}'"):
            reader.require(scope)


def test_a_purpose_is_one_of_those_given() -> None:
    """Where there is one purpose it need not be named; where there are several it must."""
    assert access().purpose() == "review"
    assert access().purpose("review") == "review"
    several = access(purposes=["review", "dispute"])
    assert several.purpose("dispute") == "dispute"
    for asked in (None, "curiosity", ""):
        with pytest.raises(ForbiddenError, match="review, dispute"):
            several.purpose(asked)


def test_what_a_reader_is_held_to_is_added_to_each_condition() -> None:
    """Tenant and window are joined to whatever is asked, also to an alternative."""
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    held = access(tenant="north", since=since, until=until)
    asked = held.within(parse_condition("outcome = failure or tenant = south"))
    assert str(asked) == (
        "recorded >= 2026-11-01T00:00:00.000000Z and recorded < 2026-12-01T00:00:00.000000Z and "
        "tenant = north and (outcome = failure or tenant = south)"
    )
    assert str(held.within(None)) == str(held.condition())
    free = access()
    assert free.condition() is None
    assert free.within(None) is None
    assert str(free.within(parse_condition("index = 1"))) == "index = 1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reader", "1"),
        ("scopes", ["write"]),
        ("scopes", 3),
        ("purposes", []),
        ("purposes", "review"),
        ("purposes", ["Two words"]),
        ("purposes", ["review"] * 17),
        ("name", ""),
        ("name", "two\nlines"),
        ("since", datetime(2026, 1, 1)),
        ("expires", "tomorrow"),
    ],
)
def test_a_reader_that_makes_no_sense_is_refused(field: str, value: object) -> None:
    """Each value is checked at the door, and the error names it."""
    fields: dict[str, Any] = {"reader": UUID(int=1), "scopes": ["read"], "purposes": ["review"]}
    with pytest.raises(EventError, match=field):
        Access(**{**fields, field: value})

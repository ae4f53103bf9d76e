"""Times as text: one form, and the order of the texts is the order of the times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from biotrail.canonical import format_time, parse_time
from biotrail.errors import CanonicalError

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (FIRST, "0001-01-01T00:00:00.000000Z"),
        (LAST, "9999-12-31T23:59:59.999999Z"),
        (datetime(2026, 11, 23, 11, 34, 0, 1, tzinfo=UTC), "2026-11-23T11:34:00.000001Z"),
        (
            datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            "2025-12-31T23:30:00.000000Z",
        ),
        (
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(seconds=-1))),
            "2026-01-01T00:00:01.000000Z",
        ),
    ],
)
def test_form(moment: datetime, text: str) -> None:
    """A time has 27 characters in UTC, and is read back as the same moment in UTC."""
    assert format_time(moment) == text
    assert len(text) == 27
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


def test_naive_times() -> None:
    """A time that does not know its zone has no text."""
    with pytest.raises(CanonicalError, match="zone"):
        format_time(datetime(2026, 1, 1))


def test_order() -> None:
    """The texts of times sort as the times do."""
    moments = [FIRST, LAST, *(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n) for n in range(99))]
    assert sorted(map(format_time, moments)) == [format_time(one) for one in sorted(moments)]


@pytest.mark.parametrize(
    "text", ["\ud800" * 27, "2026-11-23T11:34:00.123456Z\n", "٢" * 27, "-" * 27]
)
def test_other_texts(text: str) -> None:
    """Other texts are refused by name; the golden vectors hold more of them."""
    with pytest.raises(CanonicalError):
        parse_time(text)

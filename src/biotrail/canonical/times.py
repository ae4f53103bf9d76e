"""Times as text: RFC 3339, UTC, six fractional digits, always 27 characters.

At fixed width the order of the texts is the order of the times.
"""

from __future__ import annotations

from datetime import UTC, datetime

from biotrail.errors import CanonicalError

__all__ = ["TIME_LENGTH", "format_time", "parse_time"]

TIME_LENGTH = 27


def format_time(moment: datetime) -> str:
    """Write an aware datetime, e.g. ``2026-11-23T11:34:00.123456Z``.

    Raises:
        CanonicalError: The datetime is not aware of its time zone.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise CanonicalError("a time must be aware of its time zone")
        moment = moment.astimezone(UTC)
    return moment.isoformat("T", "microseconds")[:26] + "Z"


def parse_time(text: str) -> datetime:
    """Read a time, accepting only what `format_time` writes.

    Raises:
        CanonicalError: Any other form, or no such date.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CanonicalError("not a time of the form 2026-11-23T11:34:00.123456Z") from None
    if moment.tzinfo is not UTC or format_time(moment) != text:
        raise CanonicalError("not a time of the form 2026-11-23T11:34:00.123456Z")
    return moment

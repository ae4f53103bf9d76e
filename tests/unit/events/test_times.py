"""When it occurred: aware datetimes, kept in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from biotrail import Event
from tests.unit.events._making import kept, refusal

FIELD = "Event.occurred"


class _Moment(datetime):
    pass


class _Unknown(tzinfo):
    def utcoffset(self, moment: datetime | None) -> None:
        return None

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> None:
        return None


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=_Unknown())])
def test_naive_datetimes(value: datetime) -> None:
    """A datetime that does not know its zone is refused, with how to make one that does."""
    assert "datetime.now(UTC)" in refusal(FIELD, value).rule


@pytest.mark.parametrize(
    "value", ["2026-01-01T00:00:00Z", 0, 0.0, date(2026, 1, 1), None, object()]
)
def test_other_types(value: object) -> None:
    """Texts, numbers and dates are no moments."""
    error = refusal(FIELD, value)
    assert (error.field, error.value_type) == (FIELD, type(value).__name__)
    assert error.rule == "must be a datetime"


@pytest.mark.parametrize(
    "zone", [timezone(timedelta(hours=14)), timezone(-timedelta(hours=12, seconds=1)), UTC]
)
def test_zones_are_brought_to_utc(zone: tzinfo) -> None:
    """The same moment in any zone is kept as the same datetime in UTC, to the microsecond."""
    moment = datetime(2026, 11, 23, 11, 34, 0, 123456, tzinfo=UTC)
    found = kept(FIELD, moment.astimezone(zone))
    assert (found, found.tzinfo, found.microsecond) == (moment, UTC, 123456)


def test_the_repeated_hour_is_two_hours() -> None:
    """Where a clock was set back, the two equal wall times are kept apart."""
    zone = ZoneInfo("Europe/Zurich")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=zone)
    hours = [kept(FIELD, first.replace(fold=fold)).hour for fold in (0, 1)]
    assert hours == [0, 1]


@pytest.mark.parametrize(
    ("moment", "hours"), [(datetime(1, 1, 1), 1), (datetime(9999, 12, 31, 23, 59), -1)]
)
def test_the_ends_of_the_calendar(moment: datetime, hours: int) -> None:
    """The first and last moments are kept in UTC; beyond them in UTC there is no date."""
    assert kept(FIELD, moment.replace(tzinfo=UTC)) == moment.replace(tzinfo=UTC)
    beyond = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert "years 1 to 9999" in refusal(FIELD, beyond).rule


def test_subclasses_become_datetimes() -> None:
    """A moment of another class is kept as a plain datetime of the same moment."""
    for zone in (UTC, timezone(timedelta(hours=1))):
        moment = _Moment(2026, 11, 23, 11, 34, 0, 5, tzinfo=zone)
        assert type(kept(FIELD, moment)) is datetime
        assert kept(FIELD, moment) == moment


def test_now_by_default() -> None:
    """An event that is told no time occurred now."""
    before = datetime.now(UTC)
    event = Event(action="door.open", decision="granted")
    assert before <= event.occurred <= datetime.now(UTC)
    assert event.occurred.tzinfo is UTC

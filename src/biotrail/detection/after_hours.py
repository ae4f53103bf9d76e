"""After hours: attempts when nobody is expected."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from biotrail.detection._base import DAY, KeyedRule
from biotrail.detection.finding import Severity
from biotrail.detection.rule import Past, Step, a_name, mark_of
from biotrail.detection.seen import Seen
from biotrail.errors import DetectionError
from biotrail.events import ApplicationDecision, Modality

__all__ = ["AfterHours"]

_MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(value)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise DetectionError(
            f"AfterHours.zone is a time zone such as 'Europe/Zurich', not {value!r}; on systems "
            "without a database of zones the package tzdata brings one"
        ) from error


def _days(value: Iterable[int]) -> frozenset[int]:
    days = frozenset(value)
    if not all(type(one) is int and 0 <= one <= 6 for one in days):
        raise DetectionError("AfterHours.days are numbers from 0 (Monday) to 6 (Sunday)")
    return days


def _dates(value: Iterable[date]) -> frozenset[date]:
    dates = frozenset(value)
    if not all(type(one) is date for one in dates):
        raise DetectionError("AfterHours.holidays are dates")
    return dates


def _time(instance: Any, attribute: attrs.Attribute[time], value: Any) -> None:
    if not isinstance(value, time) or value.tzinfo is not None:
        raise DetectionError(f"AfterHours.{attribute.name} is a time of day, without a zone")


@attrs.frozen(kw_only=True)
class AfterHours(KeyedRule):
    """Attempts outside the hours in which people are expected, by the clock on the wall.

    Needs nothing personal: time of occurrence, and the subject's reference. One finding a person
    and day, or of attempts that name nobody one a target and day, where a day begins when it opens.
    There is no default for the zone, and no calendar that fits everybody: it has to be given.

    Attributes:
        name: Names the findings.
        zone: The time zone of the place, e.g. ``"Europe/Zurich"``.
        opens: From this time of day on people are expected.
        closes: Up to this time, and not at it; before `opens` for hours that go past midnight.
        days: On these days of the week, 0 for Monday.
        holidays: But not on these dates.
        granted_only: Whether only attempts that were granted count.
        most_keys: How many people and targets are remembered at most.

    Raises:
        DetectionError: The zone is not known, or the hours are none.
    """

    name: str = attrs.field(default="after_hours", validator=a_name)
    zone: ZoneInfo = attrs.field(converter=_zone)
    opens: time = attrs.field(default=time(7), validator=_time)
    closes: time = attrs.field(default=time(19), validator=_time)
    days: frozenset[int] = attrs.field(default=_MONDAY_TO_FRIDAY, converter=_days)
    holidays: frozenset[date] = attrs.field(default=(), converter=_dates)
    granted_only: bool = False

    def __attrs_post_init__(self) -> None:
        if self.opens == self.closes:
            raise DetectionError("AfterHours.opens and .closes are two times")

    @property
    def memory(self) -> timedelta:
        """Three days: a day's findings, and some for records that were held back."""
        return 3 * DAY

    @property
    def needs(self) -> frozenset[str]:
        """Nothing personal."""
        return frozenset()

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """The person, or the target, of an attempt outside hours."""
        attempt = seen.attempt
        if attempt is None or self.is_open(attempt.occurred):
            return ()
        if self.granted_only and attempt.decision is not ApplicationDecision.GRANTED:
            return ()
        if seen.person is not None:
            return (seen.person,)
        if attempt.modality is Modality.NONE and attempt.actor is None:
            return ()  # nobody's: a heartbeat, a machine's own record
        return ((seen.tenant, "target", attempt.target),)

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """One finding a day."""
        day = self._day(seen.occurred)
        now = (mark_of(seen, day),)
        known = past and past[-1].value == day
        if known and seen.recorded - past[-1].recorded <= self.memory:
            return Step(now)
        event = seen.event
        granted = event is not None and event.decision is ApplicationDecision.GRANTED
        found = self._finding(
            seen,
            (),
            f"an attempt outside hours was {'granted' if granted else 'denied'}",
            severity=Severity.MEDIUM if granted else Severity.LOW,
            count=1,
            of_person=True,
        )
        return Step(now, found)

    def is_open(self, moment: datetime) -> bool:
        """Whether people are expected at a time."""
        local = moment.astimezone(self.zone)
        clock, day = local.time(), local.date()
        if self.opens < self.closes:
            return self.opens <= clock < self.closes and self._is_working(day)
        if clock >= self.opens:
            return self._is_working(day)
        return clock < self.closes and self._is_working(day - timedelta(days=1))

    def _is_working(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays

    def _day(self, moment: datetime) -> str:
        local = moment.astimezone(self.zone)
        early = local.time() < self.opens
        return (local.date() - timedelta(days=1 if early else 0)).isoformat()

"""Impossible travel: one person at two places, and not enough time between them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import timedelta
from math import isfinite
from typing import Any

import attrs

from biotrail.detection._base import DAY, KeyedRule
from biotrail.detection.finding import Severity
from biotrail.detection.rule import Past, Step, a_name, a_time, mark_of
from biotrail.detection.seen import Seen
from biotrail.errors import DetectionError
from biotrail.events import ApplicationDecision, Location
from biotrail.query.places import kilometres_between

__all__ = ["ImpossibleTravel"]

_SECONDS_AN_HOUR = 3_600.0


def _above_zero(instance: Any, attribute: attrs.Attribute[float], value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not isfinite(value) or value < 0 or (value == 0 and "speed" in attribute.name):
        raise DetectionError(f"ImpossibleTravel.{attribute.name} is a number, 0 or more")


@attrs.frozen(kw_only=True)
class ImpossibleTravel(KeyedRule):
    """Consecutive attempts of one person lie farther apart than can be travelled in the time.

    Needs the subject's reference, which is in the clear, and the location, which is personal.
    Attempts without a location are passed over, and so are those whose location is too uncertain;
    of the distance the uncertainty of both ends is taken off first. Time is that of occurrence.

    Attributes:
        name: Names the findings.
        speed_km_h: Nobody travels faster. Airliners cruise at about 900 km/h, and a tail wind
            brings them to about 1,100 over ground; from door to door nobody keeps that up.
        least_km: Shorter distances say nothing, whatever the speed: places that are looked up by an
            address are often off by tens of kilometres, and jump when a line gets another address.
        unknown_accuracy_km: Taken for the uncertainty of a location that does not name its own.
        worst_accuracy_km: A location that is less certain than this is passed over: it is a
            country's middle, not a place.
        granted_only: Whether only attempts that were granted count; by default all do, since
            an impostor's denied attempt from afar is worth knowing.
        memory: For how long a place is remembered.
        most_keys: How many people are remembered at most.

    Raises:
        DetectionError: A number or a time is out of range.
    """

    name: str = attrs.field(default="impossible_travel", validator=a_name)
    speed_km_h: float = attrs.field(default=1_000.0, validator=_above_zero)
    least_km: float = attrs.field(default=100.0, validator=_above_zero)
    unknown_accuracy_km: float = attrs.field(default=50.0, validator=_above_zero)
    worst_accuracy_km: float = attrs.field(default=500.0, validator=_above_zero)
    granted_only: bool = False
    memory: timedelta = attrs.field(default=DAY, validator=a_time)

    @property
    def needs(self) -> frozenset[str]:
        """The location."""
        return frozenset({"location"})

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """The person, where there is one and a location that is good enough."""
        person, attempt = seen.person, seen.attempt
        if person is None or attempt is None or attempt.context.location is None:
            return ()
        if self.granted_only and attempt.decision is not ApplicationDecision.GRANTED:
            return ()
        return (person,) if self._radius(attempt.context.location) is not None else ()

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Hold a place against the one before."""
        location = seen.event.context.location if seen.event is not None else None
        radius = None if location is None else self._radius(location)
        if location is None or radius is None:
            return Step(past)
        here = (location.latitude, location.longitude)
        now = (mark_of(seen, (here, radius)),)
        if not past or seen.recorded - past[-1].recorded > self.memory:
            return Step(now)
        before = past[-1]
        there, uncertain = before.value
        distance = kilometres_between(here, there) - radius - uncertain
        hours = abs((seen.occurred - before.occurred).total_seconds()) / _SECONDS_AN_HOUR
        if distance < max(self.least_km, 1e-9) or distance <= self.speed_km_h * hours:
            return Step(now)
        found = self._finding(
            seen,
            past,
            "two attempts of one person lie farther apart than anybody travels in the time between",
            severity=Severity.HIGH,
            count=2,
            details={"at_least_km": round(distance), "minutes": round(hours * 60)},
            of_person=True,
        )
        return Step(now, found)

    def _radius(self, location: Location) -> float | None:
        """Uncertainty of a location in kilometres; None where it is too uncertain."""
        metres = location.accuracy_m
        radius = self.unknown_accuracy_km if metres is None else metres / 1_000
        return radius if radius <= self.worst_accuracy_km else None

"""Presentation attacks: how many alarms somebody brings, and how large their share has become."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import timedelta

import attrs

from biotrail.detection._base import DAY, HOUR, KeyedRule, network_of
from biotrail.detection.finding import Severity
from biotrail.detection.rule import (
    Mark,
    Past,
    Step,
    a_name,
    a_share,
    a_time,
    a_whole,
    mark_of,
    recent,
)
from biotrail.detection.seen import Seen
from biotrail.events import PresentationAttackDecision

__all__ = ["PresentationAttacks"]

_DOUBLINGS = (1, 2, 4, 8)
_DETERMINED = (PresentationAttackDecision.ATTACK, PresentationAttackDecision.BONA_FIDE)
_EVERYBODY = "everybody"


@attrs.frozen(kw_only=True)
class PresentationAttacks(KeyedRule):
    """Presentation attack detection (ISO/IEC 30107-1) raises alarms: several, or for many.

    Needs nothing personal to count by person and to watch the share; address and device, where
    they are open, are counted too. A finding of a number comes when it is reached and when it has
    doubled; one of the share when it is reached from below.

    Attributes:
        name: Names the findings.
        alarms: So many alarms of one person, device or address are too many. One or two are
            everyday: detectors refuse a few per cent of honest people (BPCER, ISO/IEC 30107-3).
        window: Within this time.
        share: This share of alarms among the last decisions of the detector is too large; several
            times the error that detectors are bought with.
        sample: How many last decisions, within a day, the share is taken of.
        least: So many alarms must be among them.
        most_keys: How many people, devices and addresses are remembered at most.

    Raises:
        DetectionError: A number or a time is out of range.
    """

    name: str = attrs.field(default="presentation_attacks", validator=a_name)
    alarms: int = attrs.field(default=3, validator=a_whole(1, 1_000))
    window: timedelta = attrs.field(default=HOUR, validator=a_time)
    share: float = attrs.field(default=0.2, validator=a_share)
    sample: int = attrs.field(default=100, validator=a_whole(10, 1_000))
    least: int = attrs.field(default=10, validator=a_whole(2, 1_000))

    @property
    def memory(self) -> timedelta:
        """The window, and a day for the share."""
        return max(self.window, DAY)

    @property
    def needs(self) -> frozenset[str]:
        """Nothing that it cannot do without."""
        return frozenset()

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """Everybody, and of an alarm the person, the address and the device."""
        attempt, found = seen.attempt, seen.comparison
        if attempt is None or found is None or found.presentation_attack not in _DETERMINED:
            return
        yield seen.tenant, _EVERYBODY
        if found.presentation_attack is PresentationAttackDecision.ATTACK:
            if seen.subject is not None:
                yield seen.tenant, "person", seen.subject
            if (address := network_of(attempt)) is not None:
                yield seen.tenant, "address", address
            if (device := attempt.context.device_id) is not None:
                yield seen.tenant, "device", device

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Count one more decision of the detector."""
        assert isinstance(key, tuple)
        return self._of_all(past, seen) if key[1] == _EVERYBODY else self._of(key[1], past, seen)

    def _of(self, what: str, past: Past, seen: Seen) -> Step:
        before = recent(past, seen, self.window)
        now, count = (*before, mark_of(seen)), len(before) + 1
        kept = now[-_DOUBLINGS[-1] * self.alarms :]
        if count not in [self.alarms * times for times in _DOUBLINGS]:
            return Step(kept)
        alarms = "alarm" if count == 1 else "alarms"
        found = self._finding(
            seen,
            before,
            f"{count} {alarms} of presentation attack detection for one {what} within "
            f"{self.window}",
            severity=Severity.HIGH,
            count=count,
            of_person=what == "person",
        )
        return Step(kept, found)

    def _of_all(self, past: Past, seen: Seen) -> Step:
        found = seen.comparison
        is_alarm = (
            found is not None and found.presentation_attack is PresentationAttackDecision.ATTACK
        )
        before = recent(past, seen, DAY)
        now = (*before, mark_of(seen, is_alarm))[-self.sample :]
        if not is_alarm or not self._is_large(now) or self._is_large(before):
            return Step(now)
        alarms = _alarms(now)
        large = self._finding(
            seen,
            alarms[:-1],
            f"{len(alarms)} of the last {len(now)} decisions of presentation attack detection were "
            "alarms",
            severity=Severity.MEDIUM,
            count=len(alarms),
        )
        return Step(now, large)

    def _is_large(self, past: Past) -> bool:
        alarms = len(_alarms(past))
        return alarms >= self.least and alarms >= self.share * len(past)


def _alarms(past: Past) -> tuple[Mark, ...]:
    return tuple(one for one in past if one.value)

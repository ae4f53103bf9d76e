"""Many people from one place: somebody tries one trick on one person after another."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import timedelta

import attrs

from biotrail.detection._base import HOUR, KeyedRule, network_of
from biotrail.detection.finding import Severity
from biotrail.detection.rule import Past, Step, a_name, a_time, a_whole, mark_of, recent
from biotrail.detection.seen import Seen
from biotrail.events import ApplicationDecision

__all__ = ["ManySubjects"]

_DOUBLINGS = (1, 2, 4, 8)


@attrs.frozen(kw_only=True)
class ManySubjects(KeyedRule):
    """Attempts for many people come from one address or one device within a window.

    Needs the subjects' references, which are in the clear, and of the address and the device one at
    least, which are personal. Found when the number of people is reached, and again when it has
    doubled, up to eight times: an attack on a thousand people is four findings, not a thousand.

    Attributes:
        name: Names the findings.
        people: So many people are too many. A door that a hundred people pass in an hour, with a
            false non-match rate of a few per cent, sees a few of them fail.
        window: Within this time.
        failures_only: Whether only denied attempts count. A terminal at an entrance serves
            everybody, so by default those who got in are passed over; for an address from which one
            person is expected, count them too.
        most_keys: How many addresses and devices are remembered at most.

    Raises:
        DetectionError: A number or a time is out of range.
    """

    name: str = attrs.field(default="many_subjects", validator=a_name)
    people: int = attrs.field(default=10, validator=a_whole(2, 100))
    window: timedelta = attrs.field(default=HOUR, validator=a_time)
    failures_only: bool = True

    @property
    def memory(self) -> timedelta:
        """The window."""
        return self.window

    @property
    def needs(self) -> frozenset[str]:
        """Address and device: one of the two will do."""
        return frozenset({"ip", "device_id"})

    def keys(self, seen: Seen) -> Iterable[Hashable]:
        """The address and the device of an attempt that names a person."""
        attempt = seen.attempt
        if attempt is None or seen.subject is None:
            return
        if self.failures_only and attempt.decision is not ApplicationDecision.DENIED:
            return
        if (address := network_of(attempt)) is not None:
            yield seen.tenant, "ip", address
        if (device := attempt.context.device_id) is not None:
            yield seen.tenant, "device", device

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Count the people."""
        within = recent(past, seen, self.window)
        others = tuple(one for one in within if one.value != seen.subject)
        now = (*others, mark_of(seen, seen.subject))[-_DOUBLINGS[-1] * self.people :]
        is_new = len(others) == len(within)
        count = len(others) + 1
        if not is_new or count not in [self.people * times for times in _DOUBLINGS]:
            return Step(now)
        what = "address" if isinstance(key, tuple) and key[1] == "ip" else "device"
        tried = "failed attempts" if self.failures_only else "attempts"
        found = self._finding(
            seen,
            others,
            f"{tried} for {count} people came from one {what} within {self.window}",
            severity=Severity.HIGH,
            count=count,
        )
        return Step(now, found)

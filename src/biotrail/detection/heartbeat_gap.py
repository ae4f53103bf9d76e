"""A gap in heartbeats: nothing comes for longer than expected."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs

from biotrail.detection._base import HOUR, KeyedRule
from biotrail.detection.finding import Finding, Severity
from biotrail.detection.rule import Mark, Past, Step, a_name, a_time, mark_of
from biotrail.detection.seen import Seen
from biotrail.errors import DetectionError

__all__ = ["HeartbeatGap"]

_LOG = "log"


def _actions(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    words = frozenset() if isinstance(value, str) else frozenset(value)
    if not words or not all(isinstance(one, str) for one in words):
        raise DetectionError("HeartbeatGap.actions is a set of words, not empty, or None")
    return words


@attrs.frozen(kw_only=True)
class HeartbeatGap(KeyedRule):
    """No record came for longer than expected: who writes is down, or was silenced.

    Needs nothing personal. It is noticed by the clock while the detector runs, and otherwise by the
    times of recording of the entries on both sides; either way it is the same finding, which names
    the last record before the silence. What biotrail records of its own is no sign of life of a
    host, and a detection least of all.

    Attributes:
        name: Names the findings.
        expected: A record is expected at least so often. An hour is a start: have the host record
            an event of its own every few minutes, name its action, and set this to three times as
            long, so that one or two may be late.
        actions: Events with these actions are heartbeats; None takes every event of the host's.

    Raises:
        DetectionError: The time or the actions are not as they must be.
    """

    name: str = attrs.field(default="heartbeat_gap", validator=a_name)
    expected: timedelta = attrs.field(default=HOUR, validator=a_time)
    actions: frozenset[str] | None = attrs.field(default=None, converter=_actions)

    @property
    def memory(self) -> None:
        """Until the next heartbeat."""
        return

    @property
    def needs(self) -> frozenset[str]:
        """Nothing personal."""
        return frozenset()

    @property
    def kept(self) -> bool:
        """Its memory is kept: an index and a time."""
        return True

    def keys(self, seen: Seen) -> Iterable[str]:
        """The log, for a heartbeat."""
        attempt = seen.attempt
        if attempt is None or (self.actions is not None and attempt.action not in self.actions):
            return ()
        return (_LOG,)

    def step(self, key: Hashable, past: Past, seen: Seen) -> Step:
        """Hold the time of a heartbeat against the last one's."""
        late = bool(past) and seen.recorded - past[-1].recorded > self.expected
        return Step((mark_of(seen),), self._gap(past[-1]) if late else None)

    def silence(self, key: Hashable, past: Past, now: datetime) -> Finding | None:
        """Hold the present time against the last heartbeat's."""
        return self._gap(past[-1]) if past and now - past[-1].recorded > self.expected else None

    def _gap(self, last: Mark) -> Finding:
        return Finding(
            rule=self.name,
            severity=Severity.HIGH,
            reason=f"no record came for more than {self.expected} after this one",
            indices=(last.index,),
            when=last.recorded + self.expected,
        )

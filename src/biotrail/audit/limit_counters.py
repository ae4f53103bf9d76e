"""The counters of attempt limits: read from the log when they are needed, kept as it grows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from biotrail.audit.limit_records import LimitRecords, RecordedAttempt, Whose
from biotrail.audit.lock_events import LOCKING, labels_name, lock_of
from biotrail.canonical import format_time
from biotrail.events import Action, Event
from biotrail.limits import Counter, Facts, Limit, LimitPolicy, Lock, Scope

__all__ = ["LimitCounters", "counted", "last_lock"]

_KEPT = 65_536
_HORIZON = timedelta(days=1)


class LimitCounters:
    """What is counted of whom, as of the last entry that this writer knows.

    A counter that is not at hand is calculated from its own records, newest first and no further
    back than matters. One that is at hand is brought up to date with what other writers appended.
    So what is kept here is never more than a copy of what the log says.
    """

    def __init__(self, policy: LimitPolicy, records: LimitRecords) -> None:
        """Count by a policy.

        Args:
            policy: What is counted.
            records: Finds the events.
        """
        self._policy = policy
        self._limits = policy.limits
        self._records = records
        self._kept: OrderedDict[Whose, tuple[Counter, int]] = OrderedDict()
        self._size = 0
        self._others = 0
        self._destroyed = 0

    def follow(self, size: int, destroyed: int) -> None:
        """Take note of how far the log reaches.

        Args:
            size: Its size.
            destroyed: A number that changes when personal data was destroyed. Then whoever reads
                the log anew finds less, so that what is kept here is dropped.
        """
        if destroyed != self._destroyed:
            self.forget()
            self._destroyed = destroyed
        if size != self._size:
            self._size = self._others = size

    def forget(self) -> None:
        """Drop what is kept."""
        self._kept.clear()

    def find(self, whose: Whose) -> Counter:
        """The counter of somebody, as of the last entry."""
        kept = self._kept.get(whose)
        if kept is not None and kept[1] >= self._others:
            return kept[0]
        counter = self.calculated(whose, self._size) if kept is None else self._later(whose, *kept)
        self._keep(whose, counter)
        return counter

    def take(self, changed: Mapping[Whose, Counter], size: int) -> None:
        """Take up what this writer's own entries changed, once they are durable.

        Args:
            changed: The counters of all whom they concern.
            size: The size of the log with them.
        """
        self._size = size
        for whose, counter in changed.items():
            self._keep(whose, counter)

    def calculated(self, whose: Whose, stop: int) -> Counter:
        """The counter of somebody as of an index, from the log alone."""
        scope, found, newest = whose[0], [], None
        horizon = self._horizon(self._limits[scope])
        for one in self._records.attempts(whose, 0, stop):
            newest = newest or one.recorded
            if horizon is not None and newest - one.recorded > horizon:
                break
            found.append(one)
            if self._ends(one, scope):
                break
        counter = Counter()
        for one in reversed(found):
            counter = self._with(counter, one, scope)
        return counter

    def _later(self, whose: Whose, counter: Counter, start: int) -> Counter:
        """Brought up to date with the entries of others."""
        added = list(self._records.attempts(whose, start, self._size))
        for one in reversed(added):
            counter = self._with(counter, one, whose[0])
        return counter

    def with_event(self, counter: Counter, event: Event, scope: Scope, now: datetime) -> Counter:
        """A counter with an event about a lock, which is about to be recorded."""
        labels = {
            k: format_time(v) if isinstance(v, datetime) else v for k, v in event.labels.items()
        }
        return self._told(counter, event.action, event.id.bytes, labels, scope, now)

    def _with(self, counter: Counter, one: RecordedAttempt, scope: Scope) -> Counter:
        action = one.content["action"]
        if action not in LOCKING:
            facts, limit = Facts.of_content(one.content), self._limits[scope]
            return counted(counter, facts, self._policy, limit, scope, one.recorded)
        labels = self._records.labels(one)
        return self._told(counter, action, one.content["id"], labels, scope, one.recorded)

    def _told(
        self,
        counter: Counter,
        action: str,
        name: bytes,
        labels: Mapping[str, Any],
        scope: Scope,
        recorded: datetime,
    ) -> Counter:
        """A counter with what an event about a lock says."""
        if action == Action.LOCK:
            lock = lock_of(name, labels, recorded)
            return counter if lock is None or lock.scope != scope else counter.locked(lock)
        if not labels_name(labels, counter.lock):
            return counter
        return Counter() if action == Action.UNLOCK else counter.released(self._limits[scope])

    def _ends(self, one: RecordedAttempt, scope: Scope) -> bool:
        """Whether nothing before this event matters."""
        facts = Facts.of_content(one.content)
        return scope is Scope.SUBJECT and facts.granted and self._policy.covers(facts)

    def _horizon(self, limit: Limit) -> timedelta | None:
        """How long before the newest event nothing matters any more, if there is such a time."""
        if limit.window is None or limit.disable is not None or limit.lock is None:
            return None
        return max(limit.window, limit.lock, _HORIZON)

    def _keep(self, whose: Whose, counter: Counter) -> None:
        self._kept[whose] = counter, self._size
        self._kept.move_to_end(whose)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def counted(
    counter: Counter, facts: Facts, policy: LimitPolicy, limit: Limit, scope: Scope, now: datetime
) -> Counter:
    """A counter with one more attempt."""
    if not policy.covers(facts):
        return counter
    if facts.granted:
        return Counter() if scope is Scope.SUBJECT else counter
    if policy.is_failure(facts):
        return counter.failed(limit, now, guarded=facts.guarded)
    return counter


def last_lock(records: LimitRecords, whose: Whose, stop: int, now: datetime) -> Lock | None:
    """The lock that is in force at a time, from the records of locks alone: no policy is needed."""
    for one in records.attempts(whose, 0, stop):
        if one.content["action"] not in LOCKING:
            continue
        labels = records.labels(one)
        if labels.get("scope") != whose[0]:
            continue
        if one.content["action"] != Action.LOCK:
            return None
        lock = lock_of(one.content["id"], labels, one.recorded)
        return lock if lock is not None and lock.holds(now) else None
    return None

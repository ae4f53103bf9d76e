"""Attempt limits where records commit.

In the writer's turn, with the entries of all other writers taken up, every attempt is held against
the counters: one that would be granted while its person, device or address is locked is recorded
as denied, and the records of locks and of their ends stand in the same batch, so that there is
exactly one of each. What is counted here is kept only once the batch is durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import attrs

from biotrail.audit.limit_counters import LimitCounters, counted
from biotrail.audit.limit_records import LimitRecords, Whose
from biotrail.audit.lock_events import LOCKING, about, expiry_event, lock_event, unlock_event
from biotrail.audit.prepare import Prepared, Preparer
from biotrail.audit.receipt import Receipt
from biotrail.errors import BiotrailError
from biotrail.events import ApplicationDecision, Event, Outcome, Reason
from biotrail.limits import Counter, Facts, LimitPolicy, Lock, worst_of

__all__ = ["Judged", "Limiting", "Verdict"]

Answer = Receipt | BiotrailError


class Verdict(NamedTuple):
    """What the limits say of one record.

    Attributes:
        place: Its place among the records that are written.
        lock: The lock in force once it is recorded, or None.
        overruled: Whether it was to be granted and is recorded as denied.
    """

    place: int
    lock: Lock | None = None
    overruled: bool = False


class Judged(NamedTuple):
    """A batch as it is to be written.

    Attributes:
        records: The records, and those of locks among them.
        verdicts: One for each record that was given.
        changed: The counters once the batch is durable.
    """

    records: list[Prepared]
    verdicts: list[Verdict]
    changed: dict[Whose, Counter]


class Limiting:
    """Keeps the limits of one log. Used by its writer alone, in its turn."""

    def __init__(self, policy: LimitPolicy, records: LimitRecords, preparer: Preparer) -> None:
        """Keep to a policy.

        Args:
            policy: The limits.
            records: Finds the events that are counted.
            preparer: Encodes events about locks, and those that are overruled.
        """
        self.policy = policy
        self.records = records
        self.counters = LimitCounters(policy, records)
        self._limits = policy.limits
        self._preparer = preparer

    def judge(self, records: Sequence[Prepared], now: datetime) -> Judged:
        """Hold a batch against the limits.

        Args:
            records: The records, in order.
            now: When they will be recorded.
        """
        judged = Judged([], [], {})
        for record in records:
            event = record.event
            if event is not None and event.action in LOCKING:
                judged.verdicts.append(self._about_a_lock(judged, record, event, now))
            elif event is None or not self.policy.covers(facts := Facts.of_event(event)):
                judged.verdicts.append(Verdict(len(judged.records)))
                judged.records.append(record)
            else:
                judged.verdicts.append(self._attempt(judged, record, event, facts, now))
        return judged

    def told(self, judged: Judged, answers: Sequence[Answer]) -> list[Answer]:
        """The answers for the records that were given, from those for what was written."""
        return [_with(answers[one.place], one.lock, one.overruled) for one in judged.verdicts]

    def told_again(self, records: Sequence[Prepared], answers: Sequence[Answer]) -> list[Answer]:
        """Answers for records that are in the log already, as they were given at first."""
        told: list[Answer] = []
        for record, answer in zip(records, answers, strict=True):
            if isinstance(answer, Receipt) and record.event is not None:
                answer = _with(answer, self.lock_then(record.event, answer.index), answer.overruled)
            told.append(answer)
        return told

    def lock_now(self, event: Event, now: datetime) -> Lock | None:
        """The lock that would turn an attempt away at a time, or None."""
        if not self.policy.covers(Facts.of_event(event)):
            return None
        whose = self.records.whose(event)
        return worst_of(self.counters.find(one).held_by(now) for one in whose)

    def lock_then(self, event: Event, index: int) -> Lock | None:
        """The lock in force once an event was recorded that is in the log already.

        Args:
            event: The event.
            index: Where it was recorded.
        """
        recorded = self.records.attempt_at(index)
        if recorded is None or not self.policy.covers(Facts.of_event(event)):
            return None
        stop = index + 1
        while (one := self.records.attempt_at(stop)) and one.content["action"] in LOCKING:
            stop += 1  # locks that the event brought follow it in its batch
        whose = self.records.whose(event)
        then = recorded.recorded
        return worst_of(self.counters.calculated(one, stop).held_by(then) for one in whose)

    def _attempt(
        self, judged: Judged, record: Prepared, event: Event, facts: Facts, now: datetime
    ) -> Verdict:
        whose = self.records.whose(event)
        counters = {one: self._released(judged, one, event, now) for one in whose}
        held = worst_of(one.held_by(now) for one in counters.values())
        overruled = facts.granted and held is not None and not record.settled
        if held is not None and overruled:
            event = denied(event, held.reason)
            record, facts = self._preparer.prepare(event), Facts.of_event(event)
        place = len(judged.records)
        judged.records.append(record)
        for one, counter in counters.items():
            counters[one] = self._counted(judged, one, counter, event, facts, now)
        judged.changed.update(counters)
        lock = worst_of(one.held_by(now) for one in counters.values())
        return Verdict(place, lock, overruled)

    def _counted(
        self,
        judged: Judged,
        whose: Whose,
        counter: Counter,
        event: Event,
        facts: Facts,
        now: datetime,
    ) -> Counter:
        """With the attempt counted; what it brings is written after it."""
        scope = whose[0]
        limit = self._limits[scope]
        after = counted(counter, facts, self.policy, limit, scope, now)
        if facts.granted:
            held = counter.held_by(now)
            if held is not None and after.lock is None:
                # Access was granted while nothing could be recorded: the lock did not hold.
                lifted = unlock_event(
                    about(event, scope), held, now, reason=Reason.POLICY, draw=self._draw
                )
                judged.records.append(self._preparer.prepare(lifted))
            return after
        lock = after.due(limit, scope, now) if after is not counter else None
        if lock is None:
            return after
        made, lock = lock_event(event, lock, policy=self.policy.name, draw=self._draw)
        judged.records.append(self._preparer.prepare(made))
        return after.locked(lock)

    def _released(self, judged: Judged, whose: Whose, event: Event, now: datetime) -> Counter:
        """The counter at this moment; that a lock's end has come is written before the attempt."""
        known = judged.changed.get(whose)
        counter = self.counters.find(whose) if known is None else known
        if counter.lock is None or not counter.is_over(now):
            return counter
        limit = self._limits[whose[0]]
        made = expiry_event(event, counter.lock, now, draw=self._draw)
        judged.records.append(self._preparer.prepare(made))
        return counter.released(limit)

    def _about_a_lock(
        self, judged: Judged, record: Prepared, event: Event, now: datetime
    ) -> Verdict:
        """An unlock, as `biotrail.audit.locks` makes it; whatever else looks like one is not."""
        for whose in self.records.whose(event):
            known = judged.changed.get(whose)
            counter = self.counters.find(whose) if known is None else known
            judged.changed[whose] = self.counters.with_event(counter, event, whose[0], now)
        judged.records.append(record)
        return Verdict(len(judged.records) - 1)

    def _draw(self, size: int) -> bytes:
        return self._preparer.draw(size)


def _with(answer: Answer, lock: Lock | None, overruled: bool) -> Answer:
    if isinstance(answer, BiotrailError) or (lock is None and not overruled):
        return answer
    return attrs.evolve(answer, lock=lock, overruled=overruled)


def denied(event: Event, reason: Reason | str) -> Event:
    """An event that was to be granted, as it is recorded in a lock."""
    return attrs.evolve(
        event,
        decision=ApplicationDecision.DENIED,
        outcome=Outcome.FAILURE,
        reason=reason,
    )

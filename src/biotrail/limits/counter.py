"""Counting: from what was counted so far and one more attempt to what is counted then.

Nothing here reads a clock. Times are those of recording, which never go back within a log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from biotrail.events import Reason
from biotrail.limits.policy import Limit, Scope

__all__ = ["Counter", "Lock", "worst_of"]


@attrs.frozen(kw_only=True)
class Lock:
    """A lock: attempts are turned away.

    Attributes:
        scope: Whose attempts.
        since: When it was recorded.
        until: When it ends by itself; None holds until somebody unlocks.
        failures: How many failures were counted by then.
        id: Names the lock: the id of the event that records it, 16 bytes.
    """

    scope: Scope
    since: datetime
    until: datetime | None
    failures: int
    id: bytes = b""

    @property
    def reason(self) -> Reason:
        """The reason for which attempts are denied meanwhile.

        `Reason.ATTEMPT_LIMIT` where it ends by itself, `Reason.LOCKED_OUT` where it does not.
        """
        return Reason.LOCKED_OUT if self.until is None else Reason.ATTEMPT_LIMIT

    def holds(self, now: datetime) -> bool:
        """Whether it is in force at a time."""
        return self.until is None or now < self.until


@attrs.frozen(kw_only=True)
class _Tally:
    """So many failures, and whether PAD came to a decision on each."""

    count: int = 0
    guarded: bool = True

    def and_one(self, guarded: bool) -> _Tally:
        return _Tally(count=self.count + 1, guarded=self.guarded and guarded)


_NONE = _Tally()


@attrs.frozen(kw_only=True)
class Counter:
    """What is counted of one person, device or address.

    Attributes:
        run: Failures that count towards the next lock, where there is no window.
        recent: The same with a window: the times of the last failures, and whether PAD decided.
        total: Consecutive failures through all locks, where the limit can disable.
        lock: The lock that was recorded last and neither lifted nor seen to end.
    """

    run: _Tally = _NONE
    recent: tuple[tuple[datetime, bool], ...] = ()
    total: _Tally = _NONE
    lock: Lock | None = None

    def held_by(self, now: datetime) -> Lock | None:
        """The lock that is in force at a time, or None."""
        lock = self.lock
        return lock if lock is not None and lock.holds(now) else None

    def failed(self, limit: Limit, now: datetime, *, guarded: bool) -> Counter:
        """With one more failure; `due` says whether it locks."""
        total = self.total if limit.disable is None else self.total.and_one(guarded)
        if limit.window is None:
            return attrs.evolve(self, run=self.run.and_one(guarded), total=total)
        since = now - limit.window
        kept = [one for one in (*self.recent, (now, guarded)) if one[0] > since]
        return attrs.evolve(self, recent=tuple(kept[-limit.most :]), total=total)

    def due(self, limit: Limit, scope: Scope, now: datetime) -> Lock | None:
        """The lock that is to be recorded after a failure at this time; None where none is.

        A lock that holds is not followed by another, unless that one has no end.
        """
        held = self.held_by(now)
        if held is not None and held.until is None:
            return None
        disable = limit.disable_let(guarded=self.total.guarded)
        if disable is not None and self.total.count >= disable:
            return Lock(scope=scope, since=now, until=None, failures=self.total.count)
        run = self._run(limit, now)
        if held is not None or run.count < limit.failures_let(guarded=run.guarded):
            return None
        until = None if limit.lock is None else now + limit.lock
        failures = max(run.count, self.total.count)
        return Lock(scope=scope, since=now, until=until, failures=failures)

    def _run(self, limit: Limit, now: datetime) -> _Tally:
        if limit.window is None:
            return self.run
        since = now - limit.window
        guarded = [one[1] for one in self.recent if one[0] > since]
        return _Tally(count=len(guarded), guarded=all(guarded))

    def locked(self, lock: Lock) -> Counter:
        """With a lock recorded."""
        return attrs.evolve(self, lock=lock)

    def released(self, limit: Limit) -> Counter:
        """With the end of the lock seen."""
        if limit.each:
            return attrs.evolve(self, lock=None)
        return attrs.evolve(self, lock=None, run=_NONE, recent=())

    def is_over(self, now: datetime) -> bool:
        """Whether there is a lock whose end has come."""
        return self.lock is not None and not self.lock.holds(now)


def worst_of(locks: Iterable[Lock | None]) -> Lock | None:
    """Of several locks the one that holds longest; None of none."""
    held = [lock for lock in locks if lock is not None]
    endless = [lock for lock in held if lock.until is None]
    if endless or not held:
        return endless[0] if endless else None
    return max(held, key=lambda lock: lock.until or lock.since)

"""Followers: each acknowledged record in order, exactly once, from any index on, as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

from biotrail._closing import Closing
from biotrail.errors import BiotrailError, QueryError, RolledBackError
from biotrail.query.follow_feed import Feed, Stretch

__all__ = ["Decision", "Follower", "Following", "check_start"]

_Found = TypeVar("_Found")
_NOWHERE: Stretch[Any] = Stretch(0, ())


class Decision(NamedTuple, Generic[_Found]):
    """Decides which records a follower is given.

    Attributes:
        admits: Whether a record is asked for.
        check: Raises what stands in the way of deciding at all; called once the log is open.
    """

    admits: Callable[[_Found], bool]
    check: Callable[[], None]


class Following(Generic[_Found]):
    """Where a follower stands, and what it takes from its feed."""

    def __init__(
        self, start: int | None, decision: Decision[_Found] | None, timeout: float | None
    ) -> None:
        """Stand at an index; at None until a feed is joined."""
        check_start(start)
        self._position = start
        self._decision = decision
        self._timeout = timeout
        self._feed: Feed[_Found] | None = None
        self._block: Stretch[_Found] = _NOWHERE
        self._told = 0
        self._closed = False

    @property
    def position(self) -> int:
        """Index of the next record that is looked at: where another follower would go on."""
        return self._position or 0

    def _join(self, feed: Feed[_Found]) -> Feed[_Found]:
        size = feed.join(self)
        if self._position is None:
            self._position = size
        if self._decision is not None:
            self._decision.check()
        if self._position > size:
            feed.leave(self)
            raise RolledBackError(
                f"the log has {size} entries, so it cannot be followed from index "
                f"{self._position}: if it had that many once, it was rolled back",
                index=size,
                expected=self._position,
                found=size,
            )
        self._feed = feed
        return feed

    def _leave(self) -> None:
        self._closed = True
        if self._feed is not None:
            self._feed.leave(self)

    def _next_at_hand(self, feed: Feed[_Found]) -> _Found | None:
        """The next record that is asked for, if no store has to be read for it."""
        decision, position = self._decision, self.position
        admits = None if decision is None else decision.admits
        while True:
            first, records = feed.newest
            if not 0 <= position - first < len(records):
                first, records = self._block
                if not 0 <= position - first < len(records):
                    self._block = _NOWHERE
                    return None
            found = records[position - first]
            if admits is None or admits(found):
                self._position = position + 1
                return found
            self._position = position = position + 1

    def _more_at_hand(self, feed: Feed[_Found], found: list[_Found], limit: int) -> list[_Found]:
        """As many further records as are there, up to a limit; what cannot be told waits."""
        first, records = feed.newest
        if self._decision is None and self.position >= first:  # as many as there are, in one go
            at = self.position - first
            some = records[at : at + limit - len(found)]
            found += some
            self._position = self.position + len(some)
        while len(found) < limit:
            try:
                one = self._next_at_hand(feed)
            except BiotrailError:
                break  # it is raised when it is its turn: what was found must not be lost
            if one is None:
                break
            found.append(one)
        return found

    def _lags(self, feed: Feed[_Found]) -> bool:
        """Whether the next record is there and has to be read again."""
        first, records = feed.newest
        return self.position < feed.size and self.position != first + len(records)

    def _check(self, feed: Feed[_Found]) -> None:
        """Raise what the feed could not get over, once for each time that it tried."""
        feed.check_usable(self.position)
        failure = feed.failure
        if failure is not None and failure.number > self._told:
            self._told = failure.number
            raise failure.error.with_traceback(None)


def check_start(start: object) -> None:
    """Refuse what is no index.

    Raises:
        QueryError: It is none.
    """
    if start is not None and (isinstance(start, bool) or not isinstance(start, int) or start < 0):
        raise QueryError(
            f"a log is followed from an index, 0 or more, or from now on (None); not from {start!r}"
        )


class _ThreadWaiter:
    """A thread that waits for records."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> int:
        """Wake it."""
        with suppress(RuntimeError):  # it is awake already
            self._lock.release()
        return 1

    def wait(self, seconds: float | None) -> bool:
        """Wait to be woken; returns whether it was."""
        return self._lock.acquire(timeout=-1 if seconds is None else max(seconds, 0))


class Follower(Following[_Found], Iterator[_Found], Closing):
    """Iterates over the records of a log, and goes on as they come.

    One thread iterates; `close` may be called from any other. What is raised ends nothing: the next
    record that is asked for is the one at `position` again, and another follower goes on there too.

    Attributes:
        position: Index of the next record that is looked at.
    """

    def __init__(
        self,
        feed: Feed[_Found],
        start: int | None,
        *,
        decision: Decision[_Found] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Follow; see `biotrail.AuditLogger.follow`."""
        super().__init__(start, decision, timeout)
        self._waiter = _ThreadWaiter()
        self._joined = self._join(feed)

    def __next__(self) -> _Found:
        """The next record; waits for it.

        Raises:
            StopIteration: The follower was closed, or its time-out passed. After a time-out it can
                be iterated again.
            ClosedError: The log was closed.
            VerificationError: The log does not go on as it must, or the record is not the one that
                was acknowledged.
            BiotrailError: It cannot be read just now.
        """
        found = self._next_within(self._timeout)
        if found is None:
            raise StopIteration
        return found

    def take(self, limit: int, *, timeout: float | None = None) -> list[_Found]:
        """The next records, as many as are there, up to a limit; waits for the first.

        Args:
            limit: How many at most.
            timeout: Seconds to wait for the first; without end if None.

        Returns:
            The records; empty if none came in time, or if the follower was closed.

        Raises:
            BiotrailError: As iterating does.
        """
        one = self._next_within(timeout)
        return [] if one is None else self._more_at_hand(self._joined, [one], limit)

    def close(self) -> None:
        """Follow no more; an iteration under way in another thread ends."""
        self._closed = True
        self._waiter.wake()
        self._leave()

    def _next_within(self, timeout: float | None) -> _Found | None:
        feed = self._joined
        deadline = None if timeout is None else monotonic() + timeout
        while not self._closed:
            feed.check_usable(self.position)
            found = self._next_at_hand(feed)
            if found is not None:
                return found
            if self._lags(feed):
                self._block = feed.block(self.position)
                continue
            self._check(feed)
            if not self._wait(feed, deadline):
                break
        return None

    def _wait(self, feed: Feed[_Found], deadline: float | None) -> bool:
        """Wait for more; returns whether there may be something."""
        waiter = self._waiter
        if self._closed or not feed.await_more(waiter, self.position):
            return True
        try:
            return waiter.wait(None if deadline is None else deadline - monotonic())
        finally:
            feed.await_no_more(waiter)

"""The doors of following: what a reader, a query and an open log have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from biotrail.query.condition import Condition
from biotrail.query.engine import Engine, as_condition
from biotrail.query.follow import Decision, Follower, check_start
from biotrail.query.follow_feed import Feed
from biotrail.query.follow_sources import RecordSource, VerifiedSource, feed_of
from biotrail.query.opening import Opening
from biotrail.query.record import Record, Unreadable
from biotrail.query.verified import VerifiedEntry
from biotrail.query.where import Where
from biotrail.sealing import Keyring
from biotrail.stores import StoreReader

if TYPE_CHECKING:
    from biotrail.query.follow_async import AsyncFollower

__all__ = ["Followable", "FollowedQuery", "FollowedRecords", "is_asked_for"]

_Found = TypeVar("_Found")


class Followable(Generic[_Found]):
    """Can be followed. One feed serves all followers; it is made anew after a fork."""

    _feed: Feed[_Found] | None = None
    _feed_lock = threading.Lock()  # held for moments only, so that all may share it

    def _new_feed(self) -> Feed[_Found]:
        raise NotImplementedError

    def _decision(self, where: Condition | Where | str | None) -> Decision[_Found] | None:
        raise NotImplementedError

    def _present_size(self) -> int:
        raise NotImplementedError

    def follow(
        self,
        *,
        start: int | None = None,
        where: Condition | Where | str | None = None,
        timeout: float | None = None,
    ) -> Follower[_Found]:
        """Follow the log: each acknowledged record in order, exactly once, and on as they come.

        Args:
            start: Index of the first record; 0 for the beginning, None for those to come from now
                on, `Follower.position` of another follower to go on after it.
            where: Which records are asked for; decided by the opened record.
            timeout: Seconds without such a record after which the iteration ends; it can be begun
                again. None waits without end.

        Returns:
            An iterator, to be closed: best in a ``with`` block.

        Raises:
            QueryError: Not an index, or not a condition.
            RolledBackError: The log has not got that far: it may have been rolled back.
            SealedError: The condition asks for what is sealed, and the vault was not given.
            VerificationError: The log does not check out.
            StoreError: It cannot be read.
        """
        check_start(start)
        decision, feed = self._decision(where), self._feed_now()
        return Follower(feed, start, decision=decision, timeout=timeout)

    def afollow(
        self,
        *,
        start: int | None = None,
        where: Condition | Where | str | None = None,
        timeout: float | None = None,
    ) -> AsyncFollower[_Found]:
        """Follow the log from a task; see `follow`.

        What `follow` raises about the log is raised by the first record that is asked for.
        """
        from biotrail.query.follow_async import AsyncFollower

        check_start(start)
        if start is None:
            start = self._present_size()
        decision = self._decision(where)
        return AsyncFollower(self._feed_now, start, decision=decision, timeout=timeout)

    def notify(self) -> None:
        """Wake the followers: something was committed. Costs nothing where nobody follows."""
        feed = self._feed
        if feed is not None:
            feed.notify()

    def stop_following(self) -> None:
        """End all followers with a `ClosedError` that says where to go on."""
        feed = self._feed
        if feed is not None:
            feed.close()

    def _feed_now(self) -> Feed[_Found]:
        with self._feed_lock:
            if self._feed is None or not self._feed.is_usable:
                self._feed = self._new_feed()
            return self._feed


class FollowedQuery(Followable[VerifiedEntry]):
    """A log whose followers are given proven entries."""

    _engine: Engine
    _new_engine: Callable[[], Engine]

    def _present_size(self) -> int:
        return size_of(self._engine.store)

    def _new_feed(self) -> Feed[VerifiedEntry]:
        return feed_of(VerifiedSource(self._new_engine()))

    def _decision(self, where: Condition | Where | str | None) -> Decision[VerifiedEntry] | None:
        condition = as_condition(where)
        if condition is None:
            return None
        asked: Condition = condition

        def check() -> None:
            source: Any = self._feed_now().source
            source.check_open(asked)

        return Decision(lambda found: asked.admits(found.record), check)


class FollowedRecords(Followable[Record | Unreadable]):
    """A log whose followers are given what lies there, readable or not."""

    _store: StoreReader
    origin: str
    _keyring: Keyring | None

    def _present_size(self) -> int:
        return size_of(self._store)

    def _new_feed(self) -> Feed[Record | Unreadable]:
        keyring, store = self._keyring, self._store
        if keyring is not None:  # one of its own: the reader's is for one thread
            sealed: Any = store
            keyring = Keyring(sealed, keyring.vault, self.origin)
        return feed_of(RecordSource(store, Opening(store, self.origin, keyring)))

    def _decision(
        self, where: Condition | Where | str | None
    ) -> Decision[Record | Unreadable] | None:
        condition = as_condition(where)
        if condition is None:
            return None
        return Decision(lambda found: is_asked_for(found, condition), lambda: None)


def is_asked_for(found: Record | Unreadable, condition: Condition | None) -> bool:
    """Whether a record is asked for. Of what cannot be read nobody can say that it is not."""
    return condition is None or isinstance(found, Unreadable) or condition.admits(found)


def size_of(store: StoreReader) -> int:
    """How many entries the head names."""
    head = store.head()
    return 0 if head is None else head.size

"""Followers for tasks: the same records, without a thread for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic
from typing import Self, TypeVar
from weakref import ref

from biotrail.query.asynchronous import in_thread
from biotrail.query.follow import Decision, Following
from biotrail.query.follow_feed import Feed

__all__ = ["AsyncFollower"]

_Found = TypeVar("_Found")
_WITHOUT_PAUSE = 64


class _LoopBell:
    """Wakes all tasks of one loop that wait for one feed, by one call into the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.futures: set[asyncio.Future[None]] = set()  # touched in the loop alone
        self._loop = ref(loop)
        self._rings = False

    def wake(self) -> int:
        """Ring, from any thread; once is enough until the loop has come round."""
        loop = self._loop()
        if loop is None:
            return 0
        if not self._rings:
            self._rings = True
            try:
                loop.call_soon_threadsafe(self._ring)
            except RuntimeError:
                self._rings = False  # the loop has ended, and nobody waits there
                return 0
        return len(self.futures)

    def _ring(self) -> None:
        self._rings = False
        for future in self.futures:
            if not future.done():
                future.set_result(None)


class AsyncFollower(Following[_Found], AsyncIterator[_Found]):
    """Iterates over the records of a log from a task, and goes on as they come.

    The log is opened for it with the first record that is asked for, or on entering its block. One
    task iterates. Where records have to be read again from the store, that is done in a thread
    of the loop's. A task that is cancelled while it waits has taken nothing: `position` stands.

    Attributes:
        position: Index of the next record that is looked at.
    """

    def __init__(
        self,
        opened: Callable[[], Feed[_Found]],
        start: int | None,
        *,
        decision: Decision[_Found] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Follow; see `biotrail.AuditLogger.afollow`."""
        super().__init__(start, decision, timeout)
        self._opened = opened
        self._joining = asyncio.Lock()
        self._without_pause = 0
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Found:
        """The next record; waits for it. Raises as `Follower` does, at the end StopAsyncIteration.

        Raises:
            StopAsyncIteration: The follower was closed, or its time-out passed.
            BiotrailError: As iterating over a `Follower`.
        """
        feed = self._feed
        if feed is not None and not self._closed and self._without_pause < _WITHOUT_PAUSE:
            # Most are at hand: they are given without any step that could wait.
            feed.check_usable(self._position)
            found = self._next_at_hand(feed)
            if found is not None:
                self._without_pause += 1
                return found
        found = await self._next_within(self._timeout)
        if found is None:
            raise StopAsyncIteration
        return found

    async def take(self, limit: int, *, timeout: float | None = None) -> list[_Found]:
        """The next records, up to a limit; waits for the first. See `Follower.take`.

        Raises:
            BiotrailError: As iterating does.
        """
        one = await self._next_within(timeout)
        if one is None or self._feed is None:
            return []
        return self._more_at_hand(self._feed, [one], limit)

    def close(self) -> None:
        """Follow no more; from any thread. An iteration under way ends."""
        self._closed = True
        if (waiting := self._waiting) is not None:
            loop, future = waiting
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_settle, future)
        self._leave()

    async def aclose(self) -> None:
        """The same, without blocking the loop while the last follower's thread ends."""
        self._closed = True
        await in_thread(self.close)

    async def __aenter__(self) -> Self:
        await self._join_once()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _join_once(self) -> Feed[_Found]:
        async with self._joining:
            feed = self._feed
            return await in_thread(self._open) if feed is None else feed

    def _open(self) -> Feed[_Found]:
        feed = self._join(self._opened())
        if self._closed:  # meanwhile
            feed.leave(self)
        return feed

    async def _next_within(self, timeout: float | None) -> _Found | None:
        deadline = None if timeout is None else monotonic() + timeout
        feed = self._feed
        if feed is None and not self._closed:
            feed = await self._join_once()
        while feed is not None and not self._closed:
            feed.check_usable(self.position)
            await self._pause()
            found = self._next_at_hand(feed)
            if found is not None:
                return found
            if self._lags(feed):
                self._block = await in_thread(feed.block, self.position)
                continue
            self._check(feed)
            if not await self._wait(feed, deadline):
                break
        return None

    async def _pause(self) -> None:
        """Let other tasks run now and then: a thousand records may be at hand."""
        self._without_pause += 1
        if self._without_pause >= _WITHOUT_PAUSE:
            self._without_pause = 0
            await asyncio.sleep(0)

    async def _wait(self, feed: Feed[_Found], deadline: float | None) -> bool:
        """Wait for more; returns whether there may be something."""
        left = None if deadline is None else deadline - monotonic()
        if left is not None and left <= 0:
            return False
        loop = asyncio.get_running_loop()
        bell, future = feed.shared_waiter(loop, _LoopBell), loop.create_future()
        bell.futures.add(future)
        self._waiting = loop, future
        try:
            if self._closed or not feed.await_more(bell, self.position):
                return True
            await asyncio.wait((future,), timeout=left)
            return future.done()
        finally:
            self._waiting = None
            bell.futures.discard(future)
            if not bell.futures:
                feed.await_no_more(bell)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)

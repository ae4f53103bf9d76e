"""Questions to an open log: the logger as the door to `biotrail.query`.

The one place where the writer's room leads to the query room. It is loaded when the first question
is asked, and shares nothing with the writer but the store, the vault and the keys that the writer
has checked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from biotrail.audit._open_log import OpenLog

if TYPE_CHECKING:
    from biotrail.query import (
        AsyncFollower,
        Condition,
        FacetValue,
        Follower,
        LogQuery,
        Page,
        TimeBucket,
        VerifiedEntry,
        Where,
    )
    from biotrail.query.walk import Sort
    from biotrail.signing import SignedCheckpoint
    from biotrail.vault import Vault

__all__ = ["Asking"]

_FACETS = ("attempt", "action", "outcome", "decision", "modality", "reason", "matcher")


class Asking(OpenLog):
    """The questions that an open log answers; each as `biotrail.query.LogQuery` does."""

    _questions: tuple[int, LogQuery] | None = None
    _unopened: tuple[int, LogQuery] | None = None

    def questions(self, *, opened: bool = True) -> LogQuery:
        """The `LogQuery` that answers these questions, for what else it can tell; not to close.

        Args:
            opened: Whether it opens what is sealed. One that does not is the faster where nobody
                is to see personal fields.
        """
        if opened or self._vaulted is None:
            return self._ask()
        self._check_process()
        self._committer.check_open()
        known = self._unopened
        if known is not None and known[0] == os.getpid():
            return known[1]
        self._unopened = os.getpid(), self._new_questions(None)
        return self._unopened[1]

    def query(
        self,
        where: Condition | Where | str | None = None,
        *,
        sort: Sort = "-index",
        limit: int = 50,
        cursor: str | None = None,
        as_of: str | int | SignedCheckpoint | None = None,
    ) -> Page:
        """One page of answers, each proven; see `biotrail.query.LogQuery.query`."""
        ask = self._ask()
        return ask.query(where, sort=sort, limit=limit, cursor=cursor, as_of=as_of)

    def search(
        self,
        where: Condition | Where | str | None = None,
        *,
        sort: Sort = "-index",
        as_of: str | int | SignedCheckpoint | None = None,
    ) -> Iterator[VerifiedEntry]:
        """All answers, each proven; see `biotrail.query.LogQuery.search`."""
        return self._ask().search(where, sort=sort, as_of=as_of)

    def count(
        self,
        where: Condition | Where | str | None = None,
        *,
        as_of: str | int | SignedCheckpoint | None = None,
        verified: bool = False,
    ) -> int:
        """How many answers there are; see `biotrail.query.LogQuery.count`."""
        return self._ask().count(where, as_of=as_of, verified=verified)

    def facets(
        self,
        where: Condition | Where | str | None = None,
        *,
        by: Sequence[str] = _FACETS,
        most: int = 20,
        as_of: str | int | SignedCheckpoint | None = None,
        verified: bool = False,
    ) -> Mapping[str, tuple[FacetValue, ...]]:
        """The values that most answers have; see `biotrail.query.LogQuery.facets`."""
        return self._ask().facets(where, by=by, most=most, as_of=as_of, verified=verified)

    def timeline(
        self,
        where: Condition | Where | str | None = None,
        *,
        bucket: str | timedelta = "hour",
        by: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: str | int | SignedCheckpoint | None = None,
        verified: bool = False,
    ) -> tuple[TimeBucket, ...]:
        """How many answers a stretch of time has; see `biotrail.query.LogQuery.timeline`."""
        window: dict[str, Any] = {"since": since, "until": until, "as_of": as_of}
        return self._ask().timeline(where, bucket=bucket, by=by, verified=verified, **window)

    def follow(
        self,
        *,
        start: int | None = None,
        where: Condition | Where | str | None = None,
        timeout: float | None = None,
    ) -> Follower[VerifiedEntry]:
        """Each record in order, proven, and on as they come; see `biotrail.query.LogQuery.follow`.

        Followers are woken by this logger itself, and learn of other processes' records too.
        """
        asked = self._ask()
        self._committer.notify = asked.notify
        return asked.follow(start=start, where=where, timeout=timeout)

    def afollow(
        self,
        *,
        start: int | None = None,
        where: Condition | Where | str | None = None,
        timeout: float | None = None,
    ) -> AsyncFollower[VerifiedEntry]:
        """The same from a task; see `biotrail.query.LogQuery.afollow`."""
        asked = self._ask()
        self._committer.notify = asked.notify
        return asked.afollow(start=start, where=where, timeout=timeout)

    def close(self) -> None:
        """Answer all that wait, end the followers, then release the store. May be called twice."""
        for known in (self._questions, self._unopened):
            if known is not None:
                known[1].stop_following()
        super().close()

    async def aquery(self, where: Any = None, **options: Any) -> Page:
        """One page of answers, from a task; see `query`."""
        return await (await self._ask_async()).aquery(where, **options)

    async def asearch(self, where: Any = None, **options: Any) -> AsyncIterator[VerifiedEntry]:
        """All answers, from a task; see `search`."""
        async for one in (await self._ask_async()).asearch(where, **options):
            yield one

    async def acount(self, where: Any = None, **options: Any) -> int:
        """How many answers there are, from a task; see `count`."""
        return await (await self._ask_async()).acount(where, **options)

    async def afacets(
        self, where: Any = None, **options: Any
    ) -> Mapping[str, tuple[FacetValue, ...]]:
        """The values that most answers have, from a task; see `facets`."""
        return await (await self._ask_async()).afacets(where, **options)

    async def atimeline(self, where: Any = None, **options: Any) -> tuple[TimeBucket, ...]:
        """How many answers a stretch of time has, from a task; see `timeline`."""
        return await (await self._ask_async()).atimeline(where, **options)

    def _ask(self) -> LogQuery:
        self._check_process()
        self._committer.check_open()
        known = self._questions
        if known is not None and known[0] == os.getpid():
            return known[1]
        vault = None if self._vaulted is None else self._vaulted.vault
        self._questions = os.getpid(), self._new_questions(vault)
        return self._questions[1]

    def _new_questions(self, vault: Vault | None) -> LogQuery:
        # Loaded here: most programs only record.
        from biotrail.query import LogQuery

        admissions = self._committer.exclusively(lambda: self._writer.state.keys.admissions)
        return LogQuery(self._store, trusted=[one.key for one in admissions], vault=vault)

    async def _ask_async(self) -> LogQuery:
        import asyncio

        return await asyncio.get_running_loop().run_in_executor(None, self._ask)

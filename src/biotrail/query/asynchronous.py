"""The same questions from a task: the engine runs in a thread, so that no loop is blocked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from biotrail.query.verified import FacetValue, Page, TimeBucket, VerifiedEntry

__all__ = ["AsynchronousQuery", "in_thread"]

_Result = TypeVar("_Result")
_AT_ONCE = 50


async def in_thread(act: Callable[..., _Result], *values: Any, **options: Any) -> _Result:
    """Run something in a thread of the loop's, and return what it returns."""
    # Imported here, as it doubles the time that importing biotrail takes.
    import asyncio

    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, partial(act, *values, **options))


class AsynchronousQuery:
    """The asynchronous twins of the questions; each takes what its namesake takes."""

    query: Callable[..., Page]
    search: Callable[..., Iterator[VerifiedEntry]]
    count: Callable[..., int]
    facets: Callable[..., Mapping[str, tuple[FacetValue, ...]]]
    timeline: Callable[..., tuple[TimeBucket, ...]]

    async def aquery(self, where: Any = None, **options: Any) -> Page:
        """One page of answers, from a task; see `query`."""
        return await in_thread(self.query, where, **options)

    async def asearch(self, where: Any = None, **options: Any) -> AsyncIterator[VerifiedEntry]:
        """All answers, from a task; see `search`."""
        found = self.search(where, **options)

        def some() -> list[VerifiedEntry]:
            return list(islice(found, _AT_ONCE))

        while several := await in_thread(some):
            for one in several:
                yield one

    async def acount(self, where: Any = None, **options: Any) -> int:
        """How many answers there are, from a task; see `count`."""
        return await in_thread(self.count, where, **options)

    async def afacets(
        self, where: Any = None, **options: Any
    ) -> Mapping[str, tuple[FacetValue, ...]]:
        """The values that most answers have, from a task; see `facets`."""
        return await in_thread(self.facets, where, **options)

    async def atimeline(self, where: Any = None, **options: Any) -> tuple[TimeBucket, ...]:
        """How many answers were recorded in each stretch of time, from a task; see `timeline`."""
        return await in_thread(self.timeline, where, **options)

"""Followers for `benchmarks.bench_live`: tasks of one loop, here or in a process of their own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import biotrail
from biotrail.query import AsyncFollower, LogQuery, open_query

_PATIENCE = 60.0


async def follow(
    log: biotrail.AuditLogger | LogQuery,
    count: int,
    *,
    ready: Callable[[], None],
    ended: Callable[[], Awaitable[int]],
) -> dict[int, float]:
    """Follow with so many tasks from now on, until each has got to the size that `ended` tells.

    Returns:
        When the first follower had each record, by index, in seconds of the monotonic clock, which
        all processes of the machine share.
    """
    came: dict[int, float] = {}
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(log.afollow()) for _ in range(count)]
        tasks = [
            asyncio.create_task(_take(one, came if number == 0 else {}))
            for number, one in enumerate(followers)
        ]
        ready()
        size = await ended()
        async with asyncio.timeout(_PATIENCE):
            while any(one.position < size for one in followers):
                await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    return came


async def _take(follower: AsyncFollower[biotrail.VerifiedEntry], came: dict[int, float]) -> None:
    async for found in follower:
        came[found.index] = time.monotonic()


async def _size_told() -> int:
    return int(await asyncio.to_thread(sys.stdin.readline))


def main() -> None:
    """Follow a file: path, key and number of followers are the arguments; prints times as JSON."""
    path, key, count = sys.argv[1:]
    with open_query(path, trusted=key) as log:
        came = asyncio.run(
            follow(log, int(count), ready=lambda: print("ready", flush=True), ended=_size_told)
        )
    print(json.dumps(list(came.items())), flush=True)


if __name__ == "__main__":
    main()

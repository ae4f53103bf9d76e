"""Followers of tasks: woken together, cancelled without loss, without a thread for each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

import biotrail
from biotrail.errors import ClosedError, RolledBackError
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.query._logs import event, open_log
from tests.unit.vault._providers import CountingProvider


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """An open log with ten events, from index 2 on."""
    with open_log(MemoryStore(), Vault(CountingProvider())) as opened:
        opened.record_many(event(number) for number in range(10))
        yield opened


def test_records_from_any_index_and_on(log: biotrail.AuditLogger) -> None:
    """A task is given what is there and what comes, and ends by its time-out."""

    async def follow() -> list[int]:
        got = []
        async with log.afollow(start=3, timeout=0.2) as follower:
            async for one in follower:
                got.append(one.index)
                if one.index == 11:
                    await log.arecord(event(20))
            assert follower.position == 13
            assert await follower.take(5, timeout=0.01) == []
            await log.arecord_many([event(21), event(22)])
            got += [one.index for one in await follower.take(5)]
            got += [one.index for one in await follower.take(5, timeout=0.01)]
        return got

    assert asyncio.run(follow()) == list(range(3, 15))


def test_from_now_on_means_from_the_call(log: biotrail.AuditLogger) -> None:
    """What is recorded between the call and the first record asked for is not missed."""

    async def follow() -> int:
        follower = log.afollow()
        receipt = await log.arecord(event(20))
        async for one in follower:
            await follower.aclose()
            assert one.index == receipt.index
            return one.index
        return -1

    assert asyncio.run(follow()) == 12


def test_many_tasks_share_one_thread(log: biotrail.AuditLogger) -> None:
    """Two hundred followers in two loops: one feed, and each gets every record once, in order."""
    before = threading.active_count()
    seen: list[int] = []

    async def one() -> list[int]:
        async with log.afollow(start=0) as follower:
            got = []
            async for found in follower:
                got.append(found.index)
                if found.index == 31:
                    return got
        return got

    async def many() -> list[list[int]]:
        tasks = [asyncio.create_task(one()) for _ in range(100)]
        await asyncio.sleep(0.1)
        for number in range(20, 30):
            await log.arecord(event(number, id=uuid4()))
            seen.append(sum(item.name == "biotrail-feed" for item in threading.enumerate()))
        return await asyncio.gather(*tasks)

    loops: list[list[list[int]]] = []
    threads = [threading.Thread(target=lambda: loops.append(asyncio.run(many()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [got for loop in loops for got in loop] == [list(range(32))] * 200
    assert set(seen) == {1}
    assert threading.active_count() <= before + 1  # the log's own, which commits for tasks


def test_a_cancelled_wait_loses_nothing(log: biotrail.AuditLogger) -> None:
    """However often a wait is cut short, the records taken are all, each once, in order."""

    async def follow() -> list[int]:
        got: list[int] = []
        async with log.afollow(start=0) as follower:

            async def record() -> None:
                for number in range(100):
                    await log.arecord(event(100 + number))
                    await asyncio.sleep(0.001 * (number % 3))

            recording = asyncio.create_task(record())
            while len(got) < 112:
                # As a server does with a client that goes: the task is cancelled at any place.
                try:
                    got.append((await asyncio.wait_for(anext(follower), 0.0007)).index)
                except TimeoutError:
                    assert follower.position in (0, len(got))
            await recording
        return got

    assert asyncio.run(follow()) == list(range(112))


def test_close_from_another_thread_ends_a_wait(log: biotrail.AuditLogger) -> None:
    """An iteration that waits ends when the follower is closed elsewhere."""

    async def follow() -> list[int]:
        follower = log.afollow(start=12)
        asyncio.get_running_loop().call_later(
            0.05, lambda: threading.Thread(target=follower.close).start()
        )
        return [one.index async for one in follower]

    assert asyncio.run(follow()) == []


def test_a_closed_log_and_a_start_beyond_the_end_are_errors(log: biotrail.AuditLogger) -> None:
    """They are told by the first record that is asked for."""

    async def follow() -> None:
        with pytest.raises(RolledBackError):
            await anext(log.afollow(start=13))
        follower = log.afollow(start=12)
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0.05)
        await log.aclose()
        with pytest.raises(ClosedError, match="from index 12"):
            await waiting

    asyncio.run(follow())


def test_a_loop_that_ended_holds_nobody_up(log: biotrail.AuditLogger) -> None:
    """Followers whose loop is gone are forgotten; the others are woken."""

    async def leave_waiting() -> None:
        asyncio.ensure_future(anext(log.afollow()))  # noqa: RUF006 - it is meant to be left
        await asyncio.sleep(0.05)

    asyncio.run(leave_waiting())
    with log.follow() as follower:
        receipt = log.record(event(20))
        assert next(follower).index == receipt.index

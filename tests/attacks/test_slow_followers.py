"""Crowds follow a log and do not read: the writer goes on, and what is kept stays bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import biotrail
from biotrail.errors import TooManyRequestsError
from biotrail.query import Follower
from biotrail.query.follow_feed import BLOCKS, NEWEST
from biotrail.stores import MemoryStore
from tests._components import reason_for_absence
from tests.unit.query._logs import event, open_log

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from biotrail.web.asked import Asked
    from biotrail.web.settings import WebSettings
    from tests.unit.web._door import new_door

CROWD, RECORDS = 500, 3_000


@pytest.fixture
def log() -> Iterator[biotrail.AuditLogger]:
    """An open log."""
    with open_log(MemoryStore(), None) as opened:
        yield opened


def test_a_crowd_that_never_reads(log: biotrail.AuditLogger) -> None:
    """Hundreds that do not read hold nothing; one that does gets all; who wakes late does, too."""
    start, before = log.checkpoint().checkpoint.size, threading.active_count()
    crowd: list[Follower[biotrail.VerifiedEntry]] = [log.follow() for _ in range(CROWD)]
    feed = crowd[0]._joined
    try:
        assert all(one._joined is feed for one in crowd)
        assert threading.active_count() == before + 1
        got = []
        for first in range(0, RECORDS, 500):
            log.record_many(event(first + number) for number in range(500))
            while crowd[0].position < log.checkpoint().checkpoint.size:
                got += [one.index for one in crowd[0].take(100, timeout=20)]
        size = log.checkpoint().checkpoint.size
        assert got == list(range(start, size))
        assert len(feed.newest.records) <= 2 * NEWEST
        assert [one.index for one in crowd[-1].take(10, timeout=20)] == got[:10]
        assert sum(len(one) for one in feed._blocks.values()) <= BLOCKS
        assert all(not one._block.records and one.position == start for one in crowd[1:-1])
        assert not feed._waiters
    finally:
        for one in crowd:
            one.close()
    assert threading.active_count() == before


@pytest.mark.component("web")
@pytest.mark.component("http")
def test_a_crowd_over_http(tmp_path: Path) -> None:
    """As many tails as the limits allow; who comes then is told so, and the writer goes on."""
    door = new_door(tmp_path, 4)
    door.settings = WebSettings(most_tails=12, most_tails_of_one=5)
    readers = [door.token("read", name=f"reader {number}")[1].access for number in range(3)]

    async def act() -> tuple[int, list[str]]:
        tails, refused, opened = door.app.state.biotrail.tails, [], []
        for access in readers:
            for _ in range(8):
                try:
                    opened.append(await tails.open(access, Asked(), start=0, route="x"))
                except TooManyRequestsError as error:
                    refused.append(str(error))
        most = len(tails)
        door.log.record(event(99))
        await opened[0].close()
        opened.append(await tails.open(readers[2], Asked(), start=0, route="x"))
        await tails.end()
        assert len(tails) == 0
        return most, refused

    with door.log:
        most, refused = asyncio.run(act())
    assert most == 12
    assert sorted(set(refused)) == [
        "this reader follows the log too often: ask again in 10 s",
        "too many follow the log: ask again in 10 s",
    ]
    assert len(refused) == 12

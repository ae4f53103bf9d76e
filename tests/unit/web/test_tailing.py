"""Following the log over the web: what is handed out, what is recorded, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from biotrail.errors import (
    ForbiddenError,
    QueryError,
    TooManyRequestsError,
    UnauthorizedError,
)
from biotrail.web.access import Access, Scope
from biotrail.web.asked import Asked
from biotrail.web.reading import RecordedReader
from biotrail.web.settings import WebSettings
from biotrail.web.tailing import Tail, Tails
from tests.unit.query._logs import event
from tests.unit.web._door import Door, new_door

ROUTE = "GET /api/v1/tail"
FROM_BEGINNING: dict[str, Any] = {"start": 0, "route": ROUTE}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A log with four events."""
    door = new_door(tmp_path, 4)
    with door.log:
        yield door


def access(door: Door, *scopes: str, **limits: Any) -> Access:
    """Somebody with these scopes."""
    return door.token(*scopes or ("read",), **limits)[1].access


def follow(
    door: Door,
    act: Callable[[Tails], Coroutine[Any, Any, None]],
    settings: WebSettings | None = None,
    keep_alive: float = 15.0,
) -> Tails:
    """Do something with those who follow, and end them."""
    tails = Tails(RecordedReader(door.log, settings), keep_alive=keep_alive)

    async def run() -> None:
        try:
            async with asyncio.timeout(20):
                await act(tails)
        finally:
            await tails.end()

    asyncio.run(run())
    return tails


async def records(events: AsyncIterator[bytes], most: int) -> list[dict[str, Any]]:
    """The next records, each with the id of its event."""
    found: list[dict[str, Any]] = []
    async for piece in events:
        for one in piece.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in one.splitlines() if line)
            if "data" in fields:
                found.append({"event_id": int(fields["id"]), **json.loads(fields["data"])})
        if len(found) >= most:
            break
    return found


async def up_to(events: AsyncIterator[bytes], last: int) -> list[dict[str, Any]]:
    """The records up to an index, in however many pieces they come."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["index"] < last:
        more = await records(events, 1)
        assert more, "the tail has ended"
        found += more
    return found


def test_each_record_comes_once_and_in_order(door: Door) -> None:
    """From the beginning on, and on as they come, with the index as the event's id."""

    async def act(tails: Tails) -> None:
        tail = await tails.open(access(door), Asked(), **FROM_BEGINNING)
        events = tail.events()
        some = await records(events, 6)
        await door.log.arecord(event(8))
        more = await records(events, 1)
        assert [one["event_id"] for one in some] == [one["index"] for one in some]
        assert [one["kind"] for one in some] == ["genesis", "configuration_changed", *["event"] * 4]
        assert [one["index"] for one in [*some, *more]] == sorted(
            {one["index"] for one in [*some, *more]}
        )
        assert more[0]["content"]["action"] == "door.open"
        assert more[0]["checkpoint"] > more[0]["index"]

    follow(door, act)


def test_opening_rows_and_end_are_recorded(door: Door) -> None:
    """The log tells that a tail was opened before anything is handed out, its rows, and its end."""

    async def act(tails: Tails) -> None:
        tail = await tails.open(access(door), Asked(where="kind = event"), **FROM_BEGINNING)
        assert [one["route"] for one in door.reads()] == [f"{ROUTE} opened"]
        assert len(await records(tail.events(), 4)) == 4
        await tail.close()
        await tail.close()

    follow(door, act)
    told = [(one["route"], one["rows"]) for one in door.reads()]
    assert told == [(f"{ROUTE} opened", 0), (f"{ROUTE} ended", 4)]


def test_many_rows_are_recorded_before_they_leave(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every so many rows the log has a record of them before the last of them is handed out."""
    monkeypatch.setattr("biotrail.web.tailing._ROWS_A_RECORD", 3)
    monkeypatch.setattr("biotrail.web.tailing._AT_ONCE", 1)

    async def act(tails: Tails) -> None:
        tail = await tails.open(access(door), Asked(where="kind = event"), **FROM_BEGINNING)
        events = tail.events()
        await records(events, 2)
        assert len(door.reads()) == 1
        await records(events, 1)
        assert [one["rows"] for one in door.reads()] == [0, 3]

    follow(door, act)
    assert [one["rows"] for one in door.reads()] == [0, 3, 0]


def test_a_tail_does_not_feed_itself(door: Door) -> None:
    """The records of a reader's own reads are not handed to it, unless it asks for their kind."""

    async def act(tails: Tails) -> None:
        me, other = access(door, name="anna"), access(door)
        mine = await tails.open(me, Asked(), **FROM_BEGINNING)
        named = await tails.open(me, Asked(where="kind = log_read"), start=0, route="named")
        theirs = await tails.open(other, Asked(), **FROM_BEGINNING)
        last_read = door.log.checkpoint().checkpoint.size - 1
        last = (await door.log.arecord(event(8))).index
        for tail, until, kinds in (
            (mine, last, {"genesis", "configuration_changed", "event", "log_read"}),
            (named, last_read, {"log_read"}),
        ):
            found = await up_to(tail.events(), until)
            readers = [one["content"]["reader"] for one in found if one["kind"] == "log_read"]
            assert {one["kind"] for one in found} == kinds
            assert readers.count(me.reader.hex) == (2 if tail is named else 0)
            assert readers.count(other.reader.hex) == 1
        found = await up_to(theirs.events(), last)
        assert found[-1]["index"] == last
        texts = [one["content"] for one in found if one["content"].get("action") == "log.read"]
        told = [one["content"].get("event") for one in found if one["kind"] == "log_read"]
        assert [one["id"].replace("-", "") for one in texts] == [one for one in told if one]
        assert len(texts) == 2  # the other's, and not its own

    follow(door, act)


def test_personal_fields_need_scope_and_reason_and_are_recorded(door: Door) -> None:
    """Nothing personal is shown unless it is revealed, and the log tells so from the opening on."""

    async def act(tails: Tails) -> None:
        who = access(door, "read", "reveal")
        reveal: Any = ("subject",)
        asked = Asked(where="kind = event", reveal=reveal, reason="case 7")
        for refused in (access(door), access(door, "reveal")):
            with pytest.raises(ForbiddenError):
                await tails.open(refused, asked, **FROM_BEGINNING)
        tail = await tails.open(who, asked, **FROM_BEGINNING)
        plain = await tails.open(access(door), Asked(where="kind = event"), **FROM_BEGINNING)
        (first, *_) = await records(tail.events(), 4)
        assert first["personal"]["subject"] == {"state": "shown", "value": {"id": "person-0"}}
        (first, *_) = await records(plain.events(), 4)
        assert first["personal"] == {}
        assert door.reads()[0]["revealed"] == ["subject"]

    follow(door, act)


def test_a_tail_is_held_to_its_readers_part_of_the_log(door: Door) -> None:
    """Who is held to a tenant is handed that tenant's events and no other entry."""
    door.log.record(event(5, tenant="north"))
    door.log.record(event(6, tenant="south"))

    async def act(tails: Tails) -> None:
        tail = await tails.open(access(door, tenant="north"), Asked(), **FROM_BEGINNING)
        events = tail.events()
        found = await records(events, 1)
        await door.log.arecord(event(7, tenant="south"))
        await door.log.arecord(event(8, tenant="north"))
        found += await records(events, 1)
        assert [one["content"]["tenant"] for one in found] == ["north", "north"]

    follow(door, act)


def test_something_is_sent_while_nothing_happens(door: Door) -> None:
    """In quiet times a comment is sent, and how far was looked, which a reader comes back with."""

    async def act(tails: Tails) -> None:
        asked = Asked(where="kind = log_gap")
        events = (await tails.open(access(door), asked, **FROM_BEGINNING)).events()
        assert await anext(events) == b"retry: 2000\n\n"
        size = door.log.checkpoint().checkpoint.size
        assert await anext(events) == b": nothing new\nid: %d\n\n" % (size - 1)

    follow(door, act, keep_alive=0.05)


def test_a_tail_ends_when_its_reader_may_no_longer_read(door: Door) -> None:
    """What is asked now and then whether the reader is still let in ends the tail by refusing."""
    refuses = False

    def in_force() -> None:
        if refuses:
            raise UnauthorizedError("no longer")

    async def act(tails: Tails) -> None:
        nonlocal refuses
        given: dict[str, Any] = {**FROM_BEGINNING, "in_force": in_force}
        events = (await tails.open(access(door), Asked(), **given)).events()
        await records(events, 5)
        refuses = True
        rest = [one async for one in events]
        assert rest[-1].startswith(b'event: problem\ndata: {"type":"about:blank"')
        assert b"401" in rest[-1]

    follow(door, act, keep_alive=0.05)


def test_places_are_bounded_and_given_back(door: Door) -> None:
    """One reader, and all together, have so many tails; a tail that ends gives its place back."""

    async def act(tails: Tails) -> None:
        me, other, third = (access(door) for _ in range(3))
        mine = [await tails.open(me, Asked(), route=ROUTE) for _ in range(2)]
        with pytest.raises(TooManyRequestsError, match="this reader"):
            await tails.open(me, Asked(), route=ROUTE)
        await tails.open(other, Asked(), route=ROUTE)
        with pytest.raises(TooManyRequestsError, match="too many"):
            await tails.open(third, Asked(), route=ROUTE)
        await mine.pop().close()
        await tails.open(third, Asked(), route=ROUTE)
        for _ in range(3):  # what is refused takes no place
            with pytest.raises(QueryError):
                await tails.open(me, Asked(where="no such"), route=ROUTE)
        assert len(tails) == 3

    tails = follow(door, act, WebSettings(most_tails=3, most_tails_of_one=2))
    assert len(tails) == 0


def test_nobody_follows_once_all_are_ended(door: Door) -> None:
    """Ending all ends iterations that wait, records each, and lets nobody begin again."""

    async def act(tails: Tails) -> None:
        tail = await tails.open(access(door), Asked(), route=ROUTE)
        waiting = asyncio.create_task(_all(tail))
        await asyncio.sleep(0.05)
        await tails.end()
        assert await waiting == [b"retry: 2000\n\n"]
        with pytest.raises(TooManyRequestsError):
            await tails.open(access(door), Asked(), route=ROUTE)

    follow(door, act)
    assert [one["route"] for one in door.reads()] == [f"{ROUTE} opened", f"{ROUTE} ended"]


async def _all(tail: Tail) -> list[bytes]:
    return [one async for one in tail.events()]


def test_a_place_that_the_log_has_not_reached_is_refused(door: Door) -> None:
    """Who would begin beyond the end is told so, and holds no place."""

    async def act(tails: Tails) -> None:
        with pytest.raises(QueryError, match="entries"):
            await tails.open(access(door), Asked(), start=10**6, route=ROUTE)
        assert len(tails) == 0

    follow(door, act, WebSettings(most_tails=1))
    assert door.reads() == []


def test_a_scope_is_needed(door: Door) -> None:
    """Who may only report or export does not follow."""

    async def act(tails: Tails) -> None:
        for scope in set(Scope) - {Scope.READ}:
            with pytest.raises(ForbiddenError):
                await tails.open(access(door, scope), Asked(), route=ROUTE)

    follow(door, act)


def test_the_route_takes_up_where_a_connection_broke(door: Door) -> None:
    """A Last-Event-ID that is no index, or of a longer log, is refused before anything is sent."""
    text, _ = door.token("read", expires=door.now + timedelta(hours=1))
    for last in ("x", "-1", "1e3", "٣", "9" * 30, "100000"):
        headers = {"last-event-id": last.encode()}
        answer = door.request(text, "GET", "/api/v1/tail", headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    answer = door.request(text, "GET", "/api/v1/tail", params={"start": "-1"})
    assert answer.status_code == 400

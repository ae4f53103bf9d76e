"""Somebody acts so that who follows the log does not see it, or sees what is another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import biotrail
from tests._components import reason_for_absence

if reason_for_absence("web") is None and reason_for_absence("http") is None:
    from biotrail.web.access import Access
    from biotrail.web.asked import Asked
    from tests.unit.web._door import Door, new_door

pytestmark = [pytest.mark.component("web"), pytest.mark.component("http")]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A log of four events."""
    door = new_door(tmp_path, 4)
    with door.log:
        yield door


def followed(door: Door, reader: Access, upto: int, **asked: Any) -> list[dict[str, Any]]:
    """The records that a tail from the beginning sends, up to an index."""
    tails = door.app.state.biotrail.tails

    async def run() -> list[dict[str, Any]]:
        tail = await tails.open(reader, Asked(**asked), start=0, route="x")
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            async for piece in tail.events():
                lines = piece.decode().splitlines()
                found += [json.loads(one[6:]) for one in lines if one.startswith("data: ")]
                if any(one["index"] >= upto for one in found):
                    break
        await tail.close()
        return found

    return asyncio.run(run())


def test_what_others_read_is_seen_by_who_follows(door: Door) -> None:
    """A tail has every record but its own reader's: the texts of others' reads, too."""
    spy, guard = door.token("read", name="spy")[1].access, door.token("read")[1].access
    text = door.token("read", "reveal", name="ben")[0]
    search = {"where": 'subject = "person-1"', "reason": "curious"}
    door.request(text, "POST", "/api/v1/records/search", json=search)
    size = door.log.checkpoint().size
    for reader in (guard, spy):
        last = door.log.record(biotrail.Event(action="door.open", decision="granted")).index
        found = followed(door, reader, last)
        reads = [one for one in found if one["index"] < size and one["kind"] == "log_read"]
        texts = [one for one in found if one["content"].get("action") == "log.read"]
        assert len(reads) == 1
        assert [one["index"] for one in texts if one["index"] < size] == [size - 2]


def test_no_event_hides_by_its_action(door: Door) -> None:
    """What a host records under the action of reads is no read, and is sent to everybody."""
    hidden = door.log.record(
        biotrail.Event(action="log.read", decision="granted", target="the vault")
    ).index
    for _ in range(2):
        last = door.log.record(biotrail.Event(action="log.read", decision="granted")).index
    last = door.log.record(biotrail.Event(action="door.open", decision="granted")).index
    found = followed(door, door.token("read")[1].access, last)
    assert [one["index"] for one in found][hidden : last + 1] == [*range(hidden, last + 1)]


def test_a_tenant_s_tail_has_the_tenant_s_records(door: Door) -> None:
    """A token of a tenant gets by no start and no condition what is of another, or of none."""
    north = door.log.record(
        biotrail.Event(action="door.open", decision="granted", tenant="north")
    ).index
    reader = door.token("read", tenant="north")[1].access
    for where in (None, "index >= 0 or kind = genesis", "not tenant = north or tenant = north"):
        assert {one["content"]["tenant"] for one in followed(door, reader, north, where=where)} == {
            "north"
        }

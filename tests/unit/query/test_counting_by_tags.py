"""Counting by tags: as true as by opening each answer, and nothing is opened for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from biotrail.query.opening import Opening
from biotrail.stores import MemoryStore, SQLiteStore
from biotrail.stores.sealed import Fence
from tests.unit.query._logs import event, open_log, sealed_log
from tests.unit.query._questions import ask, varied_log

pytestmark = pytest.mark.component("lark")

_TOLD = (
    "device = reader-1",
    "not device = reader-1",
    "device in (reader-1, reader-3) and action = door.open",
    "ip = 192.0.1.1",
    "ip in 192.0.1.0/24 or device = reader-2",
    "ip in 192.0.0.0/16 and not ip in 192.0.1.0/24",
)
_OPENED = ("ip in 192.0.0.0/23", "ip in 192.0.0.0/8", "subject = person-1", "actor = guard")
_WHY = {"reason": "subject_request", "legal_basis": "GDPR Art. 17(1)(b)"}


@pytest.fixture(params=["memory", "sqlite"])
def sealed(request: Any, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A log of 40 events in a store, of which one person's were erased, and its vault."""
    memory = MemoryStore()

    def store() -> Any:
        return SQLiteStore(tmp_path / "trail.db") if request.param == "sqlite" else memory

    _, vault = sealed_log(map(event, range(40)), store=store())
    with open_log(store(), vault) as log:
        log.erase("person-2", **_WHY)
    with closing(store()) as again:
        yield again, vault


def test_counts_are_those_of_the_records(sealed: Any) -> None:
    """A count, facets and a timeline by tags are those that come of opening every record."""
    asked = ask(*sealed)
    for text in (*_TOLD, *_OPENED):
        assert asked.count(text) == asked.count(text, verified=True), text
        by = ("outcome", "device")
        assert asked.facets(text, by=by) == asked.facets(text, by=by, verified=True)
        drawn = asked.timeline(text, bucket="minute", by="action")
        assert drawn == asked.timeline(text, bucket="minute", by="action", verified=True)


def test_nothing_is_opened(sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a tag tells is counted without opening a record; what none tells is opened."""
    asked = ask(*sealed)
    opened: list[int] = []
    keep = Opening.open

    def noted(self: Any, rows: Any, payloads: Any, **others: Any) -> Any:
        opened.extend(index for index, _ in rows)
        return keep(self, rows, payloads, **others)

    monkeypatch.setattr(Opening, "open", noted)
    for text in _TOLD:
        assert asked.count(text) > 0
    assert opened == []
    for text in _OPENED:
        opened.clear()
        asked.count(text)
        assert opened, text


def test_an_erasure_that_was_begun() -> None:
    """While an erasure is under way, what is fenced is not counted, whatever its tags are."""
    store, vault = sealed_log(map(event, range(10)))
    asked = ask(store, vault)
    assert asked.count("device = reader-0") == 2
    reference: Any = next(iter(asked.query("index = 2").records)).entry.content["subject"]
    store.write_fence(Fence(bytes(16), (reference,), b"", 0))
    assert asked.count("device = reader-0") == asked.count("device = reader-0", verified=True) == 1


def test_one_record_tells_each_device(sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a facet of devices one record of each is opened, and what it says is what it shows."""
    asked = ask(*sealed)
    opened: list[int] = []
    keep = Opening.open

    def noted(self: Any, rows: Any, payloads: Any, **others: Any) -> Any:
        opened.extend(index for index, _ in rows)
        return keep(self, rows, payloads, **others)

    monkeypatch.setattr(Opening, "open", noted)
    found = asked.facets(by=("device",))
    assert len(opened) == len(found["device"]) == 5
    assert found == asked.facets(by=("device",), verified=True)


def test_a_tag_that_was_exchanged() -> None:
    """A record that does not say what its tag stands for has every answer opened."""
    store, vault = sealed_log(map(event, range(40)))
    asked = ask(store, vault)
    expected = asked.facets(by=("device",), verified=True)
    other = store._sealed[3].device
    store._sealed[2] = store._sealed[2]._replace(device=other)
    store._sealed[3] = store._sealed[3]._replace(device=bytes(16))
    assert asked.facets(by=("device",)) == expected


def test_payloads_in_the_clear_are_counted_too() -> None:
    """Of a log that was sealed later, devices of both kinds of records are counted."""
    store, _ = varied_log(60, 3, sealed=False)
    store, vault = varied_log(60, 4, sealed=True, store=store)
    asked = ask(store, vault)
    for where in (None, "device = reader-1", "action = door.open"):
        found = asked.facets(where, by=("device",))
        assert found == asked.facets(where, by=("device",), verified=True)
        assert asked.count(where) == asked.count(where, verified=True)

"""Reads of a log are records in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from biotrail.audit import AuditLogger
from biotrail.canonical import Entry, decode_entry
from biotrail.errors import ClosedError, EventError, NotRecordedError
from biotrail.query import open_records
from biotrail.stores import SQLiteReader
from tests.unit.audit import _vaulted
from tests.unit.audit._logs import opened, verified

READER = UUID(int=7)
READ: dict[str, Any] = {
    "reader": READER,
    "purpose": "review",
    "route": "GET /v1/records",
    "rows": 3,
}
ANNA = 'subject = "anna" and outcome = failure'


def entries(path: Path) -> list[Entry]:
    """Every entry of a log, decoded."""
    reader = SQLiteReader(path)
    try:
        return [decode_entry(one.entry) for one in reader.entries(0, 1 << 40)]
    finally:
        reader.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Any:
    """A log without a vault."""
    with opened(path) as one:
        yield one


def test_a_read_is_an_entry(log: AuditLogger, path: Path) -> None:
    """A read that asks nothing is one entry, and says who read what, for what, and how much."""
    receipt = log.record_read(**READ)
    entry = entries(path)[receipt.index]
    assert entry.kind == "log_read"
    assert entry.content == {
        "rows": 3,
        "route": "GET /v1/records",
        "reader": READER.bytes,
        "purpose": "review",
    }
    assert verified(path).size == receipt.index + 1


def test_what_was_asked_is_personal(path: Path) -> None:
    """Query, reason and the reader's name are sealed; the entry shows none of them."""
    with _vaulted.opened(path) as log:
        receipt = log.record_read(
            **READ,
            query=ANNA,
            name="auditor@example.com",
            revealed=("ip", "subject"),
            reason="case 17: Berta was asked",
            tenant="north",
        )
    said = _vaulted.everything(path)
    for word in (b"anna", b"auditor@", b"Berta"):
        assert word not in said
    entry = entries(path)[receipt.index]
    event = entries(path)[receipt.index - 1]
    assert entry.content["event"] == event.content["id"]
    assert entry.content["revealed"] == ["ip", "subject"]
    assert entry.content["tenant"] == event.content["tenant"] == "north"
    with open_records(path, vault=_vaulted.vault()) as reader:
        read = reader.record(receipt.index - 1).event
    assert read is not None
    assert read.action == "log.read"
    assert read.actor is not None
    assert read.actor.id == "auditor@example.com"
    assert read.attributes == {"query": ANNA, "reveal_reason": "case 17: Berta was asked"}
    assert verified(path, _vaulted.key()).size == receipt.index + 1


def test_a_long_query_is_recorded_whole(log: AuditLogger, path: Path) -> None:
    """What was asked is kept in pieces, none lost; what does not print is escaped."""
    query = 'action = "x"\n' * 400
    receipt = log.record_read(**READ, query=query)
    log.close()
    with open_records(path) as reader:
        event = reader.record(receipt.index - 1).event
    assert event is not None
    pieces = ["query", *(f"query_{number}" for number in range(2, 20))]
    kept = "".join(str(event.attributes.get(name, "")) for name in pieces)
    assert kept == query.replace("\n", "\\n")


def test_it_is_recorded_from_tasks(path: Path) -> None:
    """Reads from many tasks are all recorded, in a log with a vault too."""

    async def read() -> None:
        async with _vaulted.opened(path) as log:
            many = (log.arecord_read(**{**READ, "rows": rows}, query=ANNA) for rows in range(20))
            await asyncio.gather(*many)

    asyncio.run(read())
    found = [one.content["rows"] for one in entries(path) if one.kind == "log_read"]
    assert sorted(found) == list(range(20))  # type: ignore[type-var]
    verified(path, _vaulted.key())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("reader", one) for one in ("anna", bytes(16), None)),
        *(("purpose", one) for one in ("", "Two words", "x" * 65, "é", None)),
        *(("route", one) for one in ("", "GET /x\r\ny", "x" * 257, "é", None)),
        *(("rows", one) for one in (-1, 2**63, True, 1.0, "1")),
        *(("query", one) for one in ("", "x" * 8_193, "\n" * 8_000, b"x", "\ud800" * 2_000)),
        *(("revealed", one) for one in (["ip"], ("Anna B.",), ("ip",) * 65)),
        ("tenant", ""),
        ("name", ""),
    ],
)
def test_what_no_read_is(log: AuditLogger, field: str, value: object) -> None:
    """A field of a read that is not as it must be is refused, and nothing is written."""
    before = log.checkpoint().size
    with pytest.raises(EventError):
        log.record_read(**{**READ, "reason": "case 1", field: value})
    assert log.checkpoint().size == before


def test_revealing_asks_for_a_reason(log: AuditLogger) -> None:
    """Fields are revealed for a reason, or not at all."""
    with pytest.raises(EventError, match="reason"):
        log.record_read(**READ, revealed=("ip",))


def test_a_sealed_log_is_not_asked_in_the_clear(path: Path) -> None:
    """A log that seals personal fields takes no query in the clear when its vault is not given."""
    _vaulted.opened(path).close()
    with _vaulted.opened(path, vault=False) as log:
        with pytest.raises(NotRecordedError):
            log.record_read(**READ, query=ANNA)
        log.record_read(**READ)


def test_a_closed_log_takes_no_read(path: Path) -> None:
    """What cannot be recorded raises."""
    log = opened(path)
    log.close()
    with pytest.raises(ClosedError):
        log.record_read(**READ)


def test_settings_are_recorded_with_the_one_before(log: AuditLogger, path: Path) -> None:
    """A changed setting is an entry with its digest and that of the one before."""
    log.record_configuration("tokens", bytes(32))
    receipt = log.record_configuration("tokens", b"\1" * 32)
    assert entries(path)[receipt.index].content == {
        "setting": "tokens",
        "digest": b"\1" * 32,
        "before": bytes(32),
    }
    for setting, digest in (("personal_fields", bytes(32)), ("A b", bytes(32)), ("x", b"")):
        with pytest.raises(EventError):
            log.record_configuration(setting, digest)
    verified(path)

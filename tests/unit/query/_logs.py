"""Logs with a vault for the tests of reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import biotrail
from biotrail.query import RecordReader
from biotrail.stores import MemoryStore
from biotrail.vault import Vault
from tests.unit.vault._providers import CountingProvider

ORIGIN = "example.com/door"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def event(number: int = 0, **changes: Any) -> biotrail.Event:
    """An event of one of three people, five devices and addresses in two networks."""
    fields: dict[str, Any] = {
        "id": UUID(int=number + 1),
        "action": "door.open",
        "decision": "granted",
        "modality": "face",
        "actor": "guard",
        "subject": f"person-{number % 3}",
        "context": biotrail.Context(
            ip=f"192.0.{number % 2}.{number % 250}", device_id=f"reader-{number % 5}"
        ),
        **changes,
    }
    return biotrail.Event(**fields)


def ticking() -> Iterator[datetime]:
    """Times, a minute apart."""
    moment = START
    while True:
        yield moment
        moment += timedelta(minutes=1)


def sealed_log(
    events: Iterable[biotrail.Event] = (), *, store: Any = None, vault: Vault | None = None
) -> tuple[Any, Vault]:
    """A closed log in a store, and its vault."""
    store = MemoryStore() if store is None else store
    vault = Vault(CountingProvider()) if vault is None else vault
    with open_log(store, vault) as log:
        for one in events:
            log.record(one)
    return store, vault


def open_log(store: Any, vault: Vault | None, **options: Any) -> biotrail.AuditLogger:
    """The log in a store, with a clock that ticks by minutes."""
    times = ticking()
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    return biotrail.AuditLogger(store, signer, vault=vault, clock=lambda: next(times), **options)


def reader(
    count: int = 12, *, opened: bool = True, **changes: Any
) -> tuple[RecordReader, Any, Vault]:
    """A reader of a log with so many events, from index 2 on; its store; its vault."""
    store, vault = sealed_log(event(number, **changes) for number in range(count))
    return RecordReader(store, vault=vault if opened else None), store, vault

"""A log on a disk that is full."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from biotrail import AuditLogger
from biotrail.errors import NotRecordedError, StoreFullError
from tests.faults._mounts import Mounts, fill, mounted
from tests.unit.audit._logs import event, ids_in, opened, verified

__all__ = ["mounted"]
pytestmark = pytest.mark.component("tmpfs")
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def _numbers(path: Path) -> list[int]:
    """The numbers of the events, in the log's order."""
    return [one.int - 1 for one in ids_in(path)]


def _record_until_full(
    log: AuditLogger, acknowledged: dict[int, int], first: int
) -> tuple[int, BaseException | None]:
    """Record, one and many by turns, until it fails; returns which failed, and why."""
    number = first
    while True:
        many = [event(number + place, occurred=_WHEN) for place in range(1 + number % 3)]
        try:
            receipts = log.record_many(many)
        except NotRecordedError as error:
            return number, error.__cause__
        for place, receipt in enumerate(receipts):
            acknowledged[number + place] = receipt.index
        number += len(many)


def test_a_full_disk(mounted: Mounts) -> None:
    """Nothing acknowledged is lost, errors are named, and the same logger recovers."""
    folder = mounted(size="24m")
    path = folder / "trail.db"
    acknowledged: dict[int, int] = {}
    with opened(path) as log:
        log.record_many([event(number + 900_000) for number in range(500)])
        failed = 0
        for leave in (0, 4_096, 30_000, 100_000, 300_000):
            ballast = fill(folder, leave)
            failed, cause = _record_until_full(log, acknowledged, failed)
            assert isinstance(cause, StoreFullError)
            with pytest.raises(NotRecordedError):
                log.record_many([event(failed + place, occurred=_WHEN) for place in range(600)])
            ids = _numbers(path)
            assert all(ids[index - 1] == number for number, index in acknowledged.items())
            ballast.unlink()
            receipt = log.record(event(failed, occurred=_WHEN))
            acknowledged[failed] = receipt.index
            failed += 1
        checkpoint = log.checkpoint().note
    assert verified(path, from_checkpoint=checkpoint).events == len(ids_in(path))
    ids = _numbers(path)
    assert len(ids) == len(set(ids))
    assert all(ids[index - 1] == number for number, index in acknowledged.items())
    assert len(acknowledged) > 20


def test_opening_on_a_full_disk(mounted: Mounts) -> None:
    """A log that cannot be begun for want of space says so, and can be begun later."""
    folder = mounted(size="2m")
    path = folder / "trail.db"
    for leave in (0, 4_096, 16_384, 40_000):
        ballast = fill(folder, leave)
        with suppress(StoreFullError):
            opened(path).close()
        ballast.unlink()
        with opened(path) as log:
            log.record(event(leave))
    assert verified(path).events == 4


def test_a_full_disk_while_closing(mounted: Mounts) -> None:
    """A disk that is full when the log is closed costs nothing: what was recorded is there."""
    folder = mounted(size="8m")
    path = folder / "trail.db"
    log = opened(path)
    log.record_many([event(number) for number in range(300)])
    ballast = fill(folder, 0)
    log.close()
    ballast.unlink()
    with opened(path) as log:
        assert log.record(event(300)).index == 301
    assert verified(path).events == 301

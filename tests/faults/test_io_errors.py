"""An error at every statement that a logger gives to SQLite, done and not done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger, Event
from biotrail.errors import (
    BiotrailError,
    EventConflictError,
    NotRecordedError,
    StoreBusyError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from tests.faults._failing import Plan, install
from tests.unit.audit._logs import check_receipt, event, ids_in, opened, signer, verified

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_MOST = 60
SECOND = signer(bytes([2]) * 32).verifier_key
Act = Callable[[AuditLogger], Any]


def _event(number: int, **fields: Any) -> Event:
    return event(number, **{"occurred": _WHEN, "subject": f"person {number}", **fields})


def _one(log: AuditLogger) -> Any:
    return log.record(_event(10))


def _many(log: AuditLogger) -> Any:
    return log.record_many([_event(number) for number in range(10, 14)])[0]


def _filling_a_tile(log: AuditLogger) -> Any:
    return log.record_many([_event(number, subject=None) for number in range(10, 300)])[0]


def _task(log: AuditLogger) -> Any:
    return asyncio.run(log.arecord(_event(10)))


def _with_repeats(log: AuditLogger) -> Any:
    return log.record_many([_event(10), _event(1), _event(11), _event(10)])[0]


def _repeat(log: AuditLogger) -> Any:
    return log.record(_event(1))


def _conflict(log: AuditLogger) -> Any:
    with pytest.raises(EventConflictError):
        log.record(_event(1, action="other"))


ACTS = [_one, _many, _filling_a_tile, _task, _with_repeats, _repeat, _conflict]
FAULTS = [
    (sqlite3.SQLITE_IOERR_WRITE, False, 1),
    (sqlite3.SQLITE_IOERR_FSYNC, True, 1),
    (sqlite3.SQLITE_IOERR_FSYNC, True, 2),
    (sqlite3.SQLITE_IOERR_WRITE, False, 3),
    (sqlite3.SQLITE_FULL, False, 1),
    (sqlite3.SQLITE_BUSY, False, 2),
]
_NAMES = ["io", "io-done", "io-done-twice", "io-thrice", "full", "busy-twice"]


def _check(log: AuditLogger, path: Path, act: Act) -> None:
    """The same act again succeeds, and each event is there once."""
    receipt = act(log)
    if receipt is not None:
        check_receipt(log, receipt)
    log.record(_event(999))
    ids = ids_in(path)
    assert len(ids) == len(set(ids))
    assert verified(path).events == len(ids)


@pytest.mark.parametrize(("code", "done", "times"), FAULTS, ids=_NAMES)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__.strip("_"))
def test_a_failure_at_every_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act, code: int, done: bool, times: int
) -> None:
    """Whichever statement fails, done or not, the caller is told by name; a retry settles it.

    The logger is not opened again in between.
    """
    plan = install(monkeypatch)
    path, struck = tmp_path / "trail.db", []
    log = opened(path)
    log.record(_event(1))
    for at in range(1, _MOST):
        plan.strike(at, code, done=done, times=times)
        try:
            act(log)
        except NotRecordedError as error:
            _check_named(error, plan, code)
        hit = bool(plan.struck)
        struck += plan.struck
        plan.heal()
        _check(log, path, act)
        log.close()
        if not hit:
            break
        _begin_again(path)
        log = opened(path)
        log.record(_event(1))
    else:
        pytest.fail("the act never ended")
    assert len(struck) >= 3 * times or act in (_repeat, _conflict)


def _begin_again(path: Path) -> None:
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)


def _check_named(error: BiotrailError, plan: Plan, code: int) -> None:
    """The error says what befell the store."""
    assert plan.struck, "an error without a cause"
    chain: BaseException | None = error
    seen = set()
    while chain is not None:
        seen.add(type(chain))
        chain = chain.__cause__
    wanted = {
        sqlite3.SQLITE_FULL: StoreFullError,
        sqlite3.SQLITE_BUSY: StoreBusyError,
    }.get(code, StoreUnavailableError)
    assert wanted in seen, seen


@pytest.mark.parametrize("done", [False, True])
def test_a_failing_commit_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    """If the disk fails at the commit itself the outcome is unknown, done or not."""
    plan = install(monkeypatch)
    path = tmp_path / "trail.db"
    with opened(path) as log:
        log.record(_event(1))
        for at in range(1, _MOST):
            plan.strike(at, sqlite3.SQLITE_IOERR_FSYNC, done=done)
            try:
                log.record(_event(100 + at))
            except UnknownOutcomeError:
                assert plan.struck == ["COMMIT"]
            except NotRecordedError:
                assert plan.struck != ["COMMIT"]
            ended = not plan.struck
            plan.heal()
            receipt = log.record(_event(100 + at))
            assert receipt.repeated == (ended or (plan.struck == ["COMMIT"] and done))
            if ended:
                break
    ids = ids_in(path)
    assert len(ids) == len(set(ids)) == verified(path).events == at + 1


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN])
def test_a_failure_while_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A failure at any statement of the opening is named, and the next opening succeeds."""
    plan = install(monkeypatch)
    for at in range(1, _MOST):
        path = tmp_path / f"trail-{at}.db"
        plan.strike(at, code, done=False)
        try:
            opened(path).close()
        except (StoreReadOnlyError, StoreUnavailableError):
            assert plan.struck
        hit = bool(plan.struck)
        plan.heal()
        with opened(path) as log:
            log.record(_event(1))
        assert verified(path).events == 1
        if not hit:
            break
    assert at > 3


def test_failures_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With failures strewn over many tasks, each retried until answered, each is recorded once."""
    plan = install(monkeypatch)
    path, failures = tmp_path / "trail.db", [0]

    async def one(log: AuditLogger, number: int) -> None:
        mine = _event(number)
        while True:
            try:
                await log.arecord(mine)
                return
            except NotRecordedError:
                failures[0] += 1

    async def main(log: AuditLogger) -> None:
        tasks = [asyncio.create_task(one(log, number)) for number in range(500)]
        for at in range(1, 40):
            plan.strike(at % 11 + 1, sqlite3.SQLITE_IOERR_FSYNC, done=at % 2 == 0)
            await asyncio.sleep(0.003)
        plan.heal()
        await asyncio.gather(*tasks)

    with opened(path) as log:
        asyncio.run(main(log))
    assert failures[0] > 0
    assert sorted(one.int for one in ids_in(path)) == list(range(1, 501))
    assert verified(path).events == 500

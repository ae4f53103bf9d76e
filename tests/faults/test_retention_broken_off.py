"""Retentions that are killed at every step and at any moment, and holds that come meanwhile."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import RetentionPolicy, RetentionRule, examine
from biotrail.errors import BiotrailError
from biotrail.stores import SQLiteStore
from biotrail.testing import FaultyStore
from tests.unit.audit._vaulted import event, everything, key, opened

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = BEGIN + 5 * DAY
POLICY = RetentionPolicy([RetentionRule(keep=DAY)])
STEPS = (
    "turn",
    "lookups",
    "payloads_at",
    "entries_at",
    "append",
    "replace_payloads",
    "delete_payloads",
    "purge_remains",
    "indices_of_other_kinds",
)
_DUE = 2 + 8  # two payloads in the clear, and two parts of each of four


class Killed(BaseException):
    """The process ends here: nothing catches this."""


def _filled(path: Path) -> None:
    with opened(path, vault=None, clock=lambda: BEGIN) as log:
        log.record_many([event("anna"), event("eve")])
    with opened(path, clock=lambda: BEGIN) as log:
        log.record_many([event("anna"), event("ben"), event("anna"), event("eve")])


def _check_retained(path: Path) -> None:
    with opened(path, clock=lambda: LATER) as log:
        log.apply_retention(POLICY)
        found = biotrail.verify_log(path, key())
        assert (found.retained, found.overdue, found.sealed, found.payloads) == (_DUE, 0, 0, 0)
        kinds = [columns.kind for _, columns in log.erasures.store.lookups(0, 99)]
        assert kinds.count("retention_applied") == 1
    assert b"device of anna" not in everything(path)


@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(tmp_path: Path, step: str, written: bool) -> None:
    """Killed before or after any call of any step: the log holds, and the next run ends it."""
    for after in range(60):
        path = tmp_path / str(after) / "log.db"
        path.parent.mkdir()
        _filled(path)
        store = FaultyStore(SQLiteStore(path))
        log = opened(store, clock=lambda: LATER)
        fault = store.fail(step, Killed(), written=written, after=after)
        with suppress(Killed, BiotrailError):
            log.apply_retention(POLICY)
        store.heal()
        store.store.close()
        found = biotrail.verify_log(path, key())
        assert (found.retained or 0) + (found.sealed or 0) + (found.payloads or 0) == _DUE
        _check_retained(path)
        if fault.times:
            break
    assert after > 0, "the step is never taken"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("ended_by", ["retention", "doctor"])
def test_killed_at_any_moment(tmp_path: Path, ended_by: str) -> None:
    """SIGKILL at random moments: the log holds, and whoever comes next ends what was begun."""
    source = random.Random(ended_by)
    for life in range(15):
        path = tmp_path / str(life) / "log.db"
        path.parent.mkdir()
        _filled(path)
        child = _forked(path)
        time.sleep(source.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        before = biotrail.verify_log(path, key())
        if ended_by == "doctor":
            with opened(path, clock=lambda: LATER) as log:
                assert examine(log).retained == before.overdue
            assert biotrail.verify_log(path, key()).overdue == 0
        _check_retained(path)


def _forked(path: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            with opened(path, clock=lambda: LATER) as log:
                log.apply_retention(POLICY)
        finally:
            os._exit(0)
    return child


class Interrupted(FaultyStore):
    """A store before one of whose steps somebody else acts, once."""

    def __init__(self, store: Any, step: str, act: Any) -> None:
        super().__init__(store)
        self._at, self._act = step, act

    def _do(self, step: str, act: Any) -> Any:
        if step == self._at and self._act is not None:
            other, self._act = self._act, None
            other()
        return super()._do(step, act)


@pytest.mark.parametrize(
    ("step", "held", "left"), [("lookups", 2, 2), ("payloads_at", 2, 2), ("purge_remains", 0, 0)]
)
def test_a_hold_that_comes_meanwhile(tmp_path: Path, step: str, held: int, left: int) -> None:
    """A hold that another process places before the entry is written is kept by the retention."""
    path = tmp_path / "log.db"
    with opened(path, clock=lambda: BEGIN) as log:
        log.record_many([event("anna"), event("ben"), event("anna")])
    with opened(path, clock=lambda: LATER) as other:

        def hold() -> None:
            other.place_hold("anna", reason="litigation")

        store = Interrupted(SQLiteStore(path), "none", hold)
        with opened(store, clock=lambda: LATER) as log:
            store._at = step
            run = log.apply_retention(POLICY)
    assert run.held == held
    found = biotrail.verify_log(path, key())
    assert (found.sealed, found.retained, found.overdue) == (left, 6 - left, 0)


def test_a_hold_after_the_entry(tmp_path: Path) -> None:
    """A hold that comes when the entry is written, and nothing destroyed yet, is kept as well."""
    path = tmp_path / "log.db"
    with opened(path, clock=lambda: BEGIN) as log:
        log.record_many([event("anna"), event("ben"), event("anna")])
    store = FaultyStore(SQLiteStore(path))
    with opened(store, clock=lambda: LATER) as log, opened(path, clock=lambda: LATER) as other:
        write = log._write

        def write_and_hold(kind: str, content: Any, **options: Any) -> Any:
            receipt = write(kind, content, **options)
            if kind == "retention_applied":
                other.place_hold("anna", reason="litigation")
            return receipt

        log._write = write_and_hold  # type: ignore[method-assign]
        log.apply_retention(POLICY)
    found = biotrail.verify_log(path, key())
    assert (found.sealed, found.retained, found.overdue) == (2, 4, 0)

"""Threat: whoever guesses kills the process, sets the clock, or changes the policy."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import attrs
import pytest

from biotrail import Attempt, AuditLogger, Reason, open_records, verify_log
from biotrail.audit.locks import locks
from biotrail.limits import NIST_SP_800_63B_4, PCI_DSS_8_3_4, Limit, LimitPolicy
from biotrail.stores import MemoryStore, SQLiteReader, SQLiteStore
from tests._components import ROOT
from tests.attacks._guessing import POLICY, signer

_START = datetime(2026, 11, 1, tzinfo=UTC)


class Kept(MemoryStore):
    """A store that outlives its loggers."""

    def close(self) -> None:
        """Stay."""


def _tried(log: AuditLogger, *, match: bool, **fields: Any) -> Attempt:
    known = {"action": "door.open", "subject": "anna", "modality": "face", **fields}
    with log.attempt(**known) as attempt:
        attempt.grant() if match else attempt.deny(Reason.NON_MATCH)
    return attempt


@pytest.mark.parametrize("when", ["before", "after"])
def test_killing_the_process_that_is_about_to_lock(tmp_path: Path, when: str) -> None:
    """SIGKILL at the fifth failure: it and its lock are both in the log, or neither is."""
    path = tmp_path / "log.db"
    command = [sys.executable, "-m", "tests.attacks._guess_worker", str(path), "5", when]
    ended = subprocess.run(command, cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with closing(SQLiteReader(path)) as store:
        rows = [row.action for _, row in store.lookups(0, 100)]
        assert rows.count("door.open") == (5 if when == "after" else 4)
        assert len(locks(store)) == (1 if when == "after" else 0)
    with AuditLogger(SQLiteStore(path), signer(), limits=POLICY) as log:
        if when == "before":
            assert _tried(log, match=False).locked is not None  # still the fifth
        attempt = _tried(log, match=True)
        assert not attempt.granted
        assert attempt.locked is not None
    with closing(SQLiteReader(path)) as store:
        assert len(locks(store)) == 1
    verify_log(path, signer().verifier_key)


def test_clocks_that_are_set(tmp_path: Path) -> None:
    """Set back, a clock unlocks nothing; set ahead and back again, it leaves no shorter lock."""
    clock = SimpleNamespace(now=_START)
    store = Kept()

    def opened() -> AuditLogger:
        return AuditLogger(store, signer(), limits=POLICY, clock=lambda: clock.now)

    with opened() as log:
        for _ in range(5):
            _tried(log, match=False)
    for jump in (timedelta(days=-365), timedelta(hours=-2), timedelta(minutes=59)):
        clock.now = _START + jump
        with opened() as log:
            assert not _tried(log, match=True).granted, jump
    clock.now = _START + timedelta(hours=1)
    with opened() as log:
        assert _tried(log, match=True).granted
    clock.now = _START - timedelta(days=1)
    with opened() as log:
        for _ in range(5):
            last = _tried(log, match=False)
        assert last.locked is not None
        assert last.locked.until == _START + timedelta(hours=2)


def _changes(store: MemoryStore) -> list[dict[str, Any]]:
    with closing(open_records(store)) as reader:
        found = [one.entry for one in reader.records() if one.kind == "configuration_changed"]
    return [dict(entry.content) for entry in found]


def test_another_policy_is_recorded() -> None:
    """Who opens the log with laxer limits says so in it; opening with the same says nothing."""
    store = Kept()
    lax = attrs.evolve(POLICY, subject=Limit(failures=500, lock=timedelta(seconds=1)))
    for policy in (POLICY, POLICY, lax, lax, POLICY):
        with AuditLogger(store, signer(), limits=policy):
            pass
    with AuditLogger(store, signer()):
        pass  # one that only reads, or looks after keys, needs no limits
    first, second, third = _changes(store)
    assert first == {"setting": "attempt_limits", "digest": POLICY.digest()}
    assert second == {
        "setting": "attempt_limits",
        "digest": lax.digest(),
        "before": POLICY.digest(),
    }
    assert (third["before"], third["digest"]) == (lax.digest(), POLICY.digest())
    verify_log(store, signer().verifier_key)


def test_every_field_of_a_policy_is_in_its_digest() -> None:
    """Policies that differ in anything differ in their digest; equal ones do not."""
    assert POLICY.subject is not None
    others = [
        NIST_SP_800_63B_4,
        PCI_DSS_8_3_4,
        attrs.evolve(POLICY, name="six"),
        attrs.evolve(POLICY, actions={"door.open"}),
        attrs.evolve(POLICY, actions={"door.open", "safe.open"}),
        attrs.evolve(POLICY, biometric=False),
        attrs.evolve(POLICY, reasons={"non_match"}),
        attrs.evolve(POLICY, failure_to_acquire=True),
        LimitPolicy(name="five", ip=Limit(failures=5, lock=None, window=timedelta(hours=1))),
        LimitPolicy(name="five", device=Limit(failures=5, lock=None, window=timedelta(hours=1))),
        *[
            attrs.evolve(POLICY, subject=attrs.evolve(POLICY.subject, **change))
            for change in (
                {"failures": 6},
                {"lock": timedelta(hours=1, microseconds=1)},
                {"lock": None},
                {"each": True},
                {"window": timedelta(hours=1)},
                {"disable": 50},
                {"failures_with_pad": 10},
                {"disable": 50, "disable_with_pad": 100},
            )
        ],
    ]
    digests = {one.digest() for one in (POLICY, *others)}
    assert len(digests) == 1 + len(others)
    assert attrs.evolve(POLICY).digest() == POLICY.digest()
    assert {len(one) for one in digests} == {32}


def test_what_the_log_records_of_its_own_is_no_attempt() -> None:
    """Reads, tokens and findings neither bring a lock nor end a count, and go on in a lock."""
    store = Kept()
    everybody = attrs.evolve(POLICY, biometric=False)
    with AuditLogger(store, signer(), limits=everybody) as log:
        for _ in range(4):
            _tried(log, match=False)
        for action in ("log.read", "token.create", "detection.finding"):
            for _ in range(10):
                attempt = _tried(log, match=False, action=action)
                assert attempt.locked is None
        log.record_read(query="all", rows=0, route="api", reader=UUID(int=1), purpose="audit")
        assert _tried(log, match=False).locked is not None
        assert _tried(log, match=True, action="log.read").granted
        assert not _tried(log, match=True).granted


def test_many_processes_race_for_the_last_try(tmp_path: Path) -> None:
    """After four failures five processes guess at once: one fifth failure, one lock, no way in."""
    path = tmp_path / "log.db"
    with AuditLogger(SQLiteStore(path), signer(), limits=POLICY) as log:
        for _ in range(4):
            _tried(log, match=False)
    command = [sys.executable, "-m", "tests.attacks._guess_worker", str(path), "1", "match"]
    racing = [subprocess.Popen(command, cwd=ROOT) for _ in range(5)]
    assert [one.wait(60) for one in racing] == [0] * 5
    with closing(SQLiteReader(path)) as store:
        (lock,) = locks(store)
        rows = [row for _, row in store.lookups(0, lock.index) if row.action == "door.open"]
        assert [row.decision for row in rows] == ["denied"] * 5
        later = [row for _, row in store.lookups(lock.index, 100) if row.action == "door.open"]
        assert [row.decision for row in later] == ["denied"] * 9
    verify_log(path, signer().verifier_key)

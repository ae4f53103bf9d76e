"""Policies and counters: boundaries, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from biotrail.errors import LimitError
from biotrail.events import Reason
from biotrail.limits import (
    NIST_SP_800_63B_4,
    PCI_DSS_8_3_4,
    Counter,
    Facts,
    Limit,
    LimitPolicy,
    Lock,
    Scope,
    worst_of,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _fail(counter: Counter, limit: Limit, now: datetime, *, pad: bool) -> tuple[Counter, Any]:
    if counter.is_over(now):
        counter = counter.released(limit)
    counter = counter.failed(limit, now, guarded=pad)
    lock = counter.due(limit, Scope.SUBJECT, now)
    return (counter if lock is None else counter.locked(lock)), lock


def _locks(limit: Limit, attempts: int, *, pad: bool, apart: timedelta) -> list[tuple[int, Any]]:
    """Which of so many failures bring a lock."""
    counter, found = Counter(), []
    for number in range(1, attempts + 1):
        counter, lock = _fail(counter, limit, NOON + number * apart, pad=pad)
        if lock is not None:
            found.append((number, lock.until and lock.until - lock.since))
    return found


@pytest.mark.parametrize(("pad", "first", "last"), [(False, 5, 50), (True, 10, 100)])
def test_nist_delays_then_disables(pad: bool, first: int, last: int) -> None:
    """From the 5th failure (10th with PAD) each brings 30 s; the 50th (100th) the end of it."""
    assert NIST_SP_800_63B_4.subject is not None
    found = _locks(NIST_SP_800_63B_4.subject, last + 3, pad=pad, apart=31 * SECOND)
    half_minute = timedelta(seconds=30)
    assert found == [(n, half_minute) for n in range(first, last)] + [(last, None)]


def test_pci_locks_for_half_an_hour_and_counts_anew() -> None:
    """Every 10th failure locks for 30 minutes."""
    assert PCI_DSS_8_3_4.subject is not None
    found = _locks(PCI_DSS_8_3_4.subject, 25, pad=True, apart=31 * 60 * SECOND)
    assert found == [(10, timedelta(minutes=30)), (20, timedelta(minutes=30))]


def test_one_failure_without_detection_ends_the_higher_number() -> None:
    """Six failures with PAD lock nothing; a seventh without it locks at once."""
    limit = NIST_SP_800_63B_4.subject
    assert limit is not None
    counter = Counter()
    for _ in range(6):
        counter, lock = _fail(counter, limit, NOON, pad=True)
        assert lock is None
    counter, lock = _fail(counter, limit, NOON, pad=False)
    assert lock is not None
    assert lock.failures == 7


def test_no_second_lock_while_one_holds_until_it_is_disabled() -> None:
    """Failures that were under way when the lock fell count, and bring one record at the end."""
    limit = Limit(failures=2, lock=30 * SECOND, each=True, disable=5)
    assert _locks(limit, 9, pad=False, apart=timedelta(0)) == [(2, 30 * SECOND), (5, None)]


def test_a_lock_ends_at_its_time() -> None:
    """One microsecond before its end it holds, and at its end it does not."""
    lock = Lock(scope=Scope.SUBJECT, since=NOON, until=NOON + SECOND, failures=5)
    assert lock.holds(NOON + SECOND - timedelta(microseconds=1))
    assert not lock.holds(NOON + SECOND)
    assert lock.reason is Reason.ATTEMPT_LIMIT


def test_a_window_forgets() -> None:
    """Failures lock when so many lie within the window, and not when one has left it."""
    limit = Limit(failures=3, lock=SECOND, window=10 * SECOND)
    assert _locks(limit, 9, pad=False, apart=5 * SECOND) == []
    assert _locks(limit, 3, pad=False, apart=timedelta(seconds=4.9)) == [(3, SECOND)]


def test_of_several_locks_the_longest_is_told() -> None:
    """One without an end comes before all others; of none there is none."""
    short = Lock(scope=Scope.IP, since=NOON, until=NOON + SECOND, failures=1)
    longer = Lock(scope=Scope.DEVICE, since=NOON, until=NOON + 2 * SECOND, failures=1)
    endless = Lock(scope=Scope.SUBJECT, since=NOON, until=None, failures=1)
    assert worst_of([short, None, longer]) is longer
    assert worst_of([short, endless, longer]) is endless
    assert worst_of([None]) is None
    assert endless.reason is Reason.LOCKED_OUT


def _facts(**changes: Any) -> Facts:
    fields = {"action": "login", "granted": False, "reason": "non_match", "modality": "face"}
    return Facts(**{**fields, **changes})


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, True),
        ({"reason": "presentation_attack"}, True),
        ({"reason": "host.curfew"}, False),
        ({"reason": "host.curfew", "comparison": "non_match"}, True),
        ({"reason": "error", "pad": "attack"}, True),
        ({"reason": "cancelled"}, False),
        ({"reason": "blur"}, False),
        ({"reason": "attempt_limit", "comparison": "non_match"}, False),
        ({"reason": "no_decision", "comparison": "match"}, False),
        ({"granted": True, "reason": "match"}, False),
    ],
)
def test_what_counts_as_a_failure(facts: dict[str, Any], counts: bool) -> None:
    """A biometric that did not pass counts, under whatever reason; what tells nothing does not."""
    assert NIST_SP_800_63B_4.is_failure(_facts(**facts)) is counts


def test_failure_to_acquire_counts_where_the_host_says_so() -> None:
    """A policy may count captures that were not usable."""
    policy = LimitPolicy(
        name="strict", subject=Limit(failures=3, lock=None), failure_to_acquire=True
    )
    assert policy.is_failure(_facts(reason="blur"))
    assert not policy.is_failure(_facts(reason="policy"))
    assert PCI_DSS_8_3_4.is_failure(_facts(reason="host.wrong_password"))


def test_what_is_covered() -> None:
    """NIST's policy leaves other factors open; PCI's does not; our own records are no attempts."""
    without = _facts(modality="none")
    assert not NIST_SP_800_63B_4.covers(without)
    assert PCI_DSS_8_3_4.covers(without)
    for action in ("reference.enrol", "attempt.lock", "detection.rate", "log.read"):
        assert not PCI_DSS_8_3_4.covers(_facts(action=action))
    some = LimitPolicy(name="a", subject=Limit(failures=1, lock=None), actions={"door.open"})
    assert some.covers(_facts(action="door.open"))
    assert not some.covers(_facts())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Limit(failures=0, lock=None),
        lambda: Limit(failures=True, lock=None),
        lambda: Limit(failures=2, lock=timedelta(0)),
        lambda: Limit(failures=2, lock=None, disable=1),
        lambda: Limit(failures=5, lock=None, failures_with_pad=4),
        lambda: Limit(failures=5, lock=None, disable=6, failures_with_pad=10),
        lambda: LimitPolicy(name="a"),
        lambda: LimitPolicy(name="", subject=Limit(failures=1, lock=None)),
        lambda: LimitPolicy(name="a", subject=5),  # type: ignore[arg-type]
        lambda: LimitPolicy(name="a", device=Limit(failures=1, lock=None)),
        lambda: LimitPolicy(name="a", subject=Limit(failures=1, lock=None), reasons="match"),
    ],
)
def test_policies_that_contradict_themselves_are_refused(wrong: Any) -> None:
    """Numbers out of range and limits that could never end are refused when they are made."""
    with pytest.raises(LimitError):
        wrong()

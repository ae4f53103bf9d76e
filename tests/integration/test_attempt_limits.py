"""Attempt limits in a log: enforced where records commit, and rebuilt from the log alone."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

import biotrail
from biotrail.audit.locks import locks
from biotrail.errors import EventConflictError, LimitError
from biotrail.limits import NIST_SP_800_63B_4, Limit, LimitPolicy, Scope
from biotrail.stores import MemoryStore
from biotrail.vault import MemoryKeyProvider, PersonalFields, Vault

ORIGIN = "example.com/door"
MINUTE = timedelta(minutes=1)
THREE = LimitPolicy(
    name="three",
    subject=Limit(failures=3, lock=MINUTE),
    device=Limit(failures=4, lock=MINUTE, window=60 * MINUTE),
    ip=Limit(failures=5, lock=None, window=60 * MINUTE),
)
LABELS_SEALED = PersonalFields(seal={"labels"})
PLACES_CLEAR = PersonalFields(clear={"ip", "device_id"})


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Trail:
    """A log in memory that can be opened again and again."""

    def __init__(self, vault: Vault | None) -> None:
        self.clock, self.store, self.vault = Clock(), MemoryStore(), vault
        self.log = self.again()

    def again(self, limits: LimitPolicy | None = THREE) -> biotrail.AuditLogger:
        signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
        return biotrail.AuditLogger(
            self.store, signer, vault=self.vault, clock=self.clock, limits=limits
        )

    def try_it(self, granted: bool, **changes: Any) -> biotrail.Receipt:
        return self.log.record(event(granted, **changes))


def event(granted: bool, subject: str | None = "anna", **changes: Any) -> biotrail.Event:
    """An attempt of a person, by face."""
    context = biotrail.Context(device_id=changes.pop("device", None), ip=changes.pop("ip", None))
    fields: dict[str, Any] = {
        "action": "door.open",
        "subject": subject,
        "modality": "face",
        "decision": "granted" if granted else "denied",
        "reason": "match" if granted else "non_match",
        "context": context,
    }
    return biotrail.Event(**{**fields, **changes})


@pytest.fixture(params=["clear", "sealed", "labels sealed", "places clear"])
def trail(request: pytest.FixtureRequest) -> Iterator[Trail]:
    """A log of each kind: in the clear, sealed, and with other fields sealed or clear."""
    policies = {"labels sealed": LABELS_SEALED, "places clear": PLACES_CLEAR}
    policy = policies.get(request.param, PersonalFields())
    clear = request.param == "clear"
    found = Trail(None if clear else Vault(MemoryKeyProvider(), policy=policy))
    yield found
    found.log.close()


def _entry(trail: Trail, index: int) -> Any:
    from biotrail.canonical import decode_entry

    return decode_entry(next(iter(trail.store.entries(index, index + 1))).entry).content


def _lock(trail: Trail, **whose: Any) -> Any:
    for _ in range(3):
        receipt = trail.try_it(False, **whose)
    return receipt.lock


def test_the_last_failure_locks_and_a_match_is_denied(trail: Trail) -> None:
    """A match while the lock holds is recorded as denied, and the answer says until when."""
    lock = _lock(trail)
    assert lock.until == trail.clock.now + MINUTE
    receipt = trail.try_it(True)
    assert receipt.overruled
    assert receipt.lock == lock
    recorded = _entry(trail, receipt.index)
    assert (recorded["decision"], recorded["reason"]) == ("denied", "attempt_limit")
    assert recorded["outcome"] == "failure"
    biotrail.verify_log(trail.store, trail.log.verifier_key)


def test_an_attempt_tells_that_it_was_turned_away(trail: Trail) -> None:
    """`granted` is False, `locked` says why and until when; the early check denies beforehand."""
    lock = _lock(trail)
    with trail.log.attempt(action="door.open", subject="anna", modality="face") as attempt:
        attempt.grant()
    assert not attempt.granted
    assert attempt.decision is biotrail.ApplicationDecision.DENIED
    assert attempt.locked == lock
    with trail.log.attempt(action="door.open", subject="anna", modality="face") as early:
        assert early.check_limits() == lock
    assert early.receipt is not None
    assert _entry(trail, early.receipt.index)["reason"] == "attempt_limit"


def test_nothing_is_captured_while_it_is_locked(trail: Trail) -> None:
    """`verify` and its async twin end before matcher and image are looked at."""
    _lock(trail)
    nothing: Any = object()
    with trail.log.attempt(action="door.open", subject="anna", modality="face") as attempt:
        check = attempt.verify(nothing, nothing, nothing)
    assert check.denied is biotrail.Reason.ATTEMPT_LIMIT

    async def try_it() -> Any:
        async with trail.log.attempt(action="door.open", subject="anna", modality="face") as other:
            return await other.aidentify(nothing, nothing, nothing)

    assert asyncio.run(try_it()).denied is biotrail.Reason.ATTEMPT_LIMIT


def test_the_end_of_a_lock_is_recorded_once(trail: Trail) -> None:
    """The first attempt after the end finds the door open, and the log says that the lock ended."""
    _lock(trail)
    trail.clock.now += MINUTE
    assert not trail.try_it(True).overruled
    assert not trail.try_it(True).overruled
    if trail.vault is None or trail.vault.policy != LABELS_SEALED:
        (found,) = locks(trail.store)
        assert found.ended is not None
        assert not found.lifted
    actions = [row.action for _, row in trail.store.lookups(0, 99)]
    assert actions.count("attempt.lock") == actions.count("attempt.lock_expired") == 1


def test_a_new_process_knows_what_the_log_says(trail: Trail) -> None:
    """Counts, locks and their ends are the same for a logger that has just opened the log."""
    trail.try_it(False)
    trail.try_it(False)
    trail.log = trail.again()
    lock = trail.try_it(False).lock
    assert lock is not None
    trail.log = trail.again()
    assert trail.try_it(True).overruled
    trail.clock.now += MINUTE
    trail.log = trail.again()
    assert not trail.try_it(True).overruled


def test_two_processes_count_together(trail: Trail) -> None:
    """What one logger recorded counts for the other at once."""
    other = trail.again()
    trail.try_it(False)
    other.record(event(False))
    trail.try_it(False)
    assert other.record(event(True)).overruled
    assert trail.try_it(True).overruled


def test_an_operator_unlocks(trail: Trail) -> None:
    """A lifted lock is recorded with who and why; counting begins anew; twice is refused."""
    _lock(trail)
    other = trail.again(None)
    receipt = other.unlock(subject="anna", reason="host.desk", by="guard")
    recorded = _entry(trail, receipt.index)
    assert (recorded["action"], recorded["reason"]) == ("attempt.unlock", "host.desk")
    assert not trail.try_it(True).overruled
    with pytest.raises(LimitError, match="no lock of this subject"):
        other.unlock(subject="anna", reason="host.desk")
    with pytest.raises(LimitError, match="one of subject, device and ip"):
        other.unlock(reason="host.desk")
    assert [trail.try_it(False).lock is None for _ in range(3)] == [True, True, False]


def test_devices_and_addresses_have_limits_of_their_own(trail: Trail) -> None:
    """Many persons from one device lock the device; from one address, the address for good."""
    for number in range(4):
        receipt = trail.try_it(False, subject=f"person-{number}", device="d", ip="192.0.2.1")
    assert receipt.lock is not None
    assert receipt.lock.scope is Scope.DEVICE
    assert trail.try_it(True, subject="ben", device="d").overruled
    assert not trail.try_it(True, subject="ben", device="e").overruled
    trail.clock.now += MINUTE
    last = trail.try_it(False, subject="carl", ip="192.0.2.1").lock
    assert last is not None
    assert (last.scope, last.until, last.reason) == (Scope.IP, None, "locked_out")
    trail.log = trail.again()
    assert trail.try_it(True, subject="dora", ip="192.0.2.1").overruled
    trail.log.unlock(ip="192.0.2.1", reason="policy")
    assert not trail.try_it(True, subject="dora", ip="192.0.2.1").overruled


def test_a_network_of_64_bits_counts_as_one_address(trail: Trail) -> None:
    """Who has an IPv6 network has many addresses: they are counted together."""
    for number in range(5):
        trail.try_it(False, subject=None, ip=f"2001:db8::{number:x}")
    assert trail.try_it(True, subject="ben", ip="2001:db8::ffff").overruled
    assert not trail.try_it(True, subject="ben", ip="2001:db8:0:1::1").overruled


def test_tenants_are_apart(trail: Trail) -> None:
    """A lock of a person, a device and an address of one tenant is none of another's."""
    for number in range(5):
        trail.try_it(False, subject=f"p{number % 2}", device="d", ip="192.0.2.1", tenant="a")
    place = {"device": "d", "ip": "192.0.2.1"}
    assert trail.try_it(True, subject="p0", tenant="a").overruled
    assert not trail.try_it(True, subject="p0", tenant="b", **place).overruled
    assert not trail.try_it(True, subject="p0", **place).overruled


def test_another_device_or_writing_of_the_name_evades_nothing(trail: Trail) -> None:
    """The person is counted wherever they try, and however their name's accents are encoded."""
    composed, apart = (unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë"))
    assert composed != apart
    for number, name in enumerate((composed, apart, composed)):
        receipt = trail.try_it(False, subject=name, device=f"d{number}", ip=f"192.0.2.{number}")
    assert receipt.lock is not None
    assert trail.try_it(True, subject=apart, device="new").overruled


def test_a_success_of_somebody_else_resets_nothing(trail: Trail) -> None:
    """On one device an impostor's own matches do not buy further guesses at others."""
    for number in range(4):
        trail.try_it(False, subject=f"victim-{number}", device="d")
        receipt = trail.try_it(True, subject="mallory", device="d")
    assert receipt.overruled
    trail.try_it(False, subject="anna")
    trail.try_it(False, subject="anna")
    trail.try_it(True, subject="ben")
    assert trail.try_it(False, subject="anna").lock is not None


def test_a_clock_set_back_opens_nothing(trail: Trail) -> None:
    """Time within a log never goes back: a lock lasts the longer for it."""
    _lock(trail)
    trail.clock.now -= timedelta(days=1)
    assert trail.try_it(True).overruled
    trail.log = trail.again()
    assert trail.try_it(True).overruled


def test_a_repeated_event_counts_once_and_gets_the_same_answer(trail: Trail) -> None:
    """Retries count once; a match that was overruled stays so, also after the lock is over."""
    first, second = event(False), event(False)
    for one in (first, first, second):
        receipt = trail.log.record(one)
    assert receipt.lock is None
    third, match = event(False), event(True)
    lock = trail.log.record(third).lock
    answer = trail.log.record(match)
    trail.clock.now += 2 * MINUTE
    trail.log = trail.again()
    again = trail.log.record(match)
    assert (again.repeated, again.overruled, again.lock) == (True, True, answer.lock)
    assert again.index == answer.index
    assert trail.log.record(third).lock == lock
    assert not trail.try_it(True).overruled
    with pytest.raises(EventConflictError):
        trail.log.record(attrs.evolve(match, target="elsewhere"))


def test_within_one_batch_order_decides(trail: Trail) -> None:
    """Three failures and a match in one transaction: the match is overruled, as one by one."""
    batch = [event(True), *[event(False) for _ in range(3)], event(True), event(True, "ben")]
    receipts = trail.log.record_many(batch)
    assert [one.overruled for one in receipts] == [False, False, False, False, True, False]
    assert [one.event_id for one in receipts] == [one.id for one in batch]
    assert [one.index for one in receipts] == sorted(one.index for one in receipts)


def test_other_factors_stay_open() -> None:
    """Where biometrics are disabled, a password is still a way in, and resets nothing."""
    trail = Trail(None)
    trail.log = trail.again(NIST_SP_800_63B_4)
    for _ in range(50):
        trail.try_it(False)
        trail.clock.now += timedelta(seconds=30)
    password: dict[str, Any] = {"modality": "none", "reason": "other_factor"}
    assert not trail.try_it(True, **password).overruled
    receipt = trail.try_it(True)
    assert receipt.lock is not None
    assert (receipt.overruled, receipt.lock.until) == (True, None)
    trail.clock.now += timedelta(days=365)
    assert trail.try_it(True).overruled


def test_nothing_is_limited_without_a_policy(trail: Trail) -> None:
    """A log without limits records what the host decided."""
    trail.log = trail.again(None)
    for _ in range(20):
        trail.try_it(False)
    receipt = trail.try_it(True)
    assert (receipt.overruled, receipt.lock) == (False, None)
    assert trail.log.lock_of(event(True)) is None


def test_erasure_takes_counts_and_locks_along() -> None:
    """An erased person's lock is gone for all processes; what they do later is counted anew."""
    trail = Trail(Vault(MemoryKeyProvider()))
    other = trail.again()
    _lock(trail, device="d")
    assert other.record(event(True)).overruled
    trail.log.erase("anna", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
    for log in (trail.log, other, trail.again()):
        assert not log.record(event(True, device="d")).overruled
    trail.try_it(False)
    trail.try_it(False)
    assert other.record(event(True)).lock is None


def test_a_device_stays_locked_when_a_person_is_erased() -> None:
    """The lock of a device is not the person's, who may have brought it."""
    trail = Trail(Vault(MemoryKeyProvider()))
    for name in ("anna", "anna", "ben", "ben"):
        trail.try_it(False, subject=name, device="d")
    trail.log.erase("anna", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
    trail.log.erase("ben", reason="subject_request", legal_basis="GDPR Art. 17(1)(b)")
    for log in (trail.log, trail.again()):
        assert log.record(event(True, "carl", device="d")).overruled


def test_no_identity_stands_in_the_clear() -> None:
    """Records of locks in a sealed log show neither the person nor the device nor the address."""
    trail = Trail(Vault(MemoryKeyProvider()))
    for _ in range(5):
        trail.try_it(False, subject="anna-secret", device="device-secret", ip="192.0.2.77")
    for one in trail.store.entries(0, 99):
        assert b"secret" not in one.entry
        assert bytes([192, 0, 2, 77]) not in one.entry


def test_what_was_spooled_is_not_overruled() -> None:
    """Access that was granted while nothing could be recorded is told as it was; the lock ends."""
    trail = Trail(None)
    _lock(trail)
    granted = event(True)
    prepared = trail.log._prepare(granted)._replace(settled=True)
    (receipt,) = trail.log._submit([prepared])
    assert isinstance(receipt, biotrail.Receipt)
    assert not receipt.overruled
    assert _entry(trail, receipt.index)["decision"] == "granted"
    (found,) = locks(trail.store)
    assert found.lifted
    assert trail.again().record(event(False)).lock is None

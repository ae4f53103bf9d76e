"""Retention: payloads go by rules that the log records, and the log goes on proving them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import RetentionPolicy, RetentionRule
from biotrail.canonical import decode_entry, decode_sealed
from biotrail.errors import EventError, MissingError, StoreUnavailableError
from biotrail.stores import MemoryStore, SealedStore, SQLiteStore
from biotrail.testing import FaultyStore
from tests.unit.audit._vaulted import WHY, event, everything, key, opened

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SealedStore:
    """A store in memory, and one in a file."""
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "log.db")


def _fill(log: biotrail.AuditLogger, clock: Clock) -> dict[str, int]:
    """One record a day, of different classes; their indices by name."""
    indices = {}
    for name, person, changes in (
        ("open", "anna", {}),
        ("denied", "anna", {"decision": "denied", "reason": "non_match"}),
        ("enrol", "ben", {"action": "reference.enrol"}),
        ("east", "ben", {"tenant": "east"}),
        ("nobody", "", {"subject": None, "actor": None}),
        ("late", "anna", {}),
    ):
        indices[name] = log.record(event(person or "x", **changes)).index
        clock.now += DAY
    return indices


def _left(store: SealedStore, indices: dict[str, int]) -> set[str]:
    """Whose payloads are still there, whole."""
    return {
        name
        for name, index in indices.items()
        if all(len(part) == 5 for part in decode_sealed(store.payloads_at([index])[index]))
    }


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        ([{"keep": 3 * DAY}], {"open", "denied", "enrol"}),
        ([{"keep": DAY, "action": "reference.enrol"}], {"enrol"}),
        ([{"keep": DAY, "tenant": "east"}], {"east"}),
        ([{"keep": DAY, "outcome": "failure"}], {"denied"}),
        ([{"keep": DAY, "modality": "iris"}], set()),
        ([{"keep": 4 * DAY}, {"keep": DAY, "tenant": "east"}], {"open", "denied", "east"}),
        ([{"keep": DAY, "action": "door.open", "tenant": "west"}], set()),
        ([{"keep": 99 * DAY}], set()),
    ],
)
def test_what_goes(store: SealedStore, rules: list[dict[str, Any]], gone: set[str]) -> None:
    """Payloads that a rule covers and whose time is over go, at once and no others."""
    clock = Clock()
    policy = RetentionPolicy([RetentionRule(**rule) for rule in rules])
    with opened(store, clock=clock) as log:
        indices = _fill(log, clock)
        plan = log.apply_retention(policy, dry_run=True)
        assert plan.applied is None
        assert _left(store, indices) == set(indices)
        run = log.apply_retention(policy)
        assert (run.payloads, run.rules) == (plan.payloads, plan.rules)
        assert _left(store, indices) == set(indices) - gone
        assert (run.applied is None) == (not gone)
        assert biotrail.verify_log(store, key()).retained == run.payloads
        if run.applied is not None:
            entry: Any = decode_entry(store.entries_at([run.applied])[run.applied])
            assert entry.content["policy"] == policy.digest()
            assert entry.content["payloads"] == run.payloads
        again = log.apply_retention(policy)
        assert (again.applied, again.payloads, again.resumed) == (None, 0, 0)


def test_who_is_held_is_left(store: SealedStore) -> None:
    """Parts of a held person stay, and are counted; when the hold is released they go."""
    clock, policy = Clock(), RetentionPolicy([RetentionRule(keep=DAY)])
    with opened(store, clock=clock) as log:
        indices = _fill(log, clock)
        clock.now += DAY
        hold = log.place_hold("anna", reason="litigation")
        run = log.apply_retention(policy)
        assert run.held == 3
        parts = decode_sealed(store.payloads_at([indices["open"]])[indices["open"]])
        assert [(part.owner, len(part)) for part in parts] == [(1, 5), (2, 2)]
        log.release_hold(hold.id, reason="ended")
        after = log.apply_retention(policy)
        assert after.resumed + after.payloads == 3
        assert _left(store, indices) == set()
        biotrail.verify_log(store, key())


def test_retained_and_erased(store: SealedStore) -> None:
    """Somebody whose payloads went by retention can be erased, and what is left of them goes."""
    clock, policy = Clock(), RetentionPolicy([RetentionRule(keep=3 * DAY)])
    with opened(store, clock=clock) as log:
        indices = _fill(log, clock)
        log.apply_retention(policy)
        assert log.erase("anna", **WHY).payloads == 1
        assert "late" not in _left(store, indices)
        biotrail.verify_log(store, key())


def test_payloads_in_the_clear_go_too(tmp_path: Path) -> None:
    """Payloads from before the vault are deleted, and no byte of them is left."""
    path, clock = tmp_path / "log.db", Clock()
    with opened(path, vault=None, clock=clock) as log:
        log.record(event("anna"))
    with opened(path, clock=clock) as log:
        clock.now += 2 * DAY
        run = log.apply_retention(RetentionPolicy([RetentionRule(keep=DAY)]))
        assert run.payloads == 1
    found = biotrail.verify_log(path, key())
    assert (found.retained, found.payloads) == (1, 0)
    assert b"device of anna" not in everything(path)


@pytest.mark.parametrize("step", ["append", "replace_payloads", "payloads_at"])
def test_broken_off(tmp_path: Path, step: str) -> None:
    """Broken off at any call, the log holds at that moment, and the next run does the rest."""
    policy = RetentionPolicy([RetentionRule(keep=DAY)])
    for after in range(20):
        path, clock = tmp_path / f"{step} {after}.db", Clock()
        store = FaultyStore(SQLiteStore(path))
        with opened(store, clock=clock) as log:
            indices = _fill(log, clock)
            clock.now += 2 * DAY
            fault = store.fail(step, StoreUnavailableError("the disk failed"), after=after)
            with suppress(biotrail.BiotrailError):
                log.apply_retention(policy)
            biotrail.verify_log(path, key())
            store.heal()
            log.apply_retention(policy)
            assert _left(store, indices) == set()
            assert biotrail.verify_log(path, key()).retained == 11
            assert (
                len([1 for one in store.lookups(0, 99) if one[1].kind == "retention_applied"]) == 1
            )
        if fault.times:
            break
    assert after > 0


def test_a_payload_that_no_rule_covers_is_missing(tmp_path: Path) -> None:
    """What somebody destroys beside the rules is not excused by them."""
    path, clock = tmp_path / "log.db", Clock()
    with opened(path, clock=clock) as log:
        indices = _fill(log, clock)
        log.apply_retention(RetentionPolicy([RetentionRule(keep=3 * DAY)]))
        parts = decode_sealed(log.erasures.store.payloads_at([indices["late"]])[indices["late"]])
        from biotrail.canonical import encode_sealed

        remains = encode_sealed([part.remnant() for part in parts])  # type: ignore[union-attr]
        log.erasures.store.replace_payloads([(indices["late"], remains, True)])
    with pytest.raises(MissingError) as caught:
        biotrail.verify_log(path, key())
    assert caught.value.index == indices["late"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"rules": []},
        {"rules": [3]},
        {"rules": [{"keep_days": 1.5}]},
        {"rules": [{"keep_days": True}]},
        {"rules": [{"keep_days": 30, "colour": "red"}]},
        {"rules": [{"keep_days": 30, "action": ""}]},
        {"rules": [{"keep_days": 30, "action": 7}]},
    ],
)
def test_policies_that_are_refused(document: Any) -> None:
    """A policy out of form is refused by name."""
    with pytest.raises(EventError):
        RetentionPolicy.from_document(document)


@pytest.mark.parametrize("keep", [timedelta(), -DAY, timedelta(milliseconds=1500), 30])
def test_durations_that_are_refused(keep: Any) -> None:
    """A duration is whole seconds, one at least."""
    with pytest.raises(EventError):
        RetentionRule(keep=keep)


def test_policies_are_told_apart_by_their_digest() -> None:
    """Equal policies have equal digests, others others."""
    rules = [{"keep_days": 30}, {"keep_days": 30, "action": "a"}, {"keep_days": 31}]
    digests = [RetentionPolicy.from_document({"rules": [rule]}).digest() for rule in rules]
    assert len(set(digests)) == 3
    assert RetentionPolicy([RetentionRule(keep=30 * DAY)]).digest() == digests[0]

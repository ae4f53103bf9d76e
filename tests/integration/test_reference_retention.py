"""Enrolled references go when their purpose is satisfied, or years after the last event."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import biotrail
from biotrail.audit import ReferenceRetention, apply_reference_retention
from biotrail.canonical import decode_entry
from biotrail.errors import DeletionIncompleteError, EventError
from biotrail.matchers.deletion import PlaceReport
from biotrail.stores import MemoryStore
from tests.unit.audit._vaulted import opened
from tests.unit.matchers._keeping import NOW, Clock, reference, store

pytestmark = pytest.mark.component("numpy")
YEAR = timedelta(days=365)


class Kept:
    """A log and a reference store with four people, and a clock for both."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.now: datetime = NOW
        self.records = MemoryStore()
        self.log = opened(self.records, clock=lambda: self.now)
        self.store = store(folder, self.clock)
        for number, person in enumerate(("ann", "ben", "cat", "dan"), 1):
            made = reference(number, id=f"reference of number {number}")
            self.store.add(made, subject=person)
            if person != "dan":  # nobody has recorded his enrolment
                self.record("reference.enrol", person, labels={"reference": made.id})

    def record(self, action: str, person: str, **more: Any) -> None:
        self.log.record(
            biotrail.Event(
                action=action, decision="granted", reason="policy", subject=person, **more
            )
        )

    def run(self, policy: ReferenceRetention, now: datetime, **more: Any) -> Any:
        self.now = now
        return apply_reference_retention(
            self.log, policy, self.store, [self.store], now=now, **more
        )


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """Such a log and store."""
    made = Kept(tmp_path)
    yield made
    made.store.close()
    made.log.close()


def test_three_years_after_the_last_event(kept: Kept) -> None:
    """A reference goes three years after the person's last event, and no day earlier."""
    kept.now = NOW + YEAR
    kept.record("door.open", "ben")
    policy = ReferenceRetention()
    assert kept.run(policy, NOW + 3 * YEAR - timedelta(seconds=1)).due == ()
    plan = kept.run(policy, NOW + 3 * YEAR, dry_run=True)
    assert plan.due == ("reference of number 1", "reference of number 3")
    assert plan.unknown == ("reference of number 4",)
    assert len(kept.store) == 4
    run = kept.run(policy, NOW + 3 * YEAR)
    assert run.due == plan.due
    assert run.report.complete
    assert kept.store.ids() == ["reference of number 2", "reference of number 4"]
    entry: Any = decode_entry(kept.records.entries_at([run.receipt.index])[run.receipt.index])
    assert entry.content["action"] == "reference.delete"
    assert entry.content["labels"]["references"] == 2
    assert kept.run(policy, NOW + 4 * YEAR).due == ("reference of number 2",)


def test_a_comparison_is_an_event_of_the_reference(kept: Kept) -> None:
    """An attempt that was compared with a reference keeps it, also without a subject."""
    kept.now = NOW + YEAR
    compared = biotrail.Comparison(
        matcher="m", version="1", decision="match", reference="reference of number 1"
    )
    kept.log.record(
        biotrail.Event(
            action="door.open",
            decision="granted",
            reason="match",
            modality="face",
            comparison=compared,
        )
    )
    assert kept.run(ReferenceRetention(), NOW + 3 * YEAR).due == (
        "reference of number 2",
        "reference of number 3",
    )


def test_a_purpose_that_is_satisfied(kept: Kept) -> None:
    """What the host names as satisfied goes at once, also where the log knows nothing of it."""
    policy = ReferenceRetention(satisfied=["reference of number 4", "unheard of"])
    assert kept.run(policy, NOW).due == ("reference of number 4",)


def test_what_remains_is_recorded_and_raised(kept: Kept) -> None:
    """Where a place keeps something, the failed deletion is recorded, and raised."""

    class Stubborn:
        place = "photographs"

        def delete_references(self, ids: Any, /) -> PlaceReport:
            return PlaceReport(
                name=self.place, rows_before=1, rows_after=1, bytes_before=9, bytes_after=9
            )

    size = kept.log.checkpoint().size
    policy = ReferenceRetention(inactive=YEAR)
    with pytest.raises(DeletionIncompleteError, match="photographs"):
        apply_reference_retention(
            kept.log, policy, kept.store, [kept.store, Stubborn()], now=NOW + 2 * YEAR
        )
    (lookup,) = [one for _, one in kept.records.lookups(size, size + 9)]
    assert (lookup.action, lookup.outcome) == ("reference.delete", "failure")


def test_what_is_refused(kept: Kept) -> None:
    """A duration of nothing, and a time without a zone, are refused."""
    with pytest.raises(EventError):
        ReferenceRetention(inactive=timedelta())
    with pytest.raises(EventError):
        kept.run(ReferenceRetention(), datetime(2026, 1, 1))

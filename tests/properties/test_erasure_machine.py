"""Any order of recording, erasing, holding, retaining and reopening leaves a log that holds."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import biotrail
from biotrail.audit import RetentionPolicy, RetentionRule, examine
from biotrail.canonical import decode_entry, decode_sealed
from biotrail.canonical.sealed import SealedPart
from biotrail.errors import LegalHoldError, UnknownPersonError
from tests.unit.audit._vaulted import WHY, event, everything, key, opened

PEOPLE = st.sampled_from(["anna", "ben", "eve"])
ACTORS = st.sampled_from([None, "anna", "guard"])
DAY = timedelta(days=1)


class Erasing(RuleBasedStateMachine):
    """A log, and what a person with pencil and paper would expect of it."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "log.db"
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.log = opened(self.path, clock=lambda: self.now)
        # For each record its index, when it was recorded, and who has a part of it.
        self.records: list[tuple[int, datetime, dict[int, str]]] = []
        self.gone: set[tuple[int, int]] = set()
        self.holds: dict[str, list[bytes]] = {}
        # The retentions that are recorded: index, and before when.
        self.retained: list[tuple[int, datetime]] = []

    def known(self, person: str) -> bool:
        """Whether a part of this person is under a reference that is not erased."""
        return any(person == who for _, _, parts in self.records for who in parts.values())

    @rule(person=PEOPLE, actor=ACTORS)
    def record(self, person: str, actor: str | None) -> None:
        """Somebody comes to the door."""
        index = self.log.record(event(person, actor=actor)).index
        parts = {1: person} if actor in (None, person) else {1: person, 2: str(actor)}
        self.records.append((index, self.now, parts))

    @rule()
    def wait(self) -> None:
        """A day goes by."""
        self.now += DAY

    @rule(person=st.sampled_from(["anna", "ben", "eve", "guard"]))
    def erase(self, person: str) -> None:
        """Somebody is erased, or it is refused for a reason that holds."""
        due = {
            (index, owner)
            for index, _, parts in self.records
            for owner, who in parts.items()
            if who == person and (index, owner) not in self.gone
        }
        try:
            certificate = self.log.erase(person, **WHY)
        except LegalHoldError:
            assert self.holds.get(person)
            return
        except UnknownPersonError:
            assert not self.known(person)
            return
        assert not self.holds.get(person)
        assert certificate.payloads == len(due)
        self.gone |= due
        for _, _, parts in self.records:
            for owner, who in parts.items():
                if who == person:
                    parts[owner] = ""
        tags = self.log.erasures.people.tags
        assert tags.person("", person).encode() not in everything(self.path)

    @rule(person=PEOPLE)
    def hold(self, person: str) -> None:
        """Somebody is held."""
        try:
            hold = self.log.place_hold(person, reason="litigation")
        except UnknownPersonError:
            assert not self.known(person)
            return
        self.holds.setdefault(person, []).append(hold.id)

    @precondition(lambda self: any(self.holds.values()))
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        """A hold is released."""
        person = data.draw(st.sampled_from(sorted(p for p, held in self.holds.items() if held)))
        self.log.release_hold(self.holds[person].pop(), reason="ended")

    @rule(days=st.integers(1, 3))
    def retain(self, days: int) -> None:
        """What is older than some days goes, but for those who are held."""
        run = self.log.apply_retention(RetentionPolicy([RetentionRule(keep=days * DAY)]))
        if run.applied is not None:
            self.retained.append((run.applied, self.now - days * DAY))
        self.gone |= self.overdue()

    def overdue(self) -> set[tuple[int, int]]:
        """What recorded retentions cover and is still there, of those who are not held any more."""
        return {
            (index, owner)
            for index, recorded, parts in self.records
            for owner, who in parts.items()
            if not self.holds.get(who)
            and any(index < applied and recorded < before for applied, before in self.retained)
        } - self.gone

    @rule()
    def reopen(self) -> None:
        """The log is closed and opened again, and the doctor finds nothing to do."""
        self.log.close()
        self.log = opened(self.path, clock=lambda: self.now)
        assert self.log.unfinished_erasures() == []
        found = examine(self.log)
        assert (found.is_well, found.replayed, found.destroyed) == (True, (), 0)
        assert found.retained == len(self.overdue())
        self.gone |= self.overdue()

    @invariant()
    def holds_and_has_what_it_should(self) -> None:
        """The log verifies, and just what was destroyed is gone."""
        if not hasattr(self, "log"):
            return
        result = biotrail.verify_log(self.path, key())
        assert result.overdue == len(self.overdue())
        assert (result.erased or 0) + (result.retained or 0) == len(self.gone)
        store = self.log.erasures.store
        indices = [index for index, _, _ in self.records]
        entries = store.entries_at(indices)
        for index, data in store.payloads_at(indices).items():
            assert decode_entry(entries[index]).kind == "event"
            left = {one.owner for one in decode_sealed(data) if isinstance(one, SealedPart)}
            parts = next(parts for number, _, parts in self.records if number == index)
            assert left == {owner for owner in parts if (index, owner) not in self.gone}

    def teardown(self) -> None:
        """Close the log and remove its folder."""
        if hasattr(self, "log"):
            self.log.close()
            shutil.rmtree(self.folder)


def test_whatever_is_erased_held_and_retained_the_log_holds() -> None:
    """Any order of recording, erasing, holding and retaining leaves a log that verifies."""
    steps = settings(
        max_examples=20,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(Erasing, settings=steps)

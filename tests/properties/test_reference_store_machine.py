"""A reference store against a plain model of it: whatever is done, in whatever order."""

from __future__ import annotations

import sqlite3
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from biotrail.errors import (
    ExpiredReferenceError,
    MatcherError,
    RevokedReferenceError,
    UnknownReferenceError,
)
from biotrail.matchers.deletion import delete_references
from tests.unit.matchers._keeping import Clock, matcher, reference, store

NUMBERS = st.integers(0, 11)
PEOPLE = st.sampled_from(["ada", "bo", None])


def name_of(number: int) -> str:
    """The id of a reference."""
    return f"reference-of-person-{number:04}"


class StoreMachine(RuleBasedStateMachine):
    """The model: for each id its person, card, end, and whether it is active."""

    @initialize()
    def open(self) -> None:
        """An empty store in a folder of its own."""
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.store = store(Path(self.folder.name), self.clock)
        self.rows: dict[str, dict[str, Any]] = {}
        self.gone: list[bytes] = []

    def sealed(self, id: str) -> bytes:
        """What is sealed in a row now."""
        with sqlite3.connect(self.store.place) as connection:
            found = connection.execute("SELECT sealed FROM reference WHERE id = ?", (id,))
            sealed: bytes = found.fetchone()[0]
        connection.close()
        return sealed

    def end(self, id: str) -> None:
        """In the model a row is revoked, and its features are gone."""
        self.gone.append(self.sealed(id))
        self.rows[id]["active"] = False

    @rule(number=NUMBERS, person=PEOPLE, days=st.none() | st.integers(1, 9))
    def add(self, number: int, person: str | None, days: int | None) -> None:
        """Add, unless the id is taken."""
        expires: datetime | None = days and self.clock.now + timedelta(days=days)  # type: ignore[assignment]
        made = reference(number, version=str(number % 2), expires=expires)
        try:
            self.store.add(made, subject=person)
        except MatcherError:
            assert name_of(number) in self.rows
            return
        assert name_of(number) not in self.rows
        row = {"person": person, "card": number % 2, "expires": expires, "active": True}
        self.rows[name_of(number)] = row

    @rule(old=NUMBERS, new=NUMBERS)
    def replace(self, old: int, new: int) -> None:
        """Replace, where the old one is active and the new id free."""
        known = self.rows.get(name_of(old))
        possible = known is not None and known["active"] and name_of(new) not in self.rows
        before = self.sealed(name_of(old)) if possible else b""
        try:
            self.store.replace(name_of(old), reference(new, version=str(new % 2)))
        except MatcherError:
            assert not possible
            return
        assert known is not None
        assert possible
        self.gone.append(before)
        known["active"] = False
        row = {"person": known["person"], "card": new % 2, "expires": None, "active": True}
        self.rows[name_of(new)] = row

    @rule(number=NUMBERS)
    def revoke(self, number: int) -> None:
        """Revoke, where it is active."""
        known = self.rows.get(name_of(number))
        if known is None or not known["active"]:
            with pytest.raises((UnknownReferenceError, RevokedReferenceError)):
                self.store.revoke(name_of(number), reason="policy")
            return
        self.end(name_of(number))
        self.store.revoke(name_of(number), reason="policy")

    @rule(card=st.integers(0, 1))
    def revoke_card(self, card: int) -> None:
        """Revoke all that one card made."""
        ids = sorted(id for id, row in self.rows.items() if row["active"] and row["card"] == card)
        for id in ids:
            self.end(id)
        digest = matcher(str(card)).card.digest
        assert self.store.revoke_card(digest, reason="model_changed") == ids

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=4, unique=True))
    def delete(self, numbers: list[int]) -> None:
        """Delete some, whether they are there or not."""
        ids = [name_of(number) for number in numbers]
        there = [id for id in ids if id in self.rows]
        self.gone += [self.sealed(id) for id in there]
        report = delete_references(ids, [self.store])
        assert (report.rows_before, report.complete) == (len(there), True)
        for id in there:
            del self.rows[id]

    @rule(days=st.integers(1, 5))
    def wait(self, days: int) -> None:
        """Time passes."""
        self.clock.pass_by(days=days)

    @rule()
    def reopen(self) -> None:
        """Close and open again."""
        self.store.close()
        self.store = store(Path(self.folder.name), self.clock)

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        """Ids, people, and what is given out or why not."""
        if not hasattr(self, "rows"):
            return
        active = sorted(id for id, row in self.rows.items() if row["active"])
        assert self.store.ids() == active
        assert self.store.ids(revoked=True) == sorted(self.rows)
        mine = sorted(id for id in active if self.rows[id]["person"] == "ada")
        assert self.store.ids(subject="ada") == mine
        given = {one.id for one in self.store.references()}
        for number in range(12):
            assert (name_of(number) in given) == (self._answer(name_of(number)) is None)

    def _answer(self, id: str) -> type[Exception] | None:
        """The error that the model foresees, which the store must give too."""
        row = self.rows.get(id)
        foreseen: type[Exception] | None = None
        if row is None:
            foreseen = UnknownReferenceError
        elif not row["active"]:
            foreseen = RevokedReferenceError
        elif row["expires"] is not None and self.clock.now >= row["expires"]:
            foreseen = ExpiredReferenceError
        if foreseen is None:
            assert self.store.get(id).id == id
        else:
            with pytest.raises(foreseen):
                self.store.get(id)
        return foreseen

    @invariant()
    def nothing_that_is_gone_is_in_a_file(self) -> None:
        """Sealed bytes of deleted and revoked references are in no file of the store."""
        if not hasattr(self, "rows"):
            return
        files = [one.read_bytes() for one in Path(self.folder.name).iterdir()]
        for sealed in self.gone:
            for start in range(0, len(sealed) - 16, 64):
                assert not any(sealed[start : start + 16] in data for data in files)

    def teardown(self) -> None:
        """Close and clean up."""
        if hasattr(self, "rows"):
            self.store.close()
            self.folder.cleanup()


@pytest.mark.component("numpy")
def test_a_reference_store_does_as_the_model() -> None:
    """After every step it gives out what the model holds, and no file holds what is gone."""
    steps = settings(max_examples=40, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(StoreMachine, settings=steps)

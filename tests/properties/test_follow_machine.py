"""However a log is written, erased from and opened anew: who follows it gets each record once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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
from biotrail.errors import ClosedError, RolledBackError, UnknownPersonError
from biotrail.query import Follower
from biotrail.stores import MemoryStore, SQLiteStore
from tests.unit.audit._vaulted import WHY, event, opened

PEOPLE = st.sampled_from(["anna", "ben"])
PATIENCE = 20.0


class Reading:
    """A follower, where it began, and which records it was given since."""

    def __init__(self, follower: Follower[biotrail.VerifiedEntry], start: int) -> None:
        """Begin."""
        self.follower, self.start = follower, start
        self.given: list[tuple[int, object]] = []

    def take(self, limit: int) -> None:
        """Take up to so many of the records that are there."""
        for found in self.follower.take(limit, timeout=PATIENCE):
            self.given.append((found.index, found.event.id if found.event else None))


class Followed(RuleBasedStateMachine):
    """A log, and those who follow it at their own pace."""

    make_store: Callable[[Path], Any]

    @initialize()
    def begin(self) -> None:
        """An empty log."""
        self.folder = Path(tempfile.mkdtemp())
        self.store = type(self).make_store(self.folder)
        self.log = opened(self.store)
        self.acknowledged: dict[int, object] = {}
        self.readings: list[Reading] = []

    @property
    def size(self) -> int:
        """How many entries were acknowledged, those of the log itself too."""
        return self.log.checkpoint().checkpoint.size

    @rule(person=PEOPLE, count=st.integers(1, 4))
    def write(self, person: str, count: int) -> None:
        """Records come, together."""
        for one in self.log.record_many(event(person) for _ in range(count)):
            self.acknowledged[one.index] = one.event_id

    @rule(person=PEOPLE)
    def write_one(self, person: str) -> None:
        """One record comes."""
        one = self.log.record(event(person))
        self.acknowledged[one.index] = one.event_id

    @rule(back=st.integers(0, 12))
    def come(self, back: int) -> None:
        """Somebody follows, from some records ago on."""
        start = max(0, self.size - back)
        self.readings.append(Reading(self.log.follow(start=start), start))

    @rule()
    def come_now(self) -> None:
        """Somebody follows from now on."""
        follower = self.log.follow()
        assert follower.position == self.size
        self.readings.append(Reading(follower, self.size))

    @rule(beyond=st.integers(1, 3))
    def come_too_soon(self, beyond: int) -> None:
        """What is not there yet is not followed."""
        with pytest.raises(RolledBackError):
            self.log.follow(start=self.size + beyond)

    @precondition(lambda self: self.readings)
    @rule(data=st.data(), limit=st.integers(1, 5))
    def read(self, data: Any, limit: int) -> None:
        """Somebody reads some of what is there; the others lag."""
        one = data.draw(st.sampled_from(self.readings))
        if one.follower.position < self.size:
            one.take(limit)

    @precondition(lambda self: self.readings)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        """Somebody reads what is left, and leaves."""
        one = data.draw(st.sampled_from(self.readings))
        self.catch_up(one)
        self.readings.remove(one)
        one.follower.close()
        assert one.follower.take(1) == []

    @rule(person=PEOPLE)
    def erase(self, person: str) -> None:
        """Somebody is erased: the records stay, and are followed without what is gone."""
        try:
            self.log.erase(person, **WHY)
        except UnknownPersonError:
            return

    @rule()
    def reopen(self) -> None:
        """The log is closed and opened; who followed is told where to go on, and goes on there."""
        self.log.close()
        if isinstance(self.store, SQLiteStore):
            self.store = type(self).make_store(self.folder)
        self.log = opened(self.store)
        for one in self.readings:
            with pytest.raises(ClosedError, match=f"index {one.follower.position}"):
                one.follower.take(1)
            one.follower.close()
            one.follower = self.log.follow(start=one.follower.position)

    def catch_up(self, one: Reading) -> None:
        """Read to the end; what was given is what was acknowledged, from its start on."""
        size = self.size
        while one.follower.position < size:
            one.take(7)
        assert [index for index, _ in one.given] == list(range(one.start, size))
        self.check(one)

    def check(self, one: Reading) -> None:
        """What one was given has no gap, and is what was acknowledged."""
        stop = one.follower.position
        assert [index for index, _ in one.given] == list(range(one.start, stop))
        told = dict(one.given)
        expected = {
            index: name for index, name in self.acknowledged.items() if one.start <= index < stop
        }
        assert {index: told[index] for index in expected} == expected

    @invariant()
    def nobody_misses_any(self) -> None:
        """At any moment each has had all from its start up to where it stands."""
        for one in getattr(self, "readings", []):
            self.check(one)

    def teardown(self) -> None:
        """Everybody gets the rest."""
        if not hasattr(self, "log"):
            return
        try:
            for one in self.readings:
                self.catch_up(one)
                one.follower.close()
        finally:
            self.log.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class FollowedInMemory(Followed):
    """In a memory store."""

    make_store = staticmethod(lambda folder: MemoryStore())


class FollowedInFile(Followed):
    """In a file."""

    make_store = staticmethod(lambda folder: SQLiteStore(folder / "log.db"))


@pytest.mark.parametrize(("machine", "examples"), [(FollowedInMemory, 40), (FollowedInFile, 3)])
def test_any_order(machine: type[Followed], examples: int) -> None:
    """Each follower's sequence is the acknowledged records from its index on, in any order."""
    steps = settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=steps)

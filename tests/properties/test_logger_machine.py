"""The logger against a list: whatever is done to it, in whatever order, the log says the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from biotrail import AuditLogger, Event, Receipt
from biotrail.errors import (
    EventConflictError,
    NotRecordedError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from biotrail.stores import SQLiteStore
from biotrail.testing import FaultyStore, FixedClock
from tests.unit.audit._logs import check_receipt, event, ids_in, signer, verified

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_NUMBERS = st.integers(0, 25)


class LoggerMachine(RuleBasedStateMachine):
    """A logger on a file, and the list of what it acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="biotrail-"))
        self.path = self.folder / "trail.db"
        self.clock = FixedClock()
        self.numbers: list[int] = []
        self.actions: dict[int, str] = {}
        self.unsettled: set[int] = set()
        self.others = 1
        self.kept: list[str] = []
        self.last = datetime.min.replace(tzinfo=UTC)

    @initialize()
    def begin(self) -> None:
        """Begin a log."""
        self.reopen()

    def reopen(self) -> None:
        """Open the log."""
        self.store = FaultyStore(SQLiteStore(self.path))
        self.log = AuditLogger(self.store, signer(), clock=self.clock)

    def make(self, number: int) -> Event:
        """The event of a number, the same each time."""
        action = self.actions.setdefault(number, "door.open")
        return event(number, occurred=_WHEN, action=action)

    def take(self, number: int, receipt: Receipt) -> None:
        """Hold a receipt against the list."""
        known = number in self.numbers
        assert receipt.repeated == known or number in self.unsettled
        self.settle(number)
        assert self.entries()[receipt.index] == number
        if not receipt.repeated:
            assert receipt.recorded >= self.last
            self.last = receipt.recorded

    def settle(self, number: int) -> None:
        """An event is in the log from now on."""
        if number not in self.numbers:
            self.numbers.append(number)
        self.unsettled.discard(number)

    def entries(self) -> dict[int, int]:
        """Indices and numbers, read from the entries themselves."""
        numbers = [one.int - 1 for one in ids_in(self.path)]
        reader = self.store.store
        others = set(reader.indices_of_other_kinds())
        places = [i for i in range(len(numbers) + len(others)) if i not in others]
        return dict(zip(places, numbers, strict=True))

    @rule(number=_NUMBERS)
    def record(self, number: int) -> None:
        """Record an event, or record it again."""
        self.take(number, self.log.record(self.make(number)))

    @rule(number=_NUMBERS)
    def record_from_a_task(self, number: int) -> None:
        """The same from a task."""
        self.take(number, asyncio.run(self.log.arecord(self.make(number))))

    @rule(numbers=st.lists(_NUMBERS, max_size=6))
    def record_many(self, numbers: list[int]) -> None:
        """Record several, some perhaps twice, some perhaps recorded before."""
        for number, receipt in zip(
            numbers, self.log.record_many([self.make(n) for n in numbers]), strict=True
        ):
            self.settle(number)
            assert self.entries()[receipt.index] == number

    @rule(data=st.data())
    @precondition(lambda self: self.numbers)
    def conflict(self, data: Any) -> None:
        """Use an id again for another event."""
        number = data.draw(st.sampled_from(self.numbers))
        with pytest.raises(EventConflictError):
            self.log.record(event(number, occurred=_WHEN, action="door.close"))

    @rule(number=_NUMBERS, written=st.booleans(), step=st.sampled_from(["append", "turn", "head"]))
    def fail(self, number: int, written: bool, step: str) -> None:
        """The store fails once, before or after it did the work."""
        unknown = step == "append" and written
        error: Any = UnknownOutcomeError if unknown else StoreUnavailableError
        self.store.fail(step, error("the disk failed"), written=written)
        self.unsettled.add(number)
        try:
            self.take(number, self.log.record(self.make(number)))
        except NotRecordedError:
            pass
        finally:
            self.store.heal()

    @rule(hours=st.integers(-48, 24))
    def set_clock(self, hours: int) -> None:
        """The clock goes on, or is set back."""
        self.clock.move(timedelta(hours=hours))

    @rule()
    def close_and_open(self) -> None:
        """Close the log properly and open it again."""
        self.log.close()
        self.reopen()

    @rule()
    def crash_and_open(self) -> None:
        """Go on from a copy of the files as they are while the log is open, as after a crash."""
        crashed = self.folder / "crashed"
        crashed.mkdir()
        for one in self.folder.glob("trail.db*"):
            if not one.name.endswith("-shm"):
                shutil.copy(one, crashed / one.name)
        self.log.close()
        for one in self.folder.glob("trail.db*"):
            one.unlink()
        for one in crashed.iterdir():
            one.rename(self.folder / one.name)
        crashed.rmdir()
        self.reopen()

    @rule()
    def keep_a_checkpoint(self) -> None:
        """An auditor keeps the present checkpoint."""
        self.kept.append(self.log.checkpoint().note)

    @rule(data=st.data())
    @precondition(lambda self: self.numbers)
    def prove(self, data: Any) -> None:
        """A retry's receipt is true, and its entry can be proven."""
        number = data.draw(st.sampled_from(self.numbers))
        check_receipt(self.log, self.log.record(self.make(number)), event(number).id)

    @invariant()
    def nothing_is_lost_or_twice(self) -> None:
        """Exactly what was acknowledged is there, but for what is unsettled."""
        if not hasattr(self, "log"):
            return
        there = list(self.entries().values())
        assert len(there) == len(set(there))
        assert set(self.numbers) <= set(there) <= set(self.numbers) | self.unsettled

    @rule()
    def verify(self) -> None:
        """The log verifies, and continues every checkpoint that was kept."""
        verification = verified(self.path, from_checkpoint=self.kept)
        assert verification.events == len(self.entries())

    def teardown(self) -> None:
        """Verify a last time."""
        if hasattr(self, "log"):
            self.verify()
            self.log.close()
        shutil.rmtree(self.folder)


def test_the_logger_does_as_the_list() -> None:
    """Whatever is done, in whatever order, nothing acknowledged is lost, or there twice."""
    steps = settings(max_examples=40, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(LoggerMachine, settings=steps)

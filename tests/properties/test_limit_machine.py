"""Any order of attempts, waiting, unlocking and reopening does what a simple model says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import biotrail
from biotrail.errors import LimitError
from biotrail.limits import Limit, LimitPolicy
from biotrail.stores import MemoryStore
from biotrail.vault import MemoryKeyProvider, Vault

PEOPLE = st.sampled_from(["anna", "ben"])
POLICY = LimitPolicy(
    name="model",
    subject=Limit(
        failures=2,
        failures_with_pad=3,
        lock=timedelta(seconds=30),
        each=True,
        disable=5,
        disable_with_pad=6,
    ),
)


class Person:
    """What somebody with pencil and paper would note."""

    def __init__(self) -> None:
        self.failures, self.guarded, self.until = 0, True, 0
        self.disabled = False

    def held(self, now: int) -> bool:
        return self.disabled or now < self.until

    def fail(self, now: int, *, pad: bool) -> None:
        self.failures, self.guarded = self.failures + 1, self.guarded and pad
        if self.failures >= (6 if self.guarded else 5):
            self.disabled = True
        elif self.failures >= (3 if self.guarded else 2) and not self.held(now):
            self.until = now + 30


class Limiting(RuleBasedStateMachine):
    """Two writers of one log, either of which may be opened anew at any time."""

    @initialize(sealed=st.booleans())
    def begin(self, sealed: bool) -> None:
        self.store, self.now = MemoryStore(), 0
        self.vault = Vault(MemoryKeyProvider()) if sealed else None
        self.logs = [self._opened(), self._opened()]
        self.people = {"anna": Person(), "ben": Person()}

    def _opened(self) -> biotrail.AuditLogger:
        return biotrail.AuditLogger(
            self.store,
            biotrail.Ed25519Signer.from_seed("example.com/door", bytes(32)),
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now),
            limits=POLICY,
            vault=self.vault,
        )

    def _event(self, who: str, **fields: Any) -> biotrail.Event:
        return biotrail.Event(action="door.open", subject=who, modality="face", **fields)

    @rule(who=PEOPLE, writer=st.integers(0, 1), pad=st.booleans())
    def fail(self, who: str, writer: int, pad: bool) -> None:
        """A failure counts, and locks where the model says so."""
        comparison = biotrail.Comparison(
            matcher="m",
            version="1",
            decision="non_match",
            presentation_attack="bona_fide" if pad else None,
        )
        event = self._event(who, decision="denied", reason="non_match", comparison=comparison)
        receipt = self.logs[writer].record(event)
        person = self.people[who]
        person.fail(self.now, pad=pad)
        assert (receipt.lock is not None) == person.held(self.now)
        assert self.logs[writer].record(event).lock == receipt.lock

    @rule(who=PEOPLE, writer=st.integers(0, 1))
    def succeed(self, who: str, writer: int) -> None:
        """A match is granted unless the model says that the person is locked."""
        event = self._event(who, decision="granted", reason="match")
        early = self.logs[1 - writer].lock_of(event)
        receipt = self.logs[writer].record(event)
        held = self.people[who].held(self.now)
        assert receipt.overruled == held == (early is not None)
        if not held:
            self.people[who] = Person()

    @rule(seconds=st.sampled_from([1, 29, 30, 31]))
    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.now += seconds

    @rule(writer=st.integers(0, 1))
    def reopen(self, writer: int) -> None:
        """A process begins anew."""
        self.logs[writer] = self._opened()

    @rule(who=PEOPLE, writer=st.integers(0, 1))
    def unlock(self, who: str, writer: int) -> None:
        """A lock is lifted where there is one."""
        try:
            self.logs[writer].unlock(subject=who, reason="policy")
        except LimitError:
            assert not self.people[who].held(self.now)
        else:
            assert self.people[who].held(self.now)
            self.people[who] = Person()


def test_limits_do_what_the_model_says() -> None:
    """Grants, locks and their ends agree with the model after every step."""
    run_state_machine_as_test(
        Limiting, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )

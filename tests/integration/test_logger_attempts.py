"""An attempt records itself, whatever happens inside, and grants nothing before that."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from biotrail import AuditLogger, Comparison, Context
from biotrail.audit import Attempt
from biotrail.canonical import decode_entry
from biotrail.errors import EventError, NotRecordedError, StoreFullError
from biotrail.events import Event
from biotrail.signing import Ed25519Signer
from biotrail.stores import MemoryStore
from biotrail.testing import FaultyStore
from tests.unit.audit._logs import ORIGIN, verified

Recorded = dict[str, Any]


class Trail:
    """A log over a store that can be told to fail."""

    def __init__(self) -> None:
        self.store = FaultyStore(MemoryStore())
        self.log = AuditLogger(self.store, Ed25519Signer.generate(ORIGIN))

    def last(self) -> Recorded:
        """What the last entry says."""
        *_, last = self.store.entries(0, 10_000)
        return dict(decode_entry(last.entry).content)

    def size(self) -> int:
        """Number of entries."""
        return self.log.checkpoint().size


@pytest.fixture
def trail() -> Iterator[Trail]:
    """A trail, verified in the end."""
    made = Trail()
    yield made
    verified(made.store, made.log.verifier_key)
    made.log.close()


def _attempt(trail: Trail, **fields: Any) -> Attempt:
    return trail.log.attempt(**{"action": "door.open", "subject": "alice", **fields})


def test_a_granted_attempt(trail: Trail) -> None:
    """An attempt that grants is recorded as granted, and says so only once that is durable."""
    with _attempt(trail) as attempt:
        attempt.compared(Comparison(matcher="m", version="1", decision="match"))
        attempt.grant()
        inside = attempt.granted, attempt.receipt, trail.size()
    assert inside == (False, None, 1)
    assert attempt.granted
    assert attempt.receipt is not None
    assert attempt.receipt.index == 1
    last = trail.last()
    assert (last["decision"], last["reason"], last["outcome"]) == ("granted", "match", "success")
    assert last["comparison"]["decision"] == "match"


def test_a_denied_attempt(trail: Trail) -> None:
    """An attempt that denies is recorded with its reason, and grants nothing."""
    with _attempt(trail) as attempt:
        attempt.deny("non_match")
    assert not attempt.granted
    last = trail.last()
    assert (last["decision"], last["reason"], last["outcome"]) == ("denied", "non_match", "failure")


def test_the_last_decision_counts(trail: Trail) -> None:
    """A decision may be taken back inside the block."""
    with _attempt(trail) as attempt:
        attempt.grant()
        attempt.deny("host.lockdown")
    assert not attempt.granted
    assert trail.last()["reason"] == "host.lockdown"


def test_an_attempt_without_a_decision(trail: Trail) -> None:
    """A block that decides nothing is recorded as denied, for want of a decision."""
    with _attempt(trail) as attempt:
        pass
    assert not attempt.granted
    last = trail.last()
    assert (last["decision"], last["reason"], last["outcome"]) == (
        "denied",
        "no_decision",
        "unknown",
    )


def test_a_failure_to_acquire(trail: Trail) -> None:
    """Nothing usable captured is a denial with that reason."""
    with _attempt(trail) as attempt:
        attempt.failed_to_acquire("no_face")
    assert trail.last()["reason"] == "no_face"
    assert not attempt.granted


_ENDINGS = [
    (ValueError("camera"), "error"),
    (SystemExit(1), "error"),
    (KeyboardInterrupt(), "cancelled"),
    (asyncio.CancelledError(), "cancelled"),
    (GeneratorExit(), "error"),
]


def _grant_and_raise(attempt: Attempt, error: BaseException) -> None:
    attempt.grant()
    raise error


@pytest.mark.parametrize(("error", "reason"), _ENDINGS, ids=lambda one: type(one).__name__)
def test_an_exception_inside_is_recorded_and_goes_on(
    trail: Trail, error: BaseException, reason: str
) -> None:
    """Whatever is raised inside, after a grant too, is recorded as denied and raised again."""
    with pytest.raises(type(error)) as caught, _attempt(trail) as attempt:
        _grant_and_raise(attempt, error)
    assert caught.value is error
    assert not attempt.granted
    last = trail.last()
    assert (last["decision"], last["reason"], last["outcome"]) == ("denied", reason, "unknown")


@pytest.mark.parametrize(("error", "reason"), _ENDINGS[:1] + _ENDINGS[3:4], ids=("error", "cancel"))
def test_an_exception_inside_a_task_is_recorded(
    trail: Trail, error: BaseException, reason: str
) -> None:
    """The same in the async form."""

    async def main() -> None:
        async with _attempt(trail) as attempt:
            attempt.grant()
            raise error

    with pytest.raises(type(error)):
        asyncio.run(main())
    assert trail.last()["reason"] == reason


def test_a_cancelled_task_records_its_attempt(trail: Trail) -> None:
    """A task that is cancelled inside its block records that, and ends as cancelled."""
    seen: list[Attempt] = []

    async def main() -> None:
        async def task() -> None:
            async with _attempt(trail) as attempt:
                seen.append(attempt)
                attempt.grant()
                await asyncio.sleep(60)

        running = asyncio.create_task(task())
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert not seen[0].granted
    last = trail.last()
    assert (last["decision"], last["reason"]) == ("denied", "cancelled")


def test_cancelled_while_its_record_is_written(trail: Trail) -> None:
    """Cancelled while it waits for its record, a task grants nothing; the record is made whole."""
    seen: list[Attempt] = []

    async def main() -> None:
        async def task() -> None:
            async with _attempt(trail) as attempt:
                seen.append(attempt)
                attempt.grant()

        with trail.store.turn():  # nobody can commit meanwhile
            running = asyncio.create_task(task())
            await asyncio.sleep(0.02)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        while trail.size() < 2:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert not seen[0].granted
    assert trail.last()["decision"] == "granted"


def test_attempts_in_tasks(trail: Trail) -> None:
    """Two hundred attempts at once, each decided in its own way, are each recorded as decided."""

    async def one(number: int) -> bool:
        async with _attempt(trail, target=f"door-{number}") as attempt:
            await asyncio.sleep(0)
            if number % 3 == 0:
                attempt.grant()
            elif number % 3 == 1:
                attempt.deny("non_match")
        return attempt.granted

    async def main() -> list[bool]:
        return await asyncio.gather(*(one(number) for number in range(200)))

    granted = asyncio.run(main())
    assert granted == [number % 3 == 0 for number in range(200)]
    said = {}
    for stored in trail.store.entries(1, 201):
        content: Any = decode_entry(stored.entry).content
        said[int(content["target"].removeprefix("door-"))] = content["decision"]
    assert said == {n: "granted" if n % 3 == 0 else "denied" for n in range(200)}


@pytest.mark.parametrize(
    "fields",
    [{"action": ""}, {"modality": "smell"}, {"subject": b"template"}, {"tenant": 5}],
    ids=lambda one: next(iter(one)),
)
def test_a_bad_field_is_refused_at_the_door(trail: Trail, fields: dict[str, Any]) -> None:
    """A field that is not as it must be is refused before the block begins; nothing is written."""
    with pytest.raises(EventError):
        _attempt(trail, **fields)
    assert trail.size() == 1


def test_a_bad_word_inside_is_refused_and_recorded(trail: Trail) -> None:
    """A reason that does not exist is refused where it is said; the attempt ends as an error."""
    with pytest.raises(EventError), _attempt(trail) as attempt:
        attempt.grant("because")
    assert not attempt.granted
    assert trail.last()["reason"] == "error"


def test_said_while_under_way(trail: Trail) -> None:
    """Who it was, from where and with what factors may be said inside; all of it is recorded."""
    with trail.log.attempt(action="door.open") as attempt:
        attempt.identified("alice", actor="gate-1")
        attempt.observed(Context(device_model="cam-2", ip="192.0.2.7"))
        attempt.used("pin")
        attempt.grant(outcome="unknown")
    last = trail.last()
    assert last["factors"] == ["pin"]
    assert last["context"] == {"device_model": "cam-2"}
    assert last["outcome"] == "unknown"
    assert "subject" in last
    assert "payload" in last


def test_labels_and_roles_are_said_while_under_way(trail: Trail) -> None:
    """Labels add to those of the beginning; a factor may say its role, one of two."""
    with _attempt(trail, labels={"gate": 4}) as attempt:
        before = attempt.decision
        assert before is None
        with pytest.raises(EventError, match="step_up"):
            attempt.used("pin", role="instead")
        attempt.used("pin", role="fallback")
        attempt.labelled(lane="left")
        attempt.deny("step_up_required")
        assert attempt.decision == "denied"
    assert trail.last()["labels"] == {"gate": 4, "lane": "left", "factor_role": "fallback"}
    assert trail.last()["factors"] == ["pin"]


def test_when_it_occurred_may_be_given(trail: Trail) -> None:
    """An attempt's time is its beginning by the log's clock, unless the host gives another."""
    when = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    with _attempt(trail, occurred=when) as attempt:
        attempt.grant()
    assert trail.last()["occurred"] == "2026-01-02T03:04:05.000006Z"


def test_nothing_can_be_said_afterwards(trail: Trail) -> None:
    """Once recorded, an attempt is not changed."""
    with _attempt(trail) as attempt:
        attempt.deny("non_match")
    with pytest.raises(EventError, match="recorded already"):
        attempt.grant()
    assert not attempt.granted


def test_nothing_is_granted_that_could_not_be_recorded(trail: Trail) -> None:
    """If the record fails, NotRecordedError is raised and nothing is granted (fail closed)."""
    trail.store.fail("append", StoreFullError("no space"))
    with pytest.raises(NotRecordedError) as caught, _attempt(trail) as attempt:
        attempt.grant()
    assert isinstance(caught.value.__cause__, StoreFullError)
    assert not attempt.granted
    assert attempt.receipt is None
    assert trail.size() == 1


def test_nothing_is_granted_that_could_not_be_recorded_from_a_task(trail: Trail) -> None:
    """The same in the async form."""
    trail.store.fail("append", StoreFullError("no space"))
    seen: list[Attempt] = []

    async def main() -> None:
        async with _attempt(trail) as attempt:
            seen.append(attempt)
            attempt.grant()

    with pytest.raises(NotRecordedError):
        asyncio.run(main())
    assert not seen[0].granted
    assert trail.size() == 1


def test_a_failed_record_does_not_hide_the_exception_inside(trail: Trail) -> None:
    """If both the block and its record fail, the first is kept as the context of the second."""
    trail.store.fail("append", StoreFullError("no space"))
    with pytest.raises(NotRecordedError) as caught, _attempt(trail):
        raise ValueError("camera")
    chain: BaseException | None = caught.value
    seen = []
    while chain is not None:
        seen.append(type(chain))
        chain = chain.__cause__ or chain.__context__
    assert StoreFullError in seen
    assert ValueError in seen


def test_an_attempt_is_one_event(trail: Trail) -> None:
    """What an attempt records has one id, so that it cannot be recorded twice."""
    recorded: list[Event] = []

    class Recorder:
        def record(self, event: Event) -> Any:
            recorded.append(event)
            return trail.log.record(event)

        async def arecord(self, event: Event) -> Any:
            raise NotImplementedError

        def fall_back(self, event: Event, error: Exception) -> Any:
            raise error

        def lock_of(self, event: Event) -> None:
            return None

    attempt = Attempt(Recorder(), datetime.now(UTC), {"action": "door.open"})
    with attempt:
        attempt.grant()
    with attempt:
        pass
    assert recorded[0].id == recorded[1].id
    assert trail.size() == 2

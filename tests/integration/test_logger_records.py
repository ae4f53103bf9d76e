"""What a logger answers, and that the same event is never recorded twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger
from biotrail.canonical import decode_entry
from biotrail.errors import (
    ClosedError,
    EventConflictError,
    EventError,
    NotRecordedError,
    ProofError,
    SigningError,
)
from biotrail.signing import Ed25519Signer
from biotrail.stores import SQLiteReader
from biotrail.testing import FixedClock
from tests.unit.audit._logs import (
    KEY,
    ORIGIN,
    check_receipt,
    event,
    ids_in,
    opened,
    signer,
    verified,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "trail.db"


@pytest.fixture
def log(path: Path) -> Iterator[AuditLogger]:
    """A log in a file."""
    with opened(path) as made:
        yield made


def test_a_new_log_begins_with_its_genesis(log: AuditLogger, path: Path) -> None:
    """Entry 0 of a new log is the genesis: format, origin and first key, under a checkpoint."""
    assert log.checkpoint().size == 1
    reader = SQLiteReader(path)
    (first,) = reader.entries(0, 1)
    reader.close()
    decoded = decode_entry(first.entry)
    assert (decoded.kind, decoded.index) == ("genesis", 0)
    assert decoded.content == {"format": "biotrail/1", "origin": ORIGIN, "key": KEY}
    assert verified(path).size == 1


def test_a_receipt_is_true(log: AuditLogger) -> None:
    """Index, leaf hash and checkpoint of a receipt hold against a proof under the public key."""
    for number in range(5):
        one = event(number)
        receipt = log.record(one)
        assert (receipt.index, receipt.repeated) == (number + 1, False)
        assert receipt.checkpoint.size == number + 2
        check_receipt(log, receipt, one.id)


def test_receipts_of_many_are_true(log: AuditLogger, path: Path) -> None:
    """Many events in one call get consecutive indices, in order, under checkpoints per 1,000."""
    events = [event(number) for number in range(2_100)]
    receipts = log.record_many(events)
    assert [one.index for one in receipts] == list(range(1, 2_101))
    assert {one.checkpoint.size for one in receipts} == {1_001, 2_001, 2_101}
    for place in (0, 255, 256, 999, 1_000, 2_099):
        check_receipt(log, receipts[place], events[place].id)
    assert ids_in(path) == [one.id for one in events]
    assert verified(path).events == 2_100


def test_no_events_are_no_records(log: AuditLogger) -> None:
    """An empty call writes nothing."""
    assert log.record_many([]) == []
    assert asyncio.run(log.arecord_many([])) == []
    assert log.checkpoint().size == 1


def test_what_is_no_event_is_refused_before_anything_is_written(log: AuditLogger) -> None:
    """All events of a call are checked before the first is written."""
    events: Any = [event(1), {"action": "door.open"}]
    with pytest.raises(EventError):
        log.record_many(events)
    assert log.checkpoint().size == 1


@pytest.mark.parametrize("index", [-1, 3, 10**12])
def test_there_is_no_proof_of_what_is_not_there(log: AuditLogger, index: int) -> None:
    """An index outside the log is refused by name."""
    log.record_many([event(0), event(1)])
    with pytest.raises(ProofError):
        log.prove(index)


def test_the_same_event_again_is_answered(log: AuditLogger, path: Path) -> None:
    """A retry is given the first receipt's index and leaf hash, and nothing is written."""
    first = [log.record(event(number, occurred=_WHEN)) for number in range(3)]
    for number, before in enumerate(first):
        again = log.record(event(number, occurred=_WHEN))
        assert again.repeated
        assert (again.event_id, again.index) == (before.event_id, before.index)
        assert (again.leaf_hash, again.recorded) == (before.leaf_hash, before.recorded)
        check_receipt(log, again)
    assert log.checkpoint().size == 4
    assert verified(path).events == 3


_WHEN = datetime(2026, 11, 23, 11, 34, tzinfo=UTC)
_DIFFERENT: list[dict[str, Any]] = [
    {"decision": "denied"},
    {"action": "door.close"},
    {"actor": "somebody-else"},
    {"subject": "somebody-else"},
    {"subject": None},
    {"target": "vault"},
    {"occurred": _WHEN + timedelta(microseconds=1)},
    {"attributes": {"note": "other"}},
    {"labels": {"gate": 5}},
    {"reason": "host.other"},
    {"tenant": "other"},
]


@pytest.mark.parametrize("difference", _DIFFERENT, ids=lambda one: next(iter(one)))
def test_the_same_id_for_another_event_is_a_conflict(
    log: AuditLogger, difference: dict[str, Any]
) -> None:
    """An id that is taken by an event of other content, personal or not, is refused."""
    log.record(event(1, occurred=_WHEN))
    with pytest.raises(EventConflictError, match="index 1"):
        log.record(event(1, **{"occurred": _WHEN, **difference}))
    assert log.checkpoint().size == 2


def test_repeats_within_one_call(log: AuditLogger, path: Path) -> None:
    """An id twice in one call is written once; the second is answered as a repeat, in its place."""
    one, two = event(1, occurred=_WHEN), event(2, occurred=_WHEN)
    receipts = log.record_many([one, two, one, two, event(3), one])
    assert [each.index for each in receipts] == [1, 2, 1, 2, 3, 1]
    assert [each.repeated for each in receipts] == [False, False, True, True, False, True]
    assert verified(path).events == 3


def test_new_and_recorded_events_in_one_call(log: AuditLogger, path: Path) -> None:
    """Events that are in the log already do not keep the call's new ones from being written."""
    log.record(event(1, occurred=_WHEN))
    receipts = log.record_many([event(2), event(1, occurred=_WHEN), event(3)])
    assert [(each.index, each.repeated) for each in receipts] == [(2, False), (1, True), (3, False)]
    assert verified(path).events == 3


def test_a_conflict_within_one_call(log: AuditLogger, path: Path) -> None:
    """A conflict in a call is raised; the others of the call are recorded, once."""
    with pytest.raises(EventConflictError):
        log.record_many([event(1), event(1, action="door.close"), event(2)])
    assert log.record_many([event(3)])[0].index == 3
    assert verified(path).events == 3


def test_the_same_event_from_many_threads(log: AuditLogger, path: Path) -> None:
    """However many threads record one event at once, one entry is written and all are answered."""
    one, receipts = event(1), list[Any]()
    barrier = threading.Barrier(16)

    def act() -> None:
        barrier.wait()
        receipts.append(log.record(one))

    threads = [threading.Thread(target=act) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.index for each in receipts} == {1}
    assert [each.repeated for each in receipts].count(False) == 1
    assert verified(path).events == 1


def test_the_same_event_from_many_tasks(log: AuditLogger, path: Path) -> None:
    """The same among tasks; one task with other content under that id gets the conflict alone."""

    async def main() -> list[Any]:
        calls = [log.arecord(event(1, occurred=_WHEN)) for _ in range(20)]
        calls.append(log.arecord(event(1, occurred=_WHEN, action="door.close")))
        calls += [log.arecord(event(number)) for number in range(2, 20)]
        return await asyncio.gather(*calls, return_exceptions=True)

    got = asyncio.run(main())
    assert {each.index for each in got[:20]} == {got[0].index}
    assert isinstance(got[20], EventConflictError)
    assert not any(isinstance(each, BaseException) for each in got[21:])
    assert verified(path).events == 19


def test_the_same_event_after_reopening(path: Path) -> None:
    """A retry after closing and opening again is answered too, and a conflict still refused."""
    with opened(path) as log:
        before = log.record(event(1, occurred=_WHEN))
    with opened(path) as log:
        again = log.record(event(1, occurred=_WHEN))
        assert (again.index, again.leaf_hash, again.repeated) == (1, before.leaf_hash, True)
        with pytest.raises(EventConflictError):
            log.record(event(1, occurred=_WHEN, subject="somebody-else"))
        assert log.record(event(2)).index == 2
    assert verified(path).events == 2


def test_a_closed_log_refuses_and_leaves_nothing_open(path: Path) -> None:
    """After closing, which may be repeated, every method raises ClosedError."""
    log = opened(path)
    log.record(event(1))
    log.close()
    log.close()
    acts: list[Any] = [
        lambda: log.record(event(2, subject="never seen before")),
        lambda: log.record_many([event(2)]),
        lambda: asyncio.run(log.arecord(event(2))),
        log.checkpoint,
        lambda: log.prove(0),
        lambda: log.retire_key(KEY, "gone"),
    ]
    for act in acts:
        with pytest.raises(ClosedError):
            act()
    assert not path.with_name("trail.db-wal").exists()
    assert verified(path).events == 1


def test_a_log_in_memory() -> None:
    """``:memory:`` gives a whole log, with a key of its own, that lasts as long as the logger."""
    with opened(":memory:", signer=None) as log:
        receipts = log.record_many([event(number) for number in range(300)])
        assert receipts[-1].index == 300
        assert verified(log._store, log.verifier_key).events == 300


def test_recorded_time_never_goes_back(path: Path) -> None:
    """When the clock is set back, entries keep the last time, also after opening again."""
    clock = FixedClock()
    times = []
    with opened(path, clock=clock) as log:
        for seconds in (0, 5, -3_600, 1, 7_200, -86_400):
            clock.move(timedelta(seconds=seconds))
            times.append(log.record(event()).recorded)
    clock.move(timedelta(days=-400))
    with opened(path, clock=clock) as log:
        times.append(log.record(event()).recorded)
    assert all(before <= after for before, after in pairwise(times))
    assert times[-1] == times[4]
    assert verified(path).events == 7


def test_a_clock_of_another_zone(path: Path) -> None:
    """A clock that shows another time zone is recorded in UTC."""
    east = FixedClock(_WHEN.astimezone(tz=_zone(9)))
    with opened(path, clock=east) as log:
        assert log.record(event(occurred=_WHEN)).recorded == _WHEN
    assert verified(path).events == 1


def _zone(hours: int) -> Any:
    from datetime import timezone

    return timezone(timedelta(hours=hours))


@pytest.mark.parametrize("failing", ["clock", "signer", "randomness"])
def test_what_the_host_gave_fails(path: Path, failing: str) -> None:
    """If clock, signer or randomness of the host fails, the caller is told, and later is served."""
    broken = threading.Event()

    def clock() -> datetime:
        if failing == "clock" and broken.is_set():
            raise OSError("no clock")
        return datetime.now(UTC)

    def randomness(count: int) -> bytes:
        if failing == "randomness" and broken.is_set():
            raise OSError("no entropy")
        return bytes(count)

    class Remote(Ed25519Signer):
        def sign(self, message: bytes) -> bytes:
            if failing == "signer" and broken.is_set():
                raise ConnectionError("the module does not answer")
            return super().sign(message)

    remote = Remote.from_seed(ORIGIN, bytes(range(32)))
    with opened(path, clock=clock, randomness=randomness, signer=remote) as log:
        log.record(event(1))
        broken.set()
        with pytest.raises(NotRecordedError) as caught:
            log.record(event(2))
        if failing == "signer":
            assert isinstance(caught.value.__cause__, SigningError)
        with pytest.raises(NotRecordedError):
            asyncio.run(log.arecord(event(3)))
        broken.clear()
        assert asyncio.run(log.arecord(event(2))).index == 2
    assert verified(path, str(signer().verifier_key)).events == 2


@pytest.mark.parametrize("drawn", [b"", bytes(31), "x" * 32, None])
def test_randomness_of_the_wrong_size(path: Path, drawn: Any) -> None:
    """A source that does not return what it was asked for is refused, and nothing is recorded."""
    with opened(path, randomness=lambda size: drawn) as log:
        with pytest.raises(NotRecordedError, match="did not return 16 bytes"):
            log.record(event(1))
        assert log.checkpoint().size == 1

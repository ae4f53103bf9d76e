"""The log cannot be written, and the host chose a spool, or to go on without a record."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger, Context, FailOpen, Fallback, MemoryStore, Spool
from biotrail.audit.spool import SpoolFile
from biotrail.canonical import Entry, decode_entry
from biotrail.errors import (
    NotRecordedError,
    SpoolError,
    StoreFullError,
    UnknownOutcomeError,
)
from biotrail.stores import Batch
from tests.unit.audit._logs import event, opened, signer, verified


class Full(MemoryStore):
    """A store whose disk is full at times."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.error: Callable[[], Exception] = lambda: StoreFullError("no space is left")

    def append(self, batch: Batch) -> None:
        """Append unless full."""
        if self.full:
            raise self.error()
        super().append(batch)

    def close(self) -> None:
        """Keep what is there, to be looked at afterwards."""


@pytest.fixture
def store() -> Full:
    """An empty store."""
    return Full()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Where the spool will be."""
    return tmp_path / "trail.spool"


def logger(store: MemoryStore, **options: Any) -> AuditLogger:
    """A log in a store."""
    return AuditLogger(store, signer(), **options)


def attempt(log: AuditLogger, action: str = "door.open", **fields: Any) -> Any:
    """An attempt that is granted; returns it after its end."""
    with log.attempt(action=action, subject="ann", **fields) as one:
        one.grant()
    return one


def contents(store: MemoryStore) -> list[Entry]:
    """All entries, decoded."""
    return [decode_entry(one.entry) for one in store.entries(0, 1_000)]


def kinds(store: MemoryStore) -> list[str]:
    """The kinds of all entries."""
    return [one.kind for one in contents(store)]


def test_by_default_nothing_is_granted_without_a_record(store: Full) -> None:
    """Without a policy the attempt raises, and is not granted."""
    with logger(store) as log:
        store.full = True
        with pytest.raises(NotRecordedError), log.attempt(action="door.open") as one:
            one.grant()
        assert not one.granted
        assert one.fallback is None
        store.full = False
        attempt(log)
    assert kinds(store) == ["genesis", "event"]


def test_a_spooled_attempt_is_granted_and_recorded_later(store: Full, spool: Path) -> None:
    """It lies in the spool at once; after the next record it is in the log, and so is the gap."""
    with logger(store, on_failure=Spool(spool)) as log:
        store.full = True
        one = attempt(log, context=Context(ip="192.0.2.7"), labels={"n": 1})
        assert one.granted
        assert one.receipt is None
        assert one.fallback is Fallback.SPOOLED
        assert spool.stat().st_size > 0
        store.full = False
        later = attempt(log)
        assert later.fallback is None
        assert spool.stat().st_size == 0
    _, second, first, gap = contents(store)
    assert kinds(store) == ["genesis", "event", "event", "log_gap"]
    assert first.content["labels"] == {"n": 1}
    assert second.content["occurred"] > first.content["occurred"]  # type: ignore[operator] # texts
    assert gap.content["lost"] == 0
    assert gap.content["since"] == first.content["occurred"]
    assert gap.content["since"] <= gap.content["until"]  # type: ignore[operator] # texts
    assert "no space is left" in str(gap.content["reason"])
    assert verified(store).events == 2


def test_personal_fields_survive_the_spool(store: Full, spool: Path) -> None:
    """What is recorded from the spool is what would have been recorded at once."""
    context = Context(ip="2001:db8::7", user_agent="Reader/1", provenance={"ip": "observed"})
    whole = event(3, attributes={"shift": "night"}, context=context, tenant="north")
    with logger(store, on_failure=Spool(spool)) as log:
        store.full = True
        with pytest.raises(NotRecordedError) as caught:
            log.record(whole)
        assert log.fall_back(whole, caught.value) is Fallback.SPOOLED
        store.full = False
        log.recover()
        again = log.record(whole)
        assert again.repeated
        assert again.index == 1


def test_only_the_events_that_the_host_named(store: Full, spool: Path) -> None:
    """Other events fail closed as ever."""
    policy = Spool(spool, events=lambda event: event.action == "door.exit")
    with logger(store, on_failure=policy) as log:
        store.full = True
        with pytest.raises(NotRecordedError):
            attempt(log, "door.open")
        assert attempt(log, "door.exit").granted


def _granted_until_refused(log: AuditLogger) -> tuple[int, BaseException | None]:
    for granted in range(100):
        try:
            attempt(log)
        except NotRecordedError as error:
            return granted, error.__cause__
    raise AssertionError("never refused")


def test_a_full_spool_fails_closed(store: Full, spool: Path) -> None:
    """When the spool has no room the attempt raises, with the spool's error as its cause."""
    with logger(store, on_failure=Spool(spool, maximum_bytes=1_000)) as log:
        store.full = True
        spooled, cause = _granted_until_refused(log)
        assert isinstance(cause, SpoolError)
        assert 1 <= spooled < 10
        assert spool.stat().st_size <= 1_000
        store.full = False
        log.recover()
    assert kinds(store) == ["genesis", *["event"] * spooled, "log_gap"]


def test_fail_open_goes_on_and_counts(store: Full) -> None:
    """Attempts that go on without a record are counted in the gap, however many they were."""
    with logger(store, on_failure=FailOpen(lambda event: event.action == "door.exit")) as log:
        store.full = True
        for _ in range(3):
            one = attempt(log, "door.exit")
            assert one.granted
            assert one.fallback is Fallback.UNRECORDED
        store.full = False
        attempt(log)
        attempt(log)
    assert kinds(store) == ["genesis", "event", "log_gap", "event"]
    assert contents(store)[2].content["lost"] == 3


def test_a_task_falls_back_too(store: Full, spool: Path) -> None:
    """The same for `async with`, without blocking the loop."""

    async def run(log: AuditLogger) -> Any:
        async with log.attempt(action="door.open") as one:
            one.grant()
        return one

    with logger(store, on_failure=Spool(spool)) as log:
        store.full = True
        assert asyncio.run(run(log)).fallback is Fallback.SPOOLED
        store.full = False
        assert asyncio.run(run(log)).receipt is not None
    assert kinds(store) == ["genesis", "event", "event", "log_gap"]


def test_an_unknown_outcome_is_not_recorded_twice(store: Full, spool: Path) -> None:
    """An event that was written after all answers for itself when it comes out of the spool."""
    written = store.append

    def append(batch: Batch) -> None:
        written(batch)
        if store.full:
            raise UnknownOutcomeError("the disk failed")

    store.append = append  # type: ignore[method-assign] # written, but not answered
    with logger(store, on_failure=Spool(spool)) as log:
        store.full = True
        assert attempt(log).fallback is Fallback.SPOOLED
        store.full = False
        log.recover()
    assert kinds(store) == ["genesis", "event", "log_gap"]


def test_the_next_process_records_what_the_last_one_spooled(tmp_path: Path, spool: Path) -> None:
    """A spool outlives its process: opening the log records what is in it."""
    path = tmp_path / "trail.db"
    opened(path).close()
    file = SpoolFile(spool, maximum_bytes=10_000)
    for number in range(3):
        file.add(event(number), event(number).occurred)
    with opened(path, on_failure=Spool(spool)):
        pass
    assert verified(path).events == 3
    assert spool.stat().st_size == 0


def test_while_the_log_cannot_be_written_the_spool_keeps_all(store: Full, spool: Path) -> None:
    """A recovery that fails loses nothing, and says so when it is asked for."""
    with logger(store, on_failure=Spool(spool)) as log:
        store.full = True
        attempt(log)
        size = spool.stat().st_size
        with pytest.raises(NotRecordedError):
            log.recover()
        assert spool.stat().st_size == size
        store.full = False
        log.recover()
        log.recover()
    assert kinds(store) == ["genesis", "event", "log_gap"]


def test_an_event_spooled_under_anothers_id(store: Full, spool: Path) -> None:
    """It cannot be recorded: the gap counts it as lost and says why, and the spool is freed."""
    with logger(store, on_failure=Spool(spool)) as log:
        log.record(event(1))
        store.full = True
        log.fall_back(event(1, action="door.exit"), NotRecordedError("no space"))
        store.full = False
        log.recover()
    gap = contents(store)[-1]
    assert gap.content["lost"] == 1
    assert "under the id of another event" in str(gap.content["reason"])
    assert spool.stat().st_size == 0


def test_what_comes_during_a_recovery_is_kept(store: Full, spool: Path) -> None:
    """An event spooled while the others are being recorded stays for the next time."""
    file = SpoolFile(spool, maximum_bytes=10_000)
    file.add(event(1), event(1).occurred)
    end = file.read().end
    file.add(event(2), event(2).occurred)
    assert not file.empty(end)
    assert [one.id for one in file.read().events] == [event(1).id, event(2).id]
    assert file.empty(file.read().end)
    assert file.read().events == []


def test_a_frame_that_a_crash_cut_short_is_dropped(spool: Path) -> None:
    """At every place where the last frame may end, those before it are read and added to."""
    file = SpoolFile(spool, maximum_bytes=10_000)
    file.add(event(1), event(1).occurred)
    end = file.read().end
    file.add(event(2), event(2).occurred)
    whole = spool.read_bytes()
    for size in range(end, len(whole), 7):
        spool.write_bytes(whole[:size])
        assert [one.id for one in file.read().events] == [event(1).id]
        file.add(event(3), event(3).occurred)
        assert [one.id for one in file.read().events] == [event(1).id, event(3).id]


def test_what_another_writer_left_is_looked_at(spool: Path) -> None:
    """After another has added, emptied, or died within a frame, nothing is overwritten."""
    one, other = (SpoolFile(spool, maximum_bytes=10_000) for _ in range(2))
    one.add(event(1), event(1).occurred)
    other.add(event(2), event(2).occurred)
    one.add(event(3), event(3).occurred)
    assert [found.id.int for found in one.read().events] == [2, 3, 4]
    assert other.empty(other.read().end)
    one.add(event(4), event(4).occurred)
    with spool.open("ab") as file:
        file.write(b"\x00\x00")
    one.add(event(5), event(5).occurred)
    assert [found.id.int for found in other.read().events] == [5, 6]


def test_a_file_that_is_no_spool(store: Full, spool: Path) -> None:
    """What was never spooled is refused by name, where its frames are well made."""
    from hashlib import sha256

    data = b"\x84\x03\x00\x00\x00"
    spool.write_bytes(len(data).to_bytes(4, "big") + sha256(data).digest() + data)
    with pytest.raises(SpoolError, match="not a frame of version 1"):
        logger(store, on_failure=Spool(spool))


def test_the_spool_is_for_its_owner_only(store: Full, spool: Path) -> None:
    """Personal data lies in it in the clear: mode 0600, whatever the umask."""
    before = os.umask(0)
    try:
        with logger(store, on_failure=Spool(spool)) as log:
            store.full = True
            attempt(log)
    finally:
        os.umask(before)
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600


_WRITER = """
import sys
from biotrail.audit.spool import SpoolFile
from tests.unit.audit._logs import event
file = SpoolFile(sys.argv[1], maximum_bytes=10_000_000)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 40):
    one = event(number)
    file.add(one, one.occurred)
"""


def test_processes_share_a_spool(spool: Path) -> None:
    """Every event of four processes is in it, whole."""
    command = [sys.executable, "-c", _WRITER, str(spool)]
    running = [subprocess.Popen([*command, str(40 * number)]) for number in range(4)]
    assert [one.wait(60) for one in running] == [0] * 4
    found = SpoolFile(spool, maximum_bytes=10_000_000).read().events
    assert sorted(one.id.int for one in found) == list(range(1, 161))


def test_start_and_stop_are_recorded_if_asked_for(store: Full) -> None:
    """Both bear the same eight bytes, which differ from opening to opening."""
    for _ in range(2):
        with logger(store, lifecycle=True) as log:
            attempt(log)
            log.close()
    assert kinds(store)[1:] == ["log_started", "event", "log_stopped"] * 2
    names = [one.content["writer"] for one in contents(store) if "writer" in one.content]
    assert names[0] == names[1] != names[2] == names[3]
    assert str(contents(store)[1].content["software"]).startswith("biotrail/")
    assert verified(store).events == 2

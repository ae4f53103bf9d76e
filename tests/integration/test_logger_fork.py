"""Forked processes: a log in a file goes on in parent and child, one in memory refuses."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from biotrail import AuditLogger
from biotrail.errors import ClosedError, ForkedProcessError
from biotrail.stores import SQLiteReader
from tests.faults._child import ForkedChild
from tests.unit.audit._committing import ended, running
from tests.unit.audit._logs import event, ids_in, opened, verified

pytestmark = pytest.mark.component("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "trail.db"


def test_child_and_parent_record_in_turns(path: Path) -> None:
    """A logger that was opened before the fork records in the child, and the parent goes on."""
    with opened(path) as log:
        log.record(event(1))
        assert ForkedChild(lambda: log.record(event(2)).index).said() == ["did", 2]
        assert log.record(event(3)).index == 3
        assert ForkedChild(lambda: log.record_many([event(4)])[0].index).said() == ["did", 4]
        assert log.record(event(5)).index == 5
    assert verified(path).events == 5


def test_what_a_child_recorded_outlives_its_parent(path: Path) -> None:
    """When the parent closes the log, what the child records afterwards is not lost."""
    go_reader, go = os.pipe()
    log = opened(path)
    log.record(event(1))

    def act() -> int:
        log.record(event(2))
        os.read(go_reader, 1)
        return log.record(event(3)).index

    child = ForkedChild(act)
    while len(ids_in(path)) < 2:
        time.sleep(0.002)
    log.close()
    os.write(go, b"x")
    assert child.said() == ["did", 3]
    with opened(path) as log:
        assert log.record(event(4)).index == 4
    assert verified(path).events == 4


def test_children_side_by_side(path: Path) -> None:
    """Four children and their parent record at once: nothing is lost, nothing is twice."""
    with opened(path) as log:

        def act(place: int) -> list[int]:
            return [log.record(event(place * 1_000 + number)).index for number in range(50)]

        children = [ForkedChild(lambda place=place: act(place)) for place in range(1, 5)]  # type: ignore[misc]
        own = act(0)
        said = [child.said() for child in children]
        assert [one[0] for one in said] == ["did"] * 4
        assert sorted([*own, *(index for one in said for index in one[1])]) == list(range(1, 251))
    assert verified(path).events == 250


def test_forked_while_threads_record(path: Path) -> None:
    """A fork in the midst of commits by other threads harms neither side."""
    with opened(path) as log:
        stop, counts = threading.Event(), [0] * 4

        def act(place: int) -> None:
            while not stop.is_set():
                log.record(event(place * 100_000 + counts[place]))
                counts[place] += 1

        threads = [running(lambda place=place: act(place)) for place in range(4)]  # type: ignore[misc]
        said = []
        for number in range(10):
            time.sleep(0.01)
            said.append(ForkedChild(lambda n=number: log.record(event(900_000 + n)).index).said())  # type: ignore[misc]
        stop.set()
        assert ended(threads)
        assert [one[0] for one in said] == ["did"] * 10
    assert verified(path).events == sum(counts) + 10


def test_every_door_works_in_a_child(path: Path) -> None:
    """Whatever a child does first with the logger, it begins anew there."""
    from tests.unit.audit._logs import KEY, signer

    second = signer(bytes([2]) * 32).verifier_key
    with opened(path) as log:
        log.record(event(1))
        assert ForkedChild(lambda: log.checkpoint().size).said() == ["did", 2]
        assert ForkedChild(lambda: log.prove(1).index).said() == ["did", 1]
        assert ForkedChild(lambda: log.admit_writer(second).index).said() == ["did", 2]
        assert ForkedChild(lambda: log.retire_key(second, "gone").index).said() == ["did", 3]
        third = signer(bytes([3]) * 32)
        assert ForkedChild(lambda: log.rotate_key(third).index).said() == ["did", 4]
    assert verified(path, KEY).size == 6


def test_a_child_that_closes_does_not_close_its_parents(path: Path) -> None:
    """Closing in a child, used there before or not, leaves the parent's logger open."""
    with opened(path) as log:

        def use_and_close() -> int:
            index = log.record(event(1)).index
            log.close()
            return index

        ForkedChild(log.close).said()
        assert ForkedChild(use_and_close).said() == ["did", 1]
        assert log.record(event(2)).index == 2
    assert verified(path).events == 2


def test_a_logger_closed_before_the_fork_stays_closed(path: Path) -> None:
    """A child does not bring a closed logger back to life."""
    log = opened(path)
    log.close()
    assert ForkedChild(lambda: log.record(event(1)).index).said()[0] == ClosedError.__name__


def test_a_child_opens_the_log_anew(path: Path) -> None:
    """Opening the log in the child, beside the parent's open logger, works as well."""
    with opened(path) as log:
        log.record(event(1))

        def act() -> int:
            with opened(path) as own:
                return own.record(event(2)).index

        assert ForkedChild(act).said() == ["did", 2]
        assert log.record(event(3)).index == 3
    assert verified(path).events == 3


def test_a_reading_under_way_in_the_forking_thread(path: Path) -> None:
    """A fork while the same thread reads from the log makes the child refuse, clearly."""
    with opened(path) as log:
        log.record_many([event(number) for number in range(10)])
        reader = SQLiteReader(path)
        rows = reader.entries(0, 11)
        next(rows)
        kind, message = ForkedChild(lambda: log.record(event(20)).index).said()
        assert kind == ForkedProcessError.__name__
        assert "fork" in message
        assert len(list(rows)) == 10
        assert ForkedChild(lambda: log.record(event(20)).index).said() == ["did", 11]
        reader.close()
        assert log.record(event(21)).index == 12
    assert verified(path).events == 12


def test_forked_in_the_midst_of_a_commit_by_the_same_thread(path: Path) -> None:
    """A fork from within a commit, as in a clock of the host's, makes the child refuse."""
    from datetime import UTC, datetime

    said: list[Any] = []
    made: list[AuditLogger] = []

    def clock() -> datetime:
        if made and not said:
            said.append(ForkedChild(lambda: opened(path).record(event(9)).index).said())
        return datetime.now(UTC)

    with opened(path, clock=clock) as log:
        made.append(log)
        assert log.record(event(1)).index == 1
        assert log.record(event(2)).index == 2
    assert said[0][0] == ForkedProcessError.__name__
    assert verified(path).events == 2


def test_a_log_in_memory_refuses_in_a_child() -> None:
    """What a child would record in memory nobody else could see: it is refused by name."""
    with opened(":memory:") as log:
        log.record(event(1))
        for _ in range(2):
            kind, message = ForkedChild(lambda: log.record(event(2)).index).said()
            assert kind == ForkedProcessError.__name__
            assert str(os.getpid()) in message
        assert log.record(event(2)).index == 2


_LOG: list[AuditLogger] = []


def _record(number: int) -> int:
    return _LOG[0].record(event(number)).index


@pytest.mark.skipif(sys.platform == "darwin", reason="fork is unsafe with the system's libraries")
def test_a_pool_of_forked_workers(path: Path) -> None:
    """``multiprocessing`` with fork may use a logger of its parent's."""
    with opened(path) as log:
        _LOG[:] = [log]
        log.record(event(0))
        with multiprocessing.get_context("fork").Pool(3) as pool:
            indices = pool.map(_record, range(1, 100))
        _LOG.clear()
        assert sorted(indices) == list(range(2, 101))
        assert log.record(event(500)).index == 101
    assert verified(path).events == 101

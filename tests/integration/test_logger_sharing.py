"""One logger shared by threads, tasks and event loops; one log shared by processes."""

from __future__ import annotations

import asyncio
import ctypes
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from biotrail import AuditLogger
from biotrail.errors import OverloadedError
from tests.unit.audit._committing import LIMIT, ended, running
from tests.unit.audit._logs import (
    KEY,
    ORIGIN,
    check_receipt,
    descriptors,
    event,
    ids_in,
    opened,
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


def _check(path: Path, receipts: list[Any], count: int) -> None:
    """Every event is in the log once, where its receipt says."""
    ids = ids_in(path)
    assert len(ids) == len(set(ids)) == len(receipts) == count
    assert {one.index: one.event_id for one in receipts} == dict(enumerate(ids, 1))
    assert verified(path).events == count


def test_two_hundred_tasks_at_once(log: AuditLogger, path: Path) -> None:
    """``asyncio.gather`` over 200 records gives 200 entries and true receipts."""

    async def main() -> list[Any]:
        return await asyncio.gather(*(log.arecord(event(number)) for number in range(200)))

    receipts = asyncio.run(main())
    assert [one.event_id for one in receipts] == [UUID(int=n + 1) for n in range(200)]
    for one in receipts[::50]:
        check_receipt(log, one)
    _check(path, receipts, 200)


def test_cancelled_tasks_harm_no_others(log: AuditLogger, path: Path) -> None:
    """Half of the waiting tasks are cancelled; the others get their receipts, the log is whole."""

    async def main() -> list[Any]:
        tasks = [asyncio.create_task(log.arecord(event(number))) for number in range(100)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LIMIT)

    got = asyncio.run(main())
    for number, one in enumerate(got):
        if number % 2:
            assert one.event_id == UUID(int=number + 1)
    again = [log.record(event(number)) for number in range(100, 110)]
    assert len({one.index for one in [*got[1::2], *again]}) == 60
    ids = ids_in(path)
    assert len(ids) == len(set(ids))
    verified(path)


def test_several_event_loops_share_a_logger(log: AuditLogger, path: Path) -> None:
    """Four threads, each with an event loop of its own, record through one logger."""
    receipts: list[Any] = []

    def loop(place: int) -> None:
        async def main() -> list[Any]:
            numbers = range(place * 1_000, place * 1_000 + 100)
            return await asyncio.gather(*(log.arecord(event(number)) for number in numbers))

        receipts.extend(asyncio.run(main()))

    assert ended([running(lambda place=place: loop(place)) for place in range(4)])  # type: ignore[misc]
    _check(path, receipts, 400)


def test_sixty_four_threads(log: AuditLogger, path: Path) -> None:
    """Threads that record at once each get the receipt of their own event."""
    receipts: list[Any] = []
    barrier = threading.Barrier(64)

    def act(place: int) -> None:
        barrier.wait()
        for number in range(place * 100, place * 100 + 8):
            receipt = log.record(event(number))
            assert receipt.event_id == UUID(int=number + 1)
            receipts.append(receipt)

    assert ended([running(lambda place=place: act(place)) for place in range(64)])  # type: ignore[misc]
    _check(path, receipts, 512)


def test_threads_and_tasks_together(log: AuditLogger, path: Path) -> None:
    """Threads, tasks, calls with many events, proofs and checkpoints go on beside each other."""
    receipts: list[Any] = []

    def thread(place: int) -> None:
        for number in range(place * 100, place * 100 + 20):
            receipts.append(log.record(event(number)))

    def many() -> None:
        receipts.extend(log.record_many([event(number) for number in range(5_000, 6_500)]))

    def loop() -> None:
        async def main() -> list[Any]:
            return await asyncio.gather(*(log.arecord(event(n)) for n in range(9_000, 9_100)))

        receipts.extend(asyncio.run(main()))

    def prover() -> None:
        for _ in range(20):
            size = log.checkpoint().size
            log.prove(size - 1)

    acts: list[Any] = [lambda place=place: thread(place) for place in range(16)]
    assert ended([running(act) for act in (*acts, many, loop, prover)])
    _check(path, receipts, 16 * 20 + 1_500 + 100)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_interrupted_thread_hangs_no_others(log: AuditLogger, path: Path) -> None:
    """KeyboardInterrupt raised over and over in some threads leaves the others served."""
    stop = threading.Event()
    receipts: list[Any] = []
    interrupted = [0]

    def victim() -> None:
        while not stop.is_set():
            try:
                while not stop.is_set():
                    log.record(event())
            except BaseException:
                interrupted[0] += 1

    def act(place: int) -> None:
        for number in range(place * 1_000, place * 1_000 + 100):
            receipts.append(_retried(log, number))

    victims = [running(victim) for _ in range(2)]
    others = [running(lambda place=place: act(place)) for place in range(4)]  # type: ignore[misc]
    while any(thread.is_alive() for thread in others):
        for place, thread in enumerate(victims):
            if not thread.is_alive():  # struck while it counted
                thread = victims[place] = running(victim)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
            )
        time.sleep(0.002)
    stop.set()
    assert ended([*others, *victims])
    assert interrupted[0] > 10
    assert len({one.index for one in receipts}) == 400
    assert {UUID(int=p * 1_000 + n + 1) for p in range(4) for n in range(100)} <= set(ids_in(path))
    verified(path)


def _retried(log: AuditLogger, number: int) -> Any:
    from biotrail.errors import NotRecordedError

    one = event(number)
    while True:
        try:
            return log.record(one)
        except NotRecordedError:
            continue  # its leader was interrupted: the outcome is unknown, and a retry settles it


def test_back_pressure_drops_nothing_silently(path: Path) -> None:
    """With a queue of 8 and little patience, each of 300 tasks is recorded or told it is not."""
    with opened(path, maximum_waiting=8, patience=0.02) as log:

        async def main() -> list[Any]:
            calls = (log.arecord(event(number)) for number in range(300))
            return await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), LIMIT)

        got = asyncio.run(main())
        told = [one for one in got if isinstance(one, OverloadedError)]
        recorded = [one for one in got if not isinstance(one, BaseException)]
        assert len(told) + len(recorded) == 300
        _check(path, recorded, len(recorded))


def test_threads_that_come_and_go_leave_nothing_open(log: AuditLogger, tmp_path: Path) -> None:
    """Connections of threads that have ended are closed."""
    for number in range(60):
        assert ended([running(lambda number=number: log.record(event(subject=f"new {number}")))])  # type: ignore[misc]
    assert len(os.listdir("/proc/self/fd")) < 60
    assert len(log._store._opened) < 10  # type: ignore[attr-defined]


def test_closing_leaves_nothing_open(path: Path) -> None:
    """After closing no file of the log is open, and no thread of the logger runs."""
    threads = threading.active_count()
    with opened(path) as log:
        asyncio.run(log.arecord(event(1)))
        assert ended([running(lambda: log.record(event(2)))])
        assert str(path) in descriptors()
    assert not [name for name in descriptors() if name.startswith(str(path))]
    assert threading.active_count() == threads


def test_closing_from_a_task_answers_all(path: Path) -> None:
    """``async with`` closes at its end, after all records under way are answered."""

    async def main() -> list[Any]:
        async with opened(path) as log:
            tasks = [asyncio.create_task(log.arecord(event(number))) for number in range(50)]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks)

    _check(path, asyncio.run(main()), 50)


_WRITER = """
import json, sys
from uuid import UUID
from biotrail.audit import open_log
from biotrail.signing import Ed25519Signer
from tests.unit.audit._logs import ORIGIN, event, opened
path, place, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with opened(path) as log:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        own = log.record(event(place * 100_000 + number))
        shared = log.record(event(900_000 + number, occurred=sys_when(number)))
        print(json.dumps([str(own.event_id), own.index, str(shared.event_id), shared.index]))
"""


def _start(path: Path, place: int, count: int) -> subprocess.Popen[str]:
    when = (
        "from datetime import UTC, datetime, timedelta\n"
        "def sys_when(n): return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", when + _WRITER, str(path), str(place), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_four_processes_on_one_log(path: Path) -> None:
    """Four processes that begin and write one log at once lose nothing and write nothing twice.

    Each records 100 events of its own, and the same 100 as the others.
    """
    count = 100
    processes = [_start(path, place, count) for place in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = []
    for process in processes:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        answers += [json.loads(line) for line in said.splitlines()]
    assert len(answers) == 4 * count
    ids = [str(one) for one in ids_in(path)]
    assert len(ids) == len(set(ids)) == 5 * count
    for own, own_index, shared, shared_index in answers:
        assert (ids[own_index - 1], ids[shared_index - 1]) == (own, shared)
    assert verified(path).size == 5 * count + 1


def _open_with_key_file(path: str, place: int, results: Any) -> None:
    from biotrail import open as open_trail

    with open_trail(path, origin=ORIGIN, passphrase="together") as log:
        results.put((place, log.record(event(place)).index, log.verifier_key))


def test_processes_that_begin_a_log_at_once(path: Path) -> None:
    """Processes that open a log which is not there yet agree on key files and one genesis."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [
        context.Process(target=_open_with_key_file, args=(str(path), place, results))
        for place in range(4)
    ]
    for process in processes:
        process.start()
    got = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert len({index for _, index, _ in got}) == 4
    (key,) = {key for _, _, key in got}
    assert key != KEY
    assert verified(path, key).events == 4

"""Targets 1.1 to 1.3: recording, beside plain inserts of the same rows in the same run."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import biotrail
from benchmarks.bare import BareLog, Row, rows
from benchmarks.event import twelve_fields
from benchmarks.harness import Options, Target, interleave, median_ratio, workspace

_CALLERS = 64
_WARM = 200


class _Sides:
    """biotrail and the floor, each with a file of its own and fresh events for every block."""

    def __init__(self, place: Path) -> None:
        self.log = biotrail.open(
            place / "log.db", origin="example.com/bench", passphrase="bench", vault=False
        )
        self.bare = BareLog(place / "bare.db")
        self._number = count()
        self._index = 0

    def events(self, size: int) -> list[biotrail.Event]:
        """Fresh events; making them is the caller's work and not timed (see the details)."""
        return [twelve_fields(next(self._number)) for _ in range(size)]

    def bare_rows(self, size: int) -> list[Row]:
        """The floor's rows, made beforehand."""
        made = rows(self.events(size), self._index)
        self._index += size
        return made

    def close(self) -> None:
        self.log.close()
        self.bare.close()


@contextmanager
def _sides() -> Iterator[_Sides]:
    with workspace() as place:
        sides = _Sides(place)
        sides.log.record_many(sides.events(1_000))  # everybody is known: no first-time look-ups
        sides.bare.many(sides.bare_rows(1_000))
        try:
            yield sides
        finally:
            sides.close()


def _bare_one_by_one(sides: _Sides, size: int) -> float:
    made = sides.bare_rows(size)
    began = time.perf_counter()
    for row in made:
        sides.bare.one(row)
    return size / (time.perf_counter() - began)


def one_caller(options: Options) -> list[Target]:
    """1.1: one caller, one record at a time."""
    size = options.pick(500, 100)
    with _sides() as sides:

        def ours() -> float:
            events = sides.events(size)
            began = time.perf_counter()
            for event in events:
                sides.log.record(event)
            return size / (time.perf_counter() - began)

        mine, bare = interleave(options.pick(21, 3), ours, lambda: _bare_one_by_one(sides, size))
        making = _making(sides)
    return [
        Target(
            "1.1",
            "one caller, one record at a time, signed",
            statistics.median(mine),
            "records/s",
            statistics.median(bare),
            median_ratio(mine, bare),
            0.55,
            details={"making an event, not timed above, us": making},
        )
    ]


def _making(sides: _Sides) -> float:
    began = time.perf_counter()
    sides.events(2_000)
    return round((time.perf_counter() - began) / 2_000 * 1e6, 1)


def many_callers(options: Options) -> list[Target]:
    """1.2: 64 waiting callers, as tasks and as threads."""
    each = options.pick(50, 5)
    waits: dict[str, list[float]] = {"tasks": [], "threads": []}
    with _sides() as sides:

        def tasks() -> float:
            return asyncio.run(_tasks(sides, each, waits["tasks"]))

        def threads() -> float:
            return _threads(sides, each, waits["threads"])

        by_task, by_thread, bare = interleave(
            options.pick(15, 2),
            tasks,
            threads,
            lambda: _bare_one_by_one(sides, options.pick(500, 50)),
        )
    return [
        *_callers_targets("1.2 tasks", "64 asyncio tasks", by_task, bare, waits["tasks"], 2.5),
        *_callers_targets("1.2 threads", "64 threads", by_thread, bare, waits["threads"], 1.3),
    ]


def _callers_targets(
    number: str,
    title: str,
    mine: list[float],
    bare: list[float],
    waits: list[float],
    goal: float,
) -> list[Target]:
    slowest = statistics.quantiles(waits, n=100)[98] * 1e3
    middle = round(statistics.median(waits) * 1e3, 2)
    rate, floor = statistics.median(mine), statistics.median(bare)
    ratio = median_ratio(mine, bare)
    return [
        Target(number, title, rate, "records/s", floor, ratio, goal),
        Target(
            f"{number} p99",
            f"{title}: 99th percentile of the wait",
            slowest,
            "ms",
            None,
            slowest,
            25.0,
            at_most=True,
            details={"median, ms": middle},
        ),
    ]


async def _tasks(sides: _Sides, each: int, waits: list[float]) -> float:
    async def caller(events: list[biotrail.Event]) -> None:
        for event in events:
            began = time.perf_counter()
            await sides.log.arecord(event)
            waits.append(time.perf_counter() - began)

    shares = [sides.events(each) for _ in range(_CALLERS)]
    began = time.perf_counter()
    await asyncio.gather(*(caller(share) for share in shares))
    return _CALLERS * each / (time.perf_counter() - began)


def _threads(sides: _Sides, each: int, waits: list[float]) -> float:
    gate = threading.Barrier(_CALLERS + 1)

    def caller(events: list[biotrail.Event]) -> None:
        gate.wait()
        mine = []
        for event in events:
            began = time.perf_counter()
            sides.log.record(event)
            mine.append(time.perf_counter() - began)
        waits.extend(mine)

    shares = [sides.events(each) for _ in range(_CALLERS)]
    all_threads = [threading.Thread(target=caller, args=(share,)) for share in shares]
    for one in all_threads:
        one.start()
    gate.wait()
    began = time.perf_counter()
    for one in all_threads:
        one.join()
    return _CALLERS * each / (time.perf_counter() - began)


def bulk(options: Options) -> list[Target]:
    """1.3: record_many of 1,000, beside executemany of 1,000 rows."""
    size, batches = 1_000, options.pick(5, 1)
    with _sides() as sides:

        def ours() -> float:
            blocks = [sides.events(size) for _ in range(batches)]
            began = time.perf_counter()
            for block in blocks:
                sides.log.record_many(block)
            return size * batches / (time.perf_counter() - began)

        def bare() -> float:
            blocks = [sides.bare_rows(size) for _ in range(batches)]
            began = time.perf_counter()
            for block in blocks:
                sides.bare.many(block)
            return size * batches / (time.perf_counter() - began)

        mine, floor = interleave(options.pick(21, 2), ours, bare)
    return [
        Target(
            "1.3",
            "record_many of 1,000",
            statistics.median(mine),
            "records/s",
            statistics.median(floor),
            median_ratio(mine, floor),
            0.25,
        )
    ]

"""Targets 3.1, 3.2 and 3.6: recording with personal data sealed, beside the same without."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import attrs

import biotrail
from benchmarks.bare import BareLog, Row, rows
from benchmarks.event import PEOPLE, twelve_fields
from benchmarks.harness import Options, Target, interleave, median_ratio, workspace
from biotrail.vault import MemoryKeyProvider, Vault

_CALLERS = 64


def event(number: int, *, everywhere: bool = False) -> biotrail.Event:
    """The event of part 1; each person has a device and an address, as most people do.

    Args:
        number: Which event.
        everywhere: Every event comes from an address and a device that were never seen before.
    """
    made = twelve_fields(number)
    place = number + 10_000_000 if everywhere else number % PEOPLE
    ip = f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"
    context = attrs.evolve(made.context, ip=ip, device_id=f"device-{place}")
    return attrs.evolve(made, context=context)


class _Sides:
    """A sealed log, one in the clear, and the floor."""

    def __init__(self, place: Path) -> None:
        def opened(name: str, vault: Vault | bool) -> biotrail.AuditLogger:
            return biotrail.open(
                place / name, origin="example.com/bench", passphrase="bench", vault=vault
            )

        self.sealed = opened("sealed.db", Vault(MemoryKeyProvider()))
        self.clear = opened("clear.db", False)
        self.bare = BareLog(place / "bare.db")
        self._number = count()
        self._index = 0

    def events(self, size: int) -> list[biotrail.Event]:
        """Fresh events; making them is the caller's work and not timed."""
        return [event(next(self._number)) for _ in range(size)]

    def bare_rows(self, size: int) -> list[Row]:
        """The floor's rows, made beforehand."""
        made = rows(self.events(size), self._index)
        self._index += size
        return made

    def close(self) -> None:
        """Close all three."""
        self.sealed.close()
        self.clear.close()
        self.bare.close()


@contextmanager
def _sides() -> Iterator[_Sides]:
    with workspace() as place:
        sides = _Sides(place)
        try:
            for log in (sides.sealed, sides.clear):
                log.record_many(sides.events(1_000))  # everybody is known
            sides.bare.many(sides.bare_rows(1_000))
            yield sides
        finally:
            sides.close()


def _one_by_one(log: biotrail.AuditLogger, events: list[biotrail.Event]) -> list[float]:
    """How long each record took, in microseconds."""
    times = []
    for one in events:
        began = time.perf_counter()
        log.record(one)
        times.append((time.perf_counter() - began) * 1e6)
    return times


def a_record(options: Options) -> list[Target]:
    """3.1: what sealing six personal fields adds to a record of one caller."""
    size = options.pick(500, 50)
    with _sides() as sides:

        def sealed() -> float:
            return statistics.median(_one_by_one(sides.sealed, sides.events(size)))

        def clear() -> float:
            return statistics.median(_one_by_one(sides.clear, sides.events(size)))

        with_, without = interleave(options.pick(15, 2), sealed, clear)
        preparing = _preparing(sides)
    added = statistics.median(a - b for a, b in zip(with_, without, strict=True))
    return [
        Target(
            "3.1",
            "sealing six personal fields adds to one caller's record",
            added,
            "us",
            None,
            added,
            20.0,
            at_most=True,
            details={
                "a sealed record, us": round(statistics.median(with_), 1),
                "a record in the clear, us": round(statistics.median(without), 1),
                **preparing,
            },
        )
    ]


def _preparing(sides: _Sides) -> dict[str, float | str]:
    """The part of it that a caller does by itself, beside other callers."""
    found: dict[str, float | str] = {}
    new_places = [event(number, everywhere=True) for number in range(2_000)]
    for name, log, events in (
        ("sealed", sides.sealed, sides.events(2_000)),
        ("sealed, from a new address and device each", sides.sealed, new_places),
        ("in the clear", sides.clear, sides.events(2_000)),
    ):
        prepare = log._preparer.prepare
        began = time.perf_counter()
        for one in events:
            prepare(one)
        found[f"preparing {name}, us"] = round((time.perf_counter() - began) / 2_000 * 1e6, 1)
    return found


def bulk(options: Options) -> list[Target]:
    """3.2: record_many sealed, beside record_many in the clear."""
    size, batches = 1_000, options.pick(5, 1)
    with _sides() as sides:

        def rate(log: biotrail.AuditLogger) -> float:
            blocks = [sides.events(size) for _ in range(batches)]
            began = time.perf_counter()
            for block in blocks:
                log.record_many(block)
            return size * batches / (time.perf_counter() - began)

        with_, without = interleave(
            options.pick(15, 2), lambda: rate(sides.sealed), lambda: rate(sides.clear)
        )
    return [
        Target(
            "3.2",
            "record_many of 1,000, sealed beside in the clear",
            statistics.median(with_),
            "records/s",
            statistics.median(without),
            median_ratio(with_, without),
            0.65,
        )
    ]


def beside_the_floor(options: Options) -> list[Target]:
    """3.6: one caller, and 64 tasks, beside plain inserts."""
    size, each = options.pick(500, 50), options.pick(50, 5)
    with _sides() as sides:

        def one() -> float:
            return size / (sum(_one_by_one(sides.sealed, sides.events(size))) / 1e6)

        def tasks() -> float:
            return asyncio.run(_tasks(sides, each))

        def floor() -> float:
            made = sides.bare_rows(size)
            began = time.perf_counter()
            for row in made:
                sides.bare.one(row)
            return size / (time.perf_counter() - began)

        alone, many, bare = interleave(options.pick(15, 2), one, tasks, floor)
    return [
        _beside("3.6 one", "one caller, sealed", alone, bare, 0.45),
        _beside("3.6 tasks", "64 asyncio tasks, sealed", many, bare, 2.0),
    ]


def _beside(number: str, title: str, ours: list[float], floor: list[float], goal: float) -> Target:
    rate, peer = statistics.median(ours), statistics.median(floor)
    return Target(number, title, rate, "records/s", peer, median_ratio(ours, floor), goal)


async def _tasks(sides: _Sides, each: int) -> float:
    async def caller(events: list[biotrail.Event]) -> None:
        for one in events:
            await sides.sealed.arecord(one)

    shares = [sides.events(each) for _ in range(_CALLERS)]
    began = time.perf_counter()
    await asyncio.gather(*(caller(share) for share in shares))
    return _CALLERS * each / (time.perf_counter() - began)

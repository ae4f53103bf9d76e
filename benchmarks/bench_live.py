"""Targets 4.5 and 4.6: what followers cost the writer, and how soon they have a record."""

from __future__ import annotations

import asyncio
import json
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from pathlib import Path

import biotrail
from benchmarks.event import twelve_fields
from benchmarks.harness import Options, Target, interleave, median_ratio, workspace
from benchmarks.live_worker import follow

_FOLLOWERS = 100
_FLOOR = "over without, for tasks that take from a plain list"
_REST = 0.022  # as followers rest where there are a hundred
_PAUSE = 0.013  # no multiple of the interval at which followers look

_Settle = Callable[[int], dict[int, float]]
"""Waits until all followers have got to a size; when the first of them had each record."""


class _Log:
    """A log in a file, whose writer is one caller."""

    def __init__(self, place: Path) -> None:
        self.path = place / "log.db"
        self.log = biotrail.open(
            self.path, origin="example.com/bench", passphrase="bench", vault=False
        )
        self._number = count()
        self.log.record_many(self.events(1_000))

    def events(self, size: int) -> list[biotrail.Event]:
        """Fresh events; making them is not timed."""
        return [twelve_fields(next(self._number)) for _ in range(size)]

    def rate(
        self, size: int, following: AbstractContextManager[_Settle | None], late: list[float]
    ) -> float:
        """Records a second, one at a time; how long followers take beyond that goes to `late`."""
        made = self.events(size)
        with following as settle:
            began = time.perf_counter()
            for event in made:
                self.log.record(event)
            taken = time.perf_counter() - began
            if settle is not None:
                ended = time.perf_counter()
                settle(self.log.checkpoint().checkpoint.size)
                late.append(time.perf_counter() - ended)
        return size / taken

    def delays(self, size: int, following: AbstractContextManager[_Settle]) -> list[float]:
        """Milliseconds from each acknowledgement until a follower had the record."""
        acknowledged = {}
        with following as settle:
            for event in self.events(size):
                index = self.log.record(event).index
                acknowledged[index] = time.monotonic()
                time.sleep(_PAUSE)
            came = settle(self.log.checkpoint().checkpoint.size)
        return [1_000 * (came[index] - at) for index, at in acknowledged.items()]

    @contextmanager
    def followed_elsewhere(self, followers: int) -> Iterator[_Settle]:
        """Followers in another process."""
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.live_worker"),
                *(str(self.path), self.log.verifier_key, str(followers)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            tell, told = worker.stdin, worker.stdout
            try:
                assert told.readline() == "ready\n"

                def settle(size: int) -> dict[int, float]:
                    print(size, file=tell, flush=True)
                    return dict(json.loads(told.readline()))

                yield settle
            finally:
                if worker.poll() is None:
                    worker.terminate()

    @contextmanager
    def followed_here(self, followers: int) -> Iterator[_Settle]:
        """Followers in this process, as tasks of a loop in another thread."""
        ready, sizes = threading.Event(), queue.SimpleQueue[int]()
        came: queue.SimpleQueue[dict[int, float]] = queue.SimpleQueue()

        def run() -> None:
            ended = lambda: asyncio.to_thread(sizes.get)  # noqa: E731
            came.put(asyncio.run(follow(self.log, followers, ready=ready.set, ended=ended)))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert ready.wait(60)

        def settle(size: int) -> dict[int, float]:
            sizes.put(size)
            return came.get(timeout=60)

        yield settle
        thread.join()

    @contextmanager
    def handed_on(self, tasks: int) -> Iterator[None]:
        """The least that so many takers can cost: a bare list, looked through by bare tasks.

        Nothing is verified and nothing is read again: each task takes notice of each record
        in one list, and notes when. Whoever hands records to so many in Python pays for this.
        """
        receipts: list[object] = []
        loop, ends = asyncio.new_event_loop(), False
        waiting: set[asyncio.Future[None]] = set()
        rings = False

        def ring() -> None:
            nonlocal rings
            rings = False
            for future in waiting:
                future.set_result(None)
            waiting.clear()

        async def take() -> None:
            position, came = 0, {}
            while not ends:
                while position < len(receipts):
                    position, came[position] = position + 1, time.monotonic()
                waiting.add(future := loop.create_future())
                await future

        async def run() -> None:
            await asyncio.gather(*(take() for _ in range(tasks)))

        record = self.log.record

        def record_and_hand_on(event: biotrail.Event) -> biotrail.Receipt:
            nonlocal rings
            receipts.append(receipt := record(event))
            if not rings:
                rings = True
                loop.call_soon_threadsafe(loop.call_later, _REST, ring)
            return receipt

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
        thread.start()
        self.log.record = record_and_hand_on  # type: ignore[method-assign]
        try:
            yield None
        finally:
            del self.log.record
            ends = True
            loop.call_soon_threadsafe(ring)
            thread.join()
            loop.close()


@contextmanager
def _opened() -> Iterator[_Log]:
    with workspace() as place:
        one = _Log(place)
        try:
            yield one
        finally:
            one.log.close()


def followed(options: Options) -> list[Target]:
    """4.5: the rate of a writer with a hundred followers, over that with none."""
    size, followers = options.pick(1_000, 50), options.pick(_FOLLOWERS, 5)
    late: dict[str, list[float]] = {"elsewhere": [], "here": []}
    with _opened() as one:
        alone, handed_on, elsewhere, here = interleave(
            options.pick(9, 1),
            lambda: one.rate(size, nullcontext(), []),
            lambda: one.rate(size, one.handed_on(followers), []),
            lambda: one.rate(size, one.followed_elsewhere(followers), late["elsewhere"]),
            lambda: one.rate(size, one.followed_here(followers), late["here"]),
        )
    floor = round(median_ratio(handed_on, alone), 3)
    return [
        Target(
            f"4.5 {name}",
            f"one caller, with {followers} followers in {where}, over without",
            statistics.median(rates),
            "records/s",
            statistics.median(alone),
            median_ratio(rates, alone),
            0.9,
            details={"followers finish later by, ms": _ms(late[which]), **more},
        )
        for name, which, where, rates, more in (
            ("other process", "elsewhere", "another process", elsewhere, {}),
            ("same process", "here", "the writer's process", here, {_FLOOR: floor}),
        )
    ]


def delayed(options: Options) -> list[Target]:
    """4.6: from the acknowledgement of a record until a follower has it."""
    size = options.pick(600, 20)
    with _opened() as one:
        by_place = {
            "same process": one.delays(size, one.followed_here(1)),
            "other process": one.delays(size, one.followed_elsewhere(1)),
        }
    return [
        Target(
            f"4.6 {name}",
            f"from acknowledgement to a follower in the {name}",
            statistics.median(delays),
            "ms",
            None,
            statistics.median(delays),
            50,
            at_most=True,
            details={
                "99th percentile, ms": round(
                    statistics.quantiles(delays, n=100, method="inclusive")[98], 2
                ),
                "longest, ms": round(max(delays), 2),
            },
        )
        for name, delays in by_place.items()
    ]


def _ms(seconds: list[float]) -> float:
    return round(1_000 * statistics.median(seconds), 1)

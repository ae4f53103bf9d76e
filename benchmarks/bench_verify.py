"""Target 1.4: verifying 1,000,000 entries; and 1.5: costs that do not grow with the log."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import biotrail
from benchmarks.event import twelve_fields
from benchmarks.harness import WORK, Options, Target, interleave, workspace
from biotrail.stores import SQLiteReader

_BATCH = 100


@cache
def _log(size: int) -> tuple[Path, str]:
    """A log of `size` entries, checkpoints covering 100; kept between runs, since it takes long."""
    WORK.mkdir(exist_ok=True)
    path = WORK / f"log-{size}.db"
    public = path.with_name(f"{path.name}.key.pub")
    if not path.exists() or not public.exists() or _size(path) < size:
        for old in WORK.glob(f"{path.name}*"):
            old.unlink()
        with biotrail.open(path, origin="example.com/bench", passphrase="bench") as log:
            for first in range(1, size, _BATCH):
                last = min(first + _BATCH, size)
                log.record_many([twelve_fields(i) for i in range(first, last)])
    return path, public.read_text().strip()


def _size(path: Path) -> int:
    reader = SQLiteReader(path)
    try:
        return reader.extent().head
    finally:
        reader.close()


_CHILD = """
import json, resource, sys, time
import biotrail
from biotrail.verify import verify_log
path, key, workers, strict, full = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
began = time.perf_counter()
found = verify_log(path, key, workers=workers, strict=bool(strict), every_signature=None,
                   payloads=bool(full), lookups=bool(full))
seconds = time.perf_counter() - began
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
helpers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([found.size, seconds, own / 1024, helpers / 1024,
                  found.signatures, found.checkpoints]))
"""


def _verify(
    path: Path, key: str, *, workers: int = 1, strict: bool = False, full: bool = False
) -> list[float]:
    """Verify in a process of its own: size, seconds, peak MB, peak MB of helpers, signatures."""
    import json

    arguments = [str(path), key, str(workers), str(int(strict)), str(int(full))]
    command = [sys.executable, "-c", _CHILD, *arguments]
    if workers == 1 and hasattr(os, "sched_setaffinity"):
        command = ["taskset", "-c", "0", *command] if _has_taskset() else command
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


@cache
def _has_taskset() -> bool:
    from shutil import which

    return which("taskset") is not None


def verifying(options: Options) -> list[Target]:
    """1.4: default, strict, two processes, memory."""
    size = options.pick(1_000_000, 20_000)
    path, key = _log(size)
    memory: list[float] = []
    counts: list[float] = []

    def rate(**how: object) -> float:
        found = _verify(path, key, **how)  # type: ignore[arg-type] # the options above
        memory.append(found[2] + found[3])
        counts[:] = found[4:6]
        return found[0] / found[1]

    rounds = options.pick(5, 1)
    one, two, strict = interleave(
        rounds, lambda: rate(), lambda: rate(workers=2), lambda: rate(strict=True)
    )
    full = rate(full=True, workers=2)
    what = f"verify {size:,} entries"
    details: dict[str, float | str] = {
        "signatures verified": counts[0],
        "checkpoints": counts[1],
        "payloads and look-up columns too, two cores, entries/s": round(full),
    }
    both = statistics.median(b / a for a, b in zip(one, two, strict=True))
    best = statistics.median(one)
    return [
        Target("1.4", f"{what}, one core", best, "entries/s", None, best, 350_000, details=details),
        Target(
            "1.4 strict",
            f"{what}, every entry decoded, one core",
            statistics.median(strict),
            "entries/s",
            None,
            statistics.median(strict),
            100_000,
        ),
        Target(
            "1.4 two cores",
            f"{what}: two cores over one",
            statistics.median(two),
            "entries/s",
            best,
            both,
            1.7,
        ),
        Target(
            "1.4 memory",
            f"{what}: peak memory, helpers included",
            max(memory),
            "MB",
            None,
            max(memory),
            200,
            at_most=True,
        ),
    ]


def growing(options: Options) -> list[Target]:
    """1.5: the rate at 1,000,000 beside that at 1,000; disk; an inclusion proof."""
    size = options.pick(1_000_000, 20_000)
    return [_rate_when_large(size, options), *_disk(options), _proof(size, options)]


def _copy(path: Path, place: Path) -> Path:
    import shutil

    for one in path.parent.glob(f"{path.name}*"):
        shutil.copy(one, place / one.name)
    return place / path.name


def _rate_when_large(size: int, options: Options) -> Target:
    block = options.pick(300, 50)
    with workspace() as place:
        path = _copy(_log(size)[0], place)
        small_path = place / "small.db"
        large = biotrail.open(path, origin="example.com/bench", passphrase="bench")
        small = biotrail.open(small_path, origin="example.com/bench", passphrase="bench")
        for first in range(0, 1_000, _BATCH):
            small.record_many([twelve_fields(i) for i in range(first, first + _BATCH)])
        large.record_many([twelve_fields(i) for i in range(1_000)])

        def rate(log: biotrail.AuditLogger) -> float:
            events = [twelve_fields(i) for i in range(block)]
            began = time.perf_counter()
            for event in events:
                log.record(event)
            return block / (time.perf_counter() - began)

        at_large, at_small = interleave(
            options.pick(15, 2), lambda: rate(large), lambda: rate(small)
        )
        large.close()
        small.close()
    ratio = statistics.median(a / b for a, b in zip(at_large, at_small, strict=True))
    return Target(
        "1.5 rate",
        f"rate at {size:,} entries over that at 1,000",
        statistics.median(at_large),
        "records/s",
        statistics.median(at_small),
        ratio,
        0.8,
    )


def _disk(options: Options) -> list[Target]:
    size = options.pick(20_000, 2_000)
    found = []
    for number, goal, batch in (("1.5 disk", 1.6, _BATCH), ("1.5 disk one by one", 2.2, 1)):
        with workspace() as place:
            path = place / "log.db"
            with biotrail.open(path, origin="example.com/bench", passphrase="bench") as log:
                for first in range(0, size, batch):
                    log.record_many([twelve_fields(i) for i in range(first, first + batch)])
            reader = SQLiteReader(path)
            own = sum(len(one.entry) for one in reader.entries(0, size + 1))
            own += sum(len(data) for _, data in reader.payloads(0, size + 1))
            reader.close()
            on_disk = path.stat().st_size
        found.append(
            Target(
                number,
                f"bytes on disk over entries' and payloads' own, batches of {batch}",
                on_disk / size,
                "bytes/record",
                own / size,
                on_disk / own,
                goal,
                at_most=True,
            )
        )
    return found


def _proof(size: int, options: Options) -> Target:
    with workspace() as place:
        path = _copy(_log(size)[0], place)
        with biotrail.open(path, origin="example.com/bench", passphrase="bench") as log:
            waits = []
            for index in range(0, size, max(1, size // options.pick(500, 50))):
                began = time.perf_counter()
                log.prove(index)
                waits.append(time.perf_counter() - began)
    middle = statistics.median(waits) * 1e3
    return Target(
        "1.5 proof",
        f"inclusion proof at {size:,} entries, from an open log",
        middle,
        "ms",
        None,
        middle,
        2.0,
        at_most=True,
        details={"p99, ms": round(statistics.quantiles(waits, n=100)[98] * 1e3, 2)},
    )

"""Target 4.9: what a record costs a detector with all rules; reported, without a goal."""

from __future__ import annotations

import statistics
import time
from itertools import count

import biotrail
from benchmarks.bench_sealing import event
from benchmarks.harness import Options, Target
from biotrail.detection import AfterHours, HeartbeatGap, Seen, default_rules
from biotrail.detection.memory import Watch
from biotrail.query import RecordReader
from biotrail.stores import MemoryStore


def watching(options: Options) -> list[Target]:
    """4.9: rules alone over records that are read and decoded, by microseconds a record."""
    size, number, store = options.pick(20_000, 500), count(), MemoryStore()
    signer = biotrail.Ed25519Signer.from_seed("example.com/bench", bytes(32))
    with biotrail.AuditLogger(store, signer) as log:
        log.record_many(event(next(number)) for _ in range(size))
        records = list(RecordReader(store).records(0, size))
    began = time.perf_counter()
    seen = [Seen.of_record(one) for one in records]
    decoding = (time.perf_counter() - began) / size * 1e6
    taken, found = [], 0
    for _ in range(options.pick(5, 1)):
        watch = Watch([*default_rules(), HeartbeatGap(), AfterHours(zone="Europe/Zurich")])
        began = time.perf_counter()
        found = sum(len(watch.see(one)) for one in seen)
        taken.append((time.perf_counter() - began) / size * 1e6)
    each = statistics.median(taken)
    told: dict[str, float | str] = {"decoding, us": round(decoding, 1), "findings": found}
    return [
        Target(
            "4.9",
            "seven rules cost a record",
            each,
            "us",
            None,
            each,
            1e9,
            at_most=True,
            details=told,
        )
    ]

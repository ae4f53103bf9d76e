"""Target 4.8: what attempt limits add to a record."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from itertools import count

import biotrail
from benchmarks.bench_sealing import event
from benchmarks.harness import Options, Target, interleave, workspace

_WIDE = biotrail.Limit(failures=10_000, lock=timedelta(minutes=1), window=timedelta(hours=1))
_EVERY_SCOPE = biotrail.LimitPolicy(
    name="every scope", subject=biotrail.NIST_SP_800_63B_4.subject, device=_WIDE, ip=_WIDE
)


def adding(options: Options) -> list[Target]:
    """4.8: record_many in a sealed log with limits, beside the same without."""
    size, number = 1_000, count()
    with workspace() as place:
        logs = [
            biotrail.open(
                place / f"{name}.db", origin="example.com/bench", passphrase="bench", limits=limits
            )
            for name, limits in (
                ("off", None),
                ("subject", biotrail.NIST_SP_800_63B_4),
                ("every", _EVERY_SCOPE),
            )
        ]

        def each(log: biotrail.AuditLogger) -> float:
            """Microseconds a record."""
            made = [event(next(number)) for _ in range(size)]
            began = time.perf_counter()
            log.record_many(made)
            return (time.perf_counter() - began) / size * 1e6

        try:
            for log in logs:
                each(log)
            off, subject, every = interleave(
                options.pick(15, 2), *[lambda log=log: each(log) for log in logs]
            )
        finally:
            for log in logs:
                log.close()
    added = statistics.median(b - a for a, b in zip(off, every, strict=True))
    told: dict[str, float | str] = {
        "without limits, us": round(statistics.median(off), 1),
        "persons alone, us": round(statistics.median(subject), 1),
    }
    return [
        Target(
            "4.8",
            "limits of person, device and address add to a record",
            added,
            "us",
            None,
            added,
            50.0,
            at_most=True,
            details=told,
        )
    ]

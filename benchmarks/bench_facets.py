"""Target 4.2: how many answers have each value, beside GROUP BY in a plain table."""

from __future__ import annotations

import statistics
import time
from functools import partial

from benchmarks.harness import Options, Target, interleave
from benchmarks.query_log import Asked, opened

_COLUMNS = ("action", "outcome", "decision", "modality", "reason", "matcher")
_FACETS: dict[str, tuple[str | None, str, tuple[str, ...]]] = {
    "all": (None, "1", _COLUMNS),
    "failures": (
        "outcome = failure and modality = face",
        "outcome = 'failure' AND modality = 'face'",
        _COLUMNS,
    ),
    "200 values": (None, "1", ("target",)),
    "a person": ("subject = person-7", "subject = 'person-7'", _COLUMNS),
    "a device": ("device = reader-7", "device = 'reader-7'", _COLUMNS),
    "a network": ("ip in 10.3.7.0/24", "ip BETWEEN 167970560 AND 167970815", _COLUMNS),
    "by device": (None, "1", ("device",)),
    "failures by device": ("outcome = failure", "outcome = 'failure'", ("device",)),
}


def facets(options: Options) -> list[Target]:
    """4.2: how many answers have each value, beside GROUP BY in the plain table."""
    count, rounds = options.pick(1_000_000, 5_000), options.pick(9, 1)
    with opened(count) as asked:
        asked.log.checkpoint()
        return [
            *(_facets(asked, name, rounds) for name in _FACETS),
            _sealed_facet(asked, options.pick(10_000, 500)),
        ]


def _facets(asked: Asked, name: str, rounds: int) -> Target:
    text, sql, by = _FACETS[name]

    def ours() -> float:
        began = time.perf_counter()
        asked.log.facets(text, by=by)
        return time.perf_counter() - began

    def bare() -> float:
        began = time.perf_counter()
        for one in by:
            query = f"SELECT {one}, count(*) FROM records WHERE {sql} GROUP BY {one}"
            asked.bare.execute(query).fetchall()
        return time.perf_counter() - began

    ours(), bare()
    times, plains = interleave(rounds, ours, bare)
    middle = 1_000 * statistics.median(times)
    return Target(
        f"4.2 {name}",
        f"facets: {'every record' if text is None else text}, by {len(by)} fields",
        middle,
        "ms",
        1_000 * statistics.median(plains),
        middle,
        150,
        at_most=True,
        details={"slowest, ms": round(1_000 * max(times), 1)},
    )


def _sealed_facet(asked: Asked, answers: int) -> Target:
    """By a field that is sealed, which no column holds: each answer is opened."""
    stop = asked.log.checkpoint().size
    ask = partial(asked.log.facets, f"index >= {stop - answers}", by=("country",))
    ask()
    times = []
    for _ in range(3):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    middle = 1_000 * statistics.median(times)
    return Target(
        "4.2 sealed",
        f"facets of {answers:,} answers by country, which is sealed and in no column",
        middle,
        "ms",
        None,
        middle,
        150,
        at_most=True,
        details={"a record, us": round(1_000 * middle / answers, 1)},
    )

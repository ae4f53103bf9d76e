"""Ten thousand followers of one log that never read: the writer's rate, and what each one holds.

Run it by itself: ``python -m benchmarks.bench_slow_followers``, with ``--quick`` for a small crowd.
It prints figures and holds them against no target.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

from benchmarks.bench_live import _Log, _opened
from benchmarks.harness import Options, interleave, median_ratio

__all__ = ["main"]


@contextmanager
def _crowd(one: _Log, count: int) -> Iterator[None]:
    """So many followers that do not read."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(one.log.follow())
        yield None


def _bytes_each(one: _Log, count: int) -> float:
    """What Python holds for each, by tracemalloc; after as many records as a round has."""
    made = one.events(100)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with _crowd(one, count):
            for event in made:
                one.log.record(event)
            return (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()


def main() -> None:
    """Measure and print."""
    options = Options(quick="--quick" in sys.argv[1:])
    count, size = options.pick(10_000, 500), options.pick(500, 50)
    with _opened() as one:
        alone, beside = interleave(
            options.pick(5, 1),
            lambda: one.rate(size, nullcontext(), []),
            lambda: one.rate(size, _crowd(one, count), []),
        )
        each = _bytes_each(one, count)
    print(f"{count:,} followers that never read, in the writer's process")
    print(f"the writer's rate over that with none: {median_ratio(beside, alone):.3f}")
    print(f"memory: {each:,.0f} bytes a follower")


if __name__ == "__main__":
    main()

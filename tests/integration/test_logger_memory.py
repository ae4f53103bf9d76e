"""A logger that runs for long does not grow."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from pathlib import Path

from tests.unit.audit._logs import descriptors, event, opened

RECORDS = 20_000
WARM = 3_000
BOUND = 3 * 2**20


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Over 20,000 records, one by one and many at once, the logger's memory grows by under 3 MB."""
    path = tmp_path / "trail.db"
    threads = threading.active_count()
    with opened(path) as log:
        log.record_many([event(number) for number in range(WARM)])
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for start in range(WARM, WARM + RECORDS, 500):
            log.record_many([event(number) for number in range(start, start + 490)])
            for number in range(start + 490, start + 500):
                log.record(event(number))
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert log.checkpoint().size == WARM + RECORDS + 1
    assert grown < BOUND
    assert threading.active_count() == threads
    assert not [name for name in descriptors() if name.startswith(str(path))]

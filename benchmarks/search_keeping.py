"""2.4: what a gallery costs in memory, and what adding, removing and searching cost each other."""

from __future__ import annotations

import ctypes
import gc
import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Target, workspace
from benchmarks.search_data import DIMENSION, THRESHOLD, blocks, features, matcher
from biotrail.matchers.gallery import Gallery


def _own_memory() -> int:
    """Bytes of memory that are this process's own, not the page cache's."""
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back to the system
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


def _filled(size: int) -> Gallery:
    gallery = Gallery(matcher().card)
    for rows, _ in blocks(size):
        gallery.add_many(features(gallery.card.digest, rows))
    return gallery


def keeping(options: Options) -> list[Target]:
    """2.4: memory, additions, removals, pauses."""
    _filled(100)  # what is loaded once
    size = options.pick(1_000_000, 20_000)
    before = _own_memory()
    gallery = _filled(size)
    in_memory = (_own_memory() - before) / size
    with workspace() as place:
        gallery.save(place / "gallery")
        gallery = _filled(options.pick(100_000, 20_000))
        targets = [
            Target(
                "2.4 memory",
                f"memory over the float32 rows, {size:,} references",
                in_memory,
                "bytes a reference",
                4.0 * DIMENSION,
                in_memory / (4 * DIMENSION),
                1.3,
                at_most=True,
            ),
            *_changes(gallery, options),
            _pauses(gallery, options),
        ]
        del gallery
        targets.insert(1, _mapped(place / "gallery", size))
    return targets


def _mapped(path: Path, size: int) -> Target:
    card = matcher().card
    before = _own_memory()
    gallery = Gallery.load(path, card, memory_mapped=True)
    probe = features(card.digest, next(iter(blocks(100)))[0])[0]
    gallery.identify(probe, threshold=THRESHOLD)
    each = (_own_memory() - before) / size
    return Target(
        "2.4 mapped",
        f"memory with the rows left on disk, {size:,} references",
        each,
        "bytes a reference",
        None,
        each,
        300.0,
        at_most=True,
    )


def _changes(gallery: Gallery, options: Options) -> list[Target]:
    some = features(gallery.card.digest, next(iter(blocks(2_000, seed=3)))[0])
    adding, removing = [], []
    for _ in range(options.pick(5, 1)):
        ids = []
        for one in some:
            began = time.perf_counter()
            ids.append(gallery.add(one))
            adding.append(time.perf_counter() - began)
        for name in ids:
            began = time.perf_counter()
            gallery.remove(name)
            removing.append(time.perf_counter() - began)
    return [_change("add", adding, len(gallery)), _change("remove", removing, len(gallery))]


def _change(what: str, seconds: list[float], size: int) -> Target:
    median = statistics.median(seconds) * 1e6
    return Target(
        f"2.4 {what}",
        f"{what} one reference at {size:,}",
        median,
        "us",
        None,
        median,
        15.0,
        at_most=True,
        details={"p99, us": round(statistics.quantiles(seconds, n=100)[98] * 1e6, 1)},
    )


def _pauses(gallery: Gallery, options: Options) -> Target:
    """The longest that a search waits for a gallery that others change, at its beginning and end.

    The interpreter hands over between threads every half millisecond here: with its usual five, a
    wait would show the interpreter and not the gallery.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # two threads on one core only queue
    some = features(gallery.card.digest, next(iter(blocks(1_000, seed=4)))[0])
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    stop = threading.Event()
    changes = 0

    def change() -> None:
        nonlocal changes
        while not stop.is_set():
            ids = [gallery.add(one) for one in some]
            ids += gallery.add_many(some)
            for name in ids:
                gallery.remove(name)
            changes += 4 * len(some)

    changing = threading.Thread(target=change)
    changing.start()
    waits: list[float] = []
    searches = 0
    until = time.perf_counter() + options.pick(8, 1)
    while time.perf_counter() < until:
        waits.append(_wait(gallery))
        gallery.identify(some[searches % len(some)], threshold=THRESHOLD)
        searches += 1
    stop.set()
    changing.join()
    sys.setswitchinterval(usual)
    longest = max(waits) * 1e3
    return Target(
        "2.4 pause",
        "longest wait of a search for the gallery, while another thread adds and removes",
        longest,
        "ms",
        None,
        longest,
        5.0,
        at_most=True,
        details={"searches": searches, "changes meanwhile": changes},
    )


def _wait(gallery: Gallery) -> float:
    """How long it takes to begin and end a search that looks at nothing."""
    table: Any = gallery._table
    began = time.perf_counter()
    with table.look(table.kernels[-1]):
        pass
    return time.perf_counter() - began

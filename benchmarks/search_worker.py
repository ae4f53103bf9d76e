"""What `benchmarks.bench_search` runs in a process of its own; prints targets as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from benchmarks import search_fuzz, search_keeping, search_speed
from benchmarks.harness import Options

WORK = {
    "2.1": search_speed.one_probe,
    "2.2": search_speed.batches,
    "2.3": search_speed.numpy_alone,
    "2.4": search_keeping.keeping,
    "2.6": search_fuzz.fuzz,
    "2.7": search_speed.shares,
}


def main() -> None:
    """Pin this process to one core, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("number", choices=WORK)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    targets = WORK[asked.number](Options(quick=asked.quick))
    json.dump([asdict(one) for one in targets], sys.stdout)
    print()


if __name__ == "__main__":
    main()

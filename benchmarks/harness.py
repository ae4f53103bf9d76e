"""Interleaved rounds, medians, and one table of targets."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
WORK = Path(__file__).parent / ".work"


@dataclass(frozen=True)
class Target:
    """One numbered target and what was measured.

    Attributes:
        number: Its number, such as ``"1.1"`` or ``"1.2 tasks"``.
        title: What is measured.
        value: The measured value, in `unit`.
        unit: Unit of value and peer.
        peer: The floor or peer in the same run, or None.
        ratio: What is held against `goal`.
        goal: The target.
        at_most: Whether the target is an upper bound.
        details: Further figures.
    """

    number: str
    title: str
    value: float
    unit: str
    peer: float | None
    ratio: float
    goal: float
    at_most: bool = False
    details: dict[str, float | str] = field(default_factory=dict)

    @property
    def room(self) -> float:
        """How far from failing: 1 is exactly on target, less is missed."""
        return self.goal / self.ratio if self.at_most else self.ratio / self.goal

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes:
        quick: Small sizes and no verdict, to see that everything runs.
    """

    quick: bool = False

    def pick(self, full: int, quick: int) -> int:
        """The full size, or the quick one."""
        return quick if self.quick else full


@contextmanager
def workspace() -> Iterator[Path]:
    """An empty folder on the disk that the repository is on (a RAM disk would flatter syncs)."""
    WORK.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=WORK))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def interleave(rounds: int, *acts: Callable[[], float]) -> list[list[float]]:
    """Run the acts in turn, round by round, so that a slow minute hits all of them.

    Each act returns the rate that it reached. The order alternates from round to round.
    """
    rates: list[list[float]] = [[] for _ in acts]
    for number in range(rounds):
        order = list(range(len(acts)))
        for which in order if number % 2 == 0 else reversed(order):
            rates[which].append(acts[which]())
    return rates


def median_ratio(ours: list[float], peers: list[float]) -> float:
    """Median of the ratios, round by round: both sides of a ratio saw the same minute."""
    return statistics.median(a / b for a, b in zip(ours, peers, strict=True))


def machine() -> dict[str, str | int | None]:
    """What ran this."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().split("\n") if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def write(targets: list[Target], options: Options) -> Path:
    """Write the results: a map from a target's number to what was measured.

    A number with several parts (as ``"1.2 tasks"`` and ``"1.2 threads"``) has the figures of the
    part with the least room, is met if all are, and lists them under ``parts``. Numbers that were
    not run this time keep what was measured before.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("quick.json" if options.quick else "latest.json")
    rows = json.loads(path.read_text()) if path.exists() and not options.quick else {}
    by_number: dict[str, list[Target]] = {}
    for one in targets:
        by_number.setdefault(one.number.partition(" ")[0], []).append(one)
    for number, parts in by_number.items():
        tightest = min(parts, key=lambda one: one.room)
        row = _row(tightest, options)
        if not options.quick:
            row["met"] = all(one.met for one in parts)
        if len(parts) > 1:
            row["parts"] = {one.number: _row(one, options) for one in parts}
        row["machine"] = machine()
        rows[number] = row
    path.write_text(json.dumps(dict(sorted(rows.items())), indent=2) + "\n")
    return path


def _row(one: Target, options: Options) -> dict[str, Any]:
    row = asdict(one)
    row["target"] = f"{'<=' if one.at_most else '>='} {one.goal:g}"
    row["met"] = None if options.quick else one.met
    for name in ("goal", "at_most", "number"):
        del row[name]
    return row

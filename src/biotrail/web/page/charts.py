"""Charts as plain shapes: where bars stand and how high, for a template to draw as SVG.

Lengths are in user units of the drawing. Every chart has a table with the same numbers beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from biotrail.query import TimeBucket

__all__ = ["Bar", "Bars", "Histogram", "histogram", "timeline_bars"]

WIDTH = 960
HEIGHT = 220
_GAP = 0.15
_MOST_TICKS = 6
_BINS = 40
_TINY = 1e-9  # what a quotient that is whole may lack


@attrs.frozen
class Bar:
    """One rectangle.

    Attributes:
        x, y, width, height: Where it stands.
        kind: What it counts, e.g. ``"success"``.
        count: How many.
        label: What it stands for, in words.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    count: int
    label: str


@attrs.frozen
class Bars:
    """Bars over time, one stack for each stretch.

    Attributes:
        bars: The rectangles, from left to right, in a stack from below.
        kinds: What is counted, the most frequent first, with totals.
        ticks: Positions and words along the axis.
        most: The highest stack's count.
        rows: The same as a table: start, total and count of each kind.
    """

    bars: tuple[Bar, ...]
    kinds: tuple[tuple[str, int], ...]
    ticks: tuple[tuple[float, str], ...]
    most: int
    rows: tuple[tuple[str, int, tuple[int, ...]], ...]

    def of(self, kind: str) -> tuple[Bar, ...]:
        """The bars of one kind."""
        return tuple(one for one in self.bars if one.kind == kind)


def timeline_bars(
    buckets: Sequence[TimeBucket],
    *,
    since: datetime,
    until: datetime,
    step: timedelta,
    stacked: bool = True,
    height: float = HEIGHT,
    order: Sequence[str] = (),
) -> Bars:
    """Bars for stretches of time.

    Args:
        buckets: The stretches that have answers.
        since: Where the axis begins.
        until: Where it ends.
        step: How long a stretch is.
        stacked: Whether kinds stand on each other; otherwise each stands on the axis.
        height: Height of the highest.
        order: Kinds in the order in which they are stacked, as far as they occur.
    """
    totals: dict[str, int] = {}
    for bucket in buckets:
        for kind, count in bucket.by.items():
            totals[kind] = totals.get(kind, 0) + count
    kinds = sorted(totals, key=lambda kind: (_place(kind, order), -totals[kind], kind))
    span = max((until - since) / step, 1.0)
    wide = WIDTH / span
    each = [sum(one.by.values()) if stacked else max(one.by.values(), default=0) for one in buckets]
    most = max(each, default=0)
    bars: list[Bar] = []
    for bucket in buckets:
        x = (bucket.start - since) / step * wide
        floor = height
        for kind in kinds:
            if count := bucket.by.get(kind, 0):
                tall = height * count / most
                top = floor - tall if stacked else height - tall
                label = f"{_moment(bucket.start, step)}: {count:,} {kind}"
                bars.append(
                    Bar(x + wide * _GAP / 2, top, wide * (1 - _GAP), tall, kind, count, label)
                )
                floor = top if stacked else floor
    rows = tuple(
        (_moment(one.start, step), one.count, tuple(one.by.get(kind, 0) for kind in kinds))
        for one in buckets
    )
    counted = tuple((kind, totals[kind]) for kind in kinds)
    return Bars(tuple(bars), counted, _ticks(since, until, step), most, rows)


def _place(kind: str, order: Sequence[str]) -> int:
    return order.index(kind) if kind in order else len(order)


def _ticks(since: datetime, until: datetime, step: timedelta) -> tuple[tuple[float, str], ...]:
    stretches = max(round((until - since) / step), 1)
    every = max(-(-stretches // _MOST_TICKS), 1)
    return tuple(
        (number / stretches * WIDTH, _moment(since + number * step, step))
        for number in range(0, stretches, every)
    )


def _moment(moment: datetime, step: timedelta) -> str:
    return moment.strftime("%Y-%m-%d" if step >= timedelta(days=1) else "%m-%d %H:%M")


@attrs.frozen
class Histogram:
    """How often which scores occur, against the thresholds that they were held to.

    Attributes:
        bars: The rectangles; kind ``"match"`` or ``"non_match"`` or another decision.
        thresholds: Positions and values of the thresholds, in words.
        ticks: Positions and words along the axis.
        rows: The same as a table: from, to, and the count of each decision.
        kinds: Decisions, with totals.
        most: The highest stack's count.
    """

    bars: tuple[Bar, ...]
    thresholds: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[tuple[str, str, tuple[int, ...]], ...]
    kinds: tuple[tuple[str, int], ...]
    most: int


_DECISIONS = ("non_match", "undetermined", "match")


def histogram(comparisons: Sequence[tuple[float, str]], thresholds: Sequence[float]) -> Histogram:
    """Bars for scores.

    Args:
        comparisons: Score and decision of each comparison.
        thresholds: Thresholds that they were held to, each once.
    """
    low, high, number = _span([score for score, _ in comparisons], thresholds)
    size = (high - low) / number
    bins: list[dict[str, int]] = [{} for _ in range(number)]
    for score, decision in comparisons:
        place = bins[min(int((score - low) / size + _TINY), number - 1)]
        place[decision] = place.get(decision, 0) + 1
    kinds = _by_order(bins)
    most = max((sum(one.values()) for one in bins), default=0)
    rows = tuple(
        (
            f"{low + at * size:.3f}",
            f"{low + (at + 1) * size:.3f}",
            tuple(one.get(k, 0) for k in kinds),
        )
        for at, one in enumerate(bins)
        if one
    )
    lines = tuple(((one - low) / (high - low) * WIDTH, f"{one:g}") for one in sorted(thresholds))
    ticks = tuple((at / 4 * WIDTH, f"{low + at / 4 * (high - low):.2f}") for at in range(5))
    totals = tuple((kind, sum(one.get(kind, 0) for one in bins)) for kind in kinds)
    return Histogram(_stacks(bins, kinds, most, low, size), lines, ticks, rows, totals, most)


def _span(scores: Sequence[float], thresholds: Sequence[float]) -> tuple[float, float, int]:
    """Where the axis begins and ends, and how many bins it has; one begins at the threshold.

    So a score that reaches the threshold stands on its right, as it was decided.
    """
    values = [*scores, *thresholds]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = (high - low) * 0.02 or 0.5
    low, high = low - margin, high + margin
    if not thresholds:
        return low, high, _BINS
    size = (high - low) / _BINS
    below = math.ceil((min(thresholds) - low) / size)
    above = math.ceil((high - min(thresholds)) / size)
    return min(thresholds) - below * size, min(thresholds) + above * size, below + above


def _by_order(bins: Sequence[Mapping[str, Any]]) -> list[str]:
    found = {kind for one in bins for kind in one}
    return sorted(found, key=lambda kind: (_place(kind, _DECISIONS), kind))


def _stacks(
    bins: Sequence[Mapping[str, int]], kinds: Sequence[str], most: int, low: float, size: float
) -> tuple[Bar, ...]:
    wide = WIDTH / len(bins)
    bars: list[Bar] = []
    for at, one in enumerate(bins):
        floor = float(HEIGHT)
        for kind in kinds:
            if count := one.get(kind, 0):
                tall = HEIGHT * count / most
                floor -= tall
                label = f"{low + at * size:.3f} to {low + (at + 1) * size:.3f}: {count:,} {kind}"
                x = at * wide + wide * _GAP / 2
                bars.append(Bar(x, floor, wide * (1 - _GAP), tall, kind, count, label))
    return tuple(bars)

"""The end of a search with many probes: the pairs of rows and probes that are left, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from biotrail.matchers.search.finish import Found, float_bounds, reaches, score
from biotrail.matchers.search.pool import kth_keys
from biotrail.matchers.search.scores import lengths_of, scores_of_pairs

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.kernels import Rows, Units
    from biotrail.matchers.search.probe import Probe
    from biotrail.matchers.search.view import View

    Slots = NDArray[numpy.int64]

__all__ = ["score_many"]

_TOGETHER = 4_096
"""Pairs that are worked on together; a probe with more of them is on its own."""
_SPARED = 6
"""Rows beyond the best k, on average, that are scored as fast as they are looked at in float32."""


def score_many(
    view: View,
    probes: Sequence[Probe],
    left: Sequence[Slots],
    threshold: float | None,
    top: int | None,
) -> list[Found]:
    """Score what is left for each probe, as `biotrail.matchers.search.finish.score` does for one.

    Args:
        view: The rows.
        probes: None too short to be scanned.
        left: The slots of each probe.
        threshold: Keep only rows that reach it; None for all.
        top: Keep only rows that may be among the best so many references; None for all.
    """
    found: list[Found] = []
    for some in _together([slots.size for slots in left]):
        if some.stop - some.start == 1:
            found.append(score(view, probes[some.start], left[some.start], threshold, top))
        else:
            found += _scored(view, probes[some], left[some], threshold, top)
    return found


def _together(sizes: Sequence[int]) -> Iterator[slice]:
    """Stretches of probes that have not too many pairs together."""
    first, pairs = 0, 0
    for number, size in enumerate(sizes):
        if pairs + size > _TOGETHER and number > first:
            yield slice(first, number)
            first, pairs = number, 0
        pairs += size
    yield slice(first, len(sizes))


def _scored(
    view: View,
    probes: Sequence[Probe],
    left: Sequence[Slots],
    threshold: float | None,
    top: int | None,
) -> list[Found]:
    import numpy

    slots = numpy.concatenate(left)
    which = numpy.repeat(numpy.arange(len(left)), [one.size for one in left])
    rows = view.take_unordered(slots)
    if top is not None and slots.size > (top + _SPARED) * len(left):
        keep = _nearly_best(view, probes, slots, which, rows, top).nonzero()[0]
        slots, which, rows = slots[keep], which[keep], rows.take(keep, 0)
    vectors = numpy.array([probe.vector for probe in probes])
    own = lengths_of(vectors) if view.metric == "cosine" else None
    scores = scores_of_pairs(view.metric, rows, vectors, which, own)
    if threshold is not None:
        good = reaches(scores, threshold, higher_is_better=view.metric != "euclidean").nonzero()[0]
        slots, which, scores = slots[good], which[good], scores[good]
    ends = which.searchsorted(numpy.arange(len(left) + 1)).tolist()
    return [Found(slots[first:end], scores[first:end]) for first, end in pairwise(ends)]


def _nearly_best(
    view: View, probes: Sequence[Probe], slots: Slots, which: Slots, rows: Rows, top: int
) -> NDArray[numpy.bool_]:
    """Which rows may be among the best k references of their probe, by float32 products."""
    import numpy

    units: Units = numpy.array([probe.unit for probe in probes])
    ends = which.searchsorted(numpy.arange(len(probes) + 1)).tolist()
    products = numpy.empty(slots.size, numpy.float32)
    for unit, (first, end) in zip(units.astype(numpy.float32), pairwise(ends), strict=True):
        numpy.matmul(rows[first:end], unit, out=products[first:end])
    lengths = numpy.array([probe.length for probe in probes])[which]
    upper, lower = float_bounds(view, lengths, products, view.lengths(slots))
    people = view.keys(slots) if view.several else None
    best = kth_keys(which, lower, people, probes=len(probes), top=top)
    keep: NDArray[numpy.bool_] = upper >= best[which]
    return keep

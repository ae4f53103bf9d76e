"""The end of a search: exact scores for the rows that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.pool import Pool
from biotrail.matchers.search.scores import defined_scores, nearly_best

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector
    from biotrail.matchers.search.probe import Probe
    from biotrail.matchers.search.view import View

__all__ = ["Found", "every_slot", "reaches", "score"]

_MOST_NARROWED = 8_192
"""Rows up to which a first look in float64 costs less memory than it saves time."""


@attrs.frozen(eq=False)
class Found:
    """What a search leaves for one probe: slots of rows, and their scores in the defined order.

    With a threshold, exactly the rows that reach it; for the best k, at least the rows of the k
    best references and all that tie with the last of them.
    """

    slots: NDArray[numpy.int64]
    scores: Vector


def reaches(scores: Vector, threshold: float, *, higher_is_better: bool) -> NDArray[numpy.bool_]:
    """Which scores, in whole millionths, are as good as the threshold, as `decide` would say."""
    import numpy

    millionths = scores * 1_000_000.0
    numpy.rint(millionths, out=millionths)
    millionths /= 1_000_000.0  # as it is recorded
    millionths *= 1_000_000.0
    numpy.rint(millionths, out=millionths)
    limit = float(round(threshold * 1_000_000))
    return millionths >= limit if higher_is_better else millionths <= limit


def every_slot(view: View) -> NDArray[numpy.int64]:
    """Every slot with a reference, in order."""
    import numpy

    pool = Pool(view, numpy.array([-1.0]), None)
    for number, (block, count) in enumerate(view.parts):
        layer = block.layers[view.kernel.name]
        rows = (layer.radius[:count] >= 0.0).nonzero()[0]
        pool.add(rows * 0, rows + number * ROWS, numpy.zeros(rows.size), numpy.zeros(rows.size))
    return pool.slots()[0]


def score(
    view: View, probe: Probe, slots: NDArray[numpy.int64], threshold: float | None, top: int | None
) -> Found:
    """Score what is left, in the defined order, and keep what reaches the threshold."""
    import numpy

    if not slots.size:
        return Found(slots, numpy.empty(0))
    slots = numpy.sort(slots)
    rows = view.take(slots)
    if top is not None and 2 * top < slots.size <= _MOST_NARROWED:
        people = view.keys(slots) if view.several else None
        keep = nearly_best(view.metric, rows, probe.vector, people, top)
        slots, rows = slots[keep], rows[keep]
    scores = defined_scores(view.metric, rows, probe.vector)
    if threshold is not None:
        better = view.metric != "euclidean"
        good = reaches(scores, threshold, higher_is_better=better)
        slots, scores = slots[good], scores[good]
    return Found(slots, scores)

"""The end of a search: exact scores for the rows that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.bound import FLOAT32_ERROR, Bound
from biotrail.matchers.search.layer import SHORTEST
from biotrail.matchers.search.pool import Pool, kth_keys
from biotrail.matchers.search.scores import cosines_of_few, defined_scores, lengths_of

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector
    from biotrail.matchers.search.kernels import Rows
    from biotrail.matchers.search.probe import Probe
    from biotrail.matchers.search.view import View

__all__ = ["Found", "every_slot", "float_bounds", "reaches", "score"]

_SPARED = 6
"""Rows beyond the best k that are scored as fast as they are looked at in float32."""
_COUNTED = 16
"""Scores up to which Python's numbers are as fast as NumPy's."""


@attrs.define(eq=False)
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
        rows = (block.length[:count] >= 0.0).nonzero()[0]
        pool.add(rows * 0, rows + number * ROWS, numpy.zeros(rows.size), numpy.zeros(rows.size))
    return pool.slots()[0]


def score(
    view: View, probe: Probe, slots: NDArray[numpy.int64], threshold: float | None, top: int | None
) -> Found:
    """Score what is left, in the defined order, and keep what reaches the threshold."""
    import numpy

    if not slots.size:
        return Found(slots, numpy.empty(0))
    if len(view.parts) > 1:
        slots = numpy.sort(slots)
    rows = view.take(slots)
    if top is not None and probe.scannable and slots.size > top + _SPARED:
        keep = _nearly_best(view, probe, slots, rows, top)
        slots, rows = slots[keep], rows[keep]
    lengths = _known_lengths(view, slots, rows)
    if lengths is not None and slots.size <= _COUNTED:
        return _few(slots, cosines_of_few(rows, probe.vector, lengths), threshold)
    scores = defined_scores(view.metric, rows, probe.vector, lengths)
    if threshold is not None:
        good = reaches(scores, threshold, higher_is_better=view.metric != "euclidean")
        slots, scores = slots[good], scores[good]
    return Found(slots, scores)


def _few(slots: NDArray[numpy.int64], cosines: list[float], threshold: float | None) -> Found:
    """The same for a few cosines, for which Python's numbers are faster than NumPy's."""
    import numpy

    if threshold is not None:
        limit = round(threshold * 1_000_000)
        good = [round(round(one * 1e6) / 1e6 * 1e6) >= limit for one in cosines]
        if not all(good):
            slots = slots[numpy.array(good)]
            cosines = [one for one, well in zip(cosines, good, strict=True) if well]
    return Found(slots, numpy.array(cosines))


def _nearly_best(
    view: View, probe: Probe, slots: NDArray[numpy.int64], rows: Rows, top: int
) -> NDArray[numpy.bool_]:
    """Which rows may be among the best k references, by float32 products and their known error.

    It is the bound of `FloatKernel`, over the rows that another kernel has left.
    """
    import numpy

    products = rows @ probe.unit.astype(numpy.float32)
    upper, lower = float_bounds(view, probe.length, products, view.lengths(slots))
    people = view.keys(slots) if view.several else None
    which = numpy.zeros(slots.size, numpy.int64)
    best = kth_keys(which, lower, people, probes=1, top=top)[0]
    keep: NDArray[numpy.bool_] = upper >= best
    return keep


def float_bounds(view: View, probe_length: Any, products: Any, length: Any) -> tuple[Any, Any]:
    """Between which keys rows lie, by float32 products of the rows and probes of length 1.

    Args:
        view: The rows' view.
        probe_length: Length of the probe, or of each row's.
        products: One a row.
        length: The rows' lengths, float64.
    """
    import numpy

    error = FLOAT32_ERROR * (view.dimension + 2)
    bound = Bound.of(view.metric, probe_length, 1.0, error, view.dimension)
    weight: Any = 1.0
    radius: Any = 0.0
    if view.metric == "cosine":
        tiny = length < 2.0 * SHORTEST
        weight = numpy.divide(1.0, length, out=numpy.zeros(length.shape), where=~tiny)
        radius = numpy.where(tiny, 1.0, 0.0)
    return bound.both(products.astype(numpy.float64), weight, radius, length)


def _known_lengths(view: View, slots: NDArray[numpy.int64], rows: Rows) -> Vector | None:
    """The rows' lengths in the defined order, where a block has room to keep them.

    They are computed when a row is first scored, and wiped with it.
    """
    if view.metric != "cosine" or len(view.parts) > 1:
        return None
    kept = view.parts[0][0].keep_lengths()
    if kept is None:
        return None
    lengths: Vector = kept.take(slots)
    if 0.0 in lengths.tolist():
        lengths = lengths_of(rows)
        kept[slots] = lengths
    return lengths

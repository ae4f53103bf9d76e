"""The scores of many rows at once, bit for bit as `biotrail.matchers.measures` defines them.

A running sum along each row adds from the first product to the last, whatever the number of rows;
one row at a time gives the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biotrail.matchers.measures import inner_product
from biotrail.matchers.search.pool import kth_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector

    Rows = NDArray[numpy.float32]

__all__ = ["SCORES", "defined_scores", "nearly_best"]

_TOGETHER = 1 << 21
"""Values worked on at once; more would not fit the processor's caches."""


def _ordered_sums(products: NDArray[numpy.float64]) -> Vector:
    products.cumsum(axis=1, out=products)
    return products[:, -1]


def _inner_product(rows: NDArray[numpy.float64], probe: Vector) -> Vector:
    return _ordered_sums(rows * probe)


def _euclidean(rows: NDArray[numpy.float64], probe: Vector) -> Vector:
    import numpy

    difference = rows - probe
    difference *= difference
    return numpy.sqrt(_ordered_sums(difference))


def _cosine(rows: NDArray[numpy.float64], probe: Vector) -> Vector:
    import numpy

    lengths = numpy.sqrt(_ordered_sums(rows * rows))
    lengths *= math.sqrt(inner_product(probe, probe))
    cosines: Vector = _ordered_sums(rows * probe) / lengths
    numpy.maximum(cosines, -1.0, out=cosines)
    return numpy.minimum(cosines, 1.0, out=cosines)


SCORES: dict[str, Callable[[NDArray[numpy.float64], Vector], Vector]] = {
    "cosine": _cosine,
    "inner_product": _inner_product,
    "euclidean": _euclidean,
}


def defined_scores(metric: str, rows: Rows, probe: Vector) -> Vector:
    """Score each row against the probe, in the defined order.

    Args:
        metric: A name of `biotrail.matchers.measures.MEASURES`.
        rows: The references, shape (rows, dimension), float32. Under cosine none may be zero.
        probe: The probe, shape (dimension,), float64. Under cosine it may not be zero.

    Returns:
        The scores, float64, one a row.
    """
    import numpy

    measure = SCORES[metric]
    if rows.size <= _TOGETHER:
        return measure(rows.astype(numpy.float64), probe)
    together = max(1, _TOGETHER // probe.size)
    parts = [
        measure(rows[first : first + together].astype(numpy.float64), probe)
        for first in range(0, len(rows), together)
    ]
    return numpy.concatenate(parts)


def nearly_best(
    metric: str, rows: Rows, probe: Vector, people: NDArray[numpy.uint64] | None, top: int
) -> NDArray[numpy.bool_]:
    """Which rows may be among the best k references, by float64 products in whatever order.

    Such a product is within ``(dimension + 32) * 2**-51`` of the defined one, relative to the
    vectors' lengths. Rows further than twice that behind the k-th best are left out.

    Args:
        metric: A name of `biotrail.matchers.measures.MEASURES`.
        rows: The references, shape (rows, dimension), float32.
        probe: The probe, float64.
        people: What the rows of one reference have in common; None where each has one row.
        top: k.
    """
    import numpy

    double = rows.astype(numpy.float64)
    products = double @ probe
    squares = numpy.einsum("ij,ij->i", double, double)
    squared = float(probe @ probe)
    if metric == "cosine":
        keys, scale = products / numpy.sqrt(squares * squared), 1.0
    elif metric == "euclidean":
        keys = products - squares / 2.0
        scale = float(squares.max()) + squared
    else:
        keys, scale = products, math.sqrt(float(squares.max()) * squared)
    which = numpy.zeros(keys.size, numpy.int64)
    best = kth_keys(which, keys, people, probes=1, top=top)[0]
    room = (probe.size + 32) * 2.0**-49 * scale
    return keys >= best - room  # type: ignore[no-any-return]

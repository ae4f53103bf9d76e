"""The scores of many rows at once, bit for bit as `biotrail.matchers.measures` defines them.

A running sum along each row adds from the first product to the last, whatever the number of rows;
one row at a time gives the same bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biotrail.matchers.measures import clamped, inner_product

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector

    Rows = NDArray[numpy.float32]

__all__ = ["SCORES", "cosines_of_few", "defined_scores", "lengths_of", "scores_of_pairs"]

_TOGETHER = 1 << 21
"""Values worked on at once; more would not fit the processor's caches."""
_PAIRS = 1 << 16
"""The same where each row has a probe of its own, and two sums."""


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


def _lengths(rows: NDArray[numpy.float64]) -> Vector:
    import numpy

    lengths: Vector = numpy.sqrt(_ordered_sums(rows * rows))
    return lengths


def _cosine(rows: NDArray[numpy.float64], probe: Vector) -> Vector:
    return _cosine_of(rows, probe, _lengths(rows))


def _cosine_of(rows: NDArray[numpy.float64], probe: Vector, lengths: Vector) -> Vector:
    import numpy

    lengths = lengths * math.sqrt(inner_product(probe, probe))
    cosines: Vector = _ordered_sums(rows * probe) / lengths
    numpy.maximum(cosines, -1.0, out=cosines)
    return numpy.minimum(cosines, 1.0, out=cosines)


SCORES: dict[str, Callable[[NDArray[numpy.float64], Vector], Vector]] = {
    "cosine": _cosine,
    "inner_product": _inner_product,
    "euclidean": _euclidean,
}


def cosines_of_few(rows: Rows, probe: Vector, lengths: Vector) -> list[float]:
    """The cosines of a few rows whose lengths are known, each as one row alone would give it."""
    import numpy

    count = len(rows)
    products = numpy.empty((count + 1, probe.size))
    numpy.multiply(rows, probe, products[:count])
    numpy.multiply(probe, probe, products[count])
    *sums, squared = _ordered_sums(products).tolist()
    own = math.sqrt(squared)
    pairs = zip(sums, lengths.tolist(), strict=True)
    return [clamped(total / (length * own)) for total, length in pairs]


def lengths_of(rows: Rows) -> Vector:
    """The rows' lengths, float64, with their squares added in the defined order."""
    import numpy

    together = max(1, _TOGETHER // rows.shape[1])
    parts = [
        _lengths(rows[first : first + together].astype(numpy.float64))
        for first in range(0, len(rows), together)
    ]
    return parts[0] if len(parts) == 1 else numpy.concatenate(parts)


def scores_of_pairs(
    metric: str, rows: Rows, vectors: Vector, which: NDArray[numpy.int64], own: Vector | None
) -> Vector:
    """Score each row against a probe of its own, in the defined order.

    Args:
        metric: A name of `biotrail.matchers.measures.MEASURES`.
        rows: The references, shape (rows, dimension), float32. Under cosine none may be zero.
        vectors: The probes, shape (probes, dimension), float64.
        which: The probe of each row.
        own: Under cosine, the probes' lengths as `lengths_of` gives them.

    Returns:
        The scores, float64, one a row.
    """
    import numpy

    scores = numpy.empty(len(rows))
    together = max(1, _PAIRS // rows.shape[1])
    for first in range(0, len(rows), together):
        some = slice(first, first + together)
        double, probes = rows[some].astype(numpy.float64), vectors.take(which[some], 0)
        if own is None:
            scores[some] = SCORES[metric](double, probes)
        else:
            scores[some] = _cosines_of_pairs(double, probes, own.take(which[some]))
    return scores


def _cosines_of_pairs(rows: Vector, probes: Vector, own: Vector) -> Vector:
    """Cosines, with two running sums in one: those of a complex number's parts do not touch.

    Each addition waits for the one before, so that two at once take no longer than one.
    """
    import numpy

    both = numpy.empty(rows.shape, numpy.complex128)
    numpy.multiply(rows, probes, out=both.real)
    numpy.multiply(rows, rows, out=both.imag)
    both.cumsum(axis=1, out=both)
    cosines: Vector = both[:, -1].real / (numpy.sqrt(both[:, -1].imag) * own)
    numpy.maximum(cosines, -1.0, out=cosines)
    return numpy.minimum(cosines, 1.0, out=cosines)


def defined_scores(metric: str, rows: Rows, probe: Vector, lengths: Vector | None = None) -> Vector:
    """Score each row against the probe, in the defined order.

    Args:
        metric: A name of `biotrail.matchers.measures.MEASURES`.
        rows: The references, shape (rows, dimension), float32. Under cosine none may be zero.
        probe: The probe, shape (dimension,), float64. Under cosine it may not be zero.
        lengths: Under cosine, what `lengths_of` gives for the rows; None where it is not known.

    Returns:
        The scores, float64, one a row.
    """
    import numpy

    if lengths is not None and rows.size <= _TOGETHER:
        return _cosine_of(rows.astype(numpy.float64), probe, lengths)
    measure = SCORES[metric]
    if rows.size <= _TOGETHER:
        return measure(rows.astype(numpy.float64), probe)
    together = max(1, _TOGETHER // probe.size)
    parts = [
        measure(rows[first : first + together].astype(numpy.float64), probe)
        for first in range(0, len(rows), together)
    ]
    return numpy.concatenate(parts)

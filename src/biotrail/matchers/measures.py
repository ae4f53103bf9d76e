"""Measures between two vectors, computed in one order, so that every machine gets one result.

All of it is IEEE 754 binary64: each product is rounded once, and products are added from the first
to the last, one by one. No library's sum or dot product is used, whose order of additions depends
on the processor. A plain loop over Python floats gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from biotrail.errors import MatcherError

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = [
    "MEASURES",
    "SHORTEST",
    "clamped",
    "cosine",
    "euclidean",
    "inner_product",
    "require_direction",
]

SHORTEST = 1e-100
"""Shorter vectors have no direction: their squares lose digits."""
_SHORTEST_SQUARED = 1e-200


def _ordered_sum(values: Vector) -> float:
    """The sum from the first to the last value: every running total is rounded in that order."""
    return float(values.cumsum()[-1])


def inner_product(left: Vector, right: Vector) -> float:
    """Sum of the products."""
    return _ordered_sum(left * right)


def euclidean(left: Vector, right: Vector) -> float:
    """Length of the difference."""
    difference = left - right
    return math.sqrt(_ordered_sum(difference * difference))


def require_direction(*vectors: Vector) -> None:
    """Refuse vectors that are zero, or so short that their squares lose digits.

    Raises:
        MatcherError: A vector is shorter than 1e-100.
    """
    for vector in vectors:
        if inner_product(vector, vector) < _SHORTEST_SQUARED:
            raise MatcherError("a zero vector has no direction, so no cosine")


def cosine(left: Vector, right: Vector) -> float:
    """Cosine of the angle, from -1 to 1. Neither vector may be zero."""
    squared_left, squared_right = inner_product(left, left), inner_product(right, right)
    if min(squared_left, squared_right) < _SHORTEST_SQUARED:
        require_direction(left, right)
    lengths = math.sqrt(squared_left) * math.sqrt(squared_right)
    return clamped(inner_product(left, right) / lengths)


def clamped(cosine: float) -> float:
    """The cosine without what rounding put over 1; NaN stays NaN, to be refused as a score."""
    return math.copysign(1.0, cosine) if abs(cosine) > 1.0 else cosine


MEASURES: dict[str, tuple[Callable[[Vector, Vector], float], bool]] = {
    "cosine": (cosine, True),
    "inner_product": (inner_product, True),
    "euclidean": (euclidean, False),
}
"""Each measure by name, and whether higher is better."""

"""Between which two numbers the score of a row must lie, given only the product of two codes.

Let ``q`` be the probe, ``p = q / |q|``, and ``g`` a row; with codes ``c`` and steps ``u`` and ``v``
let ``p = u c_p + e_p`` and ``g = v c_g + e_g``. Then, by Cauchy and Schwarz::

    | <p, g> - u v <c_p, c_g> |  <=  |u c_p| |e_g| + |e_p| |g|

Each measure is turned into a *key* in which higher is better, and which is linear in ``<p, g>``::

    cosine          key = <p, g> / |g|                    the score itself
    inner_product   key = |q| <p, g>                      the score itself
    euclidean       key = |q| <p, g> - |g|**2 / 2         (|q|**2 - score**2) / 2

`upper` and `lower` bound the key, with room for every rounding on the way: those of this module,
and those of the score in its defined order. docs/explanation/exact-search.md proves each step.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.extent import Extent

    Real = float | NDArray[numpy.float64]

__all__ = ["FLOAT32_ERROR", "Bound", "key_of_threshold", "upwards"]

FLOAT32_ERROR = 2.0**-23
"""Twice the unit roundoff of binary32, which leaves room for terms of second order."""
ROUNDING = 2.0**-21
"""Relative room for a weight and a length kept as float32, and for all float64 arithmetic."""
_UNDERFLOW = 2.0**-125
"""Room for one product that is flushed to zero."""
_DOUBLE = 2.0**-50


def upwards(value: Any) -> Any:
    """A little more than the value: more than rounding it to float32 can take away."""
    return value * (1.0 + 2.0**-22) + 2.0**-148


@attrs.define(eq=False)
class Bound:
    """The numbers of one probe, or of many as arrays, that the bound of its keys needs.

    Attributes:
        metric: Which key.
        factor: What the key multiplies ``<p, g>`` with: ``|q|``, or 1 under cosine.
        step: ``u``.
        reach: An upper bound of ``|u c_p|``.
        error: An upper bound of ``|e_p|``, with room for rounding.
        room: What is added for roundings that do not shrink with the row.
    """

    metric: str
    factor: Any
    step: Any
    reach: Any
    error: Any
    room: Any

    @classmethod
    def of(cls, metric: str, length: Any, step: Any, error: Any, dimension: int) -> Bound:
        """The bound for probes of these lengths, from a kernel's steps and errors."""
        factor = 1.0 if metric == "cosine" else length
        room = factor * (dimension * _UNDERFLOW)
        if metric == "euclidean":
            room = room + length * length * ((dimension + 16) * _DOUBLE)
        return cls(metric, factor, step, 1.0 + error, error + ROUNDING, room)

    def pick(self, which: Any) -> Bound:
        """The numbers of some of the probes, one for each given index."""
        if isinstance(self.step, float):
            return self
        if self.metric == "cosine":
            factor: Any = 1.0
            room: Any = self.room
        else:
            factor, room = self.factor[which], self.room[which]
        return Bound(
            self.metric, factor, self.step[which], self.reach[which], self.error[which], room
        )

    def upper(self, products: Any, weight: Any, radius: Any, length: Any) -> Any:
        """No row's key is above this.

        Args:
            products: ``<c_p, c_g>`` of each row.
            weight: ``v``, under cosine over ``|g|``.
            radius: An upper bound of ``|e_g|``, under cosine over ``|g|``.
            length: ``|g|``.
        """
        centre, spread = self._parts(products, weight, radius, length)
        if self.metric == "euclidean":
            return centre + spread - (0.5 - ROUNDING) * (length * length)
        return centre + spread

    def lower(self, products: Any, weight: Any, radius: Any, length: Any) -> Any:
        """No row's key is below this; arguments as `upper` takes them."""
        centre, spread = self._parts(products, weight, radius, length)
        if self.metric == "euclidean":
            return centre - spread - (0.5 + ROUNDING) * (length * length)
        return centre - spread

    def both(self, products: Any, weight: Any, radius: Any, length: Any) -> tuple[Any, Any]:
        """`upper` and `lower`, which share most of their work."""
        centre, spread = self._parts(products, weight, radius, length)
        if self.metric != "euclidean":
            return centre + spread, centre - spread
        squared = length * length
        upper = centre + spread - (0.5 - ROUNDING) * squared
        return upper, centre - spread - (0.5 + ROUNDING) * squared

    def _parts(self, products: Any, weight: Any, radius: Any, length: Any) -> tuple[Any, Any]:
        error = self.error if self.metric == "cosine" else self.error * length
        spread = self.factor * (self.reach * radius + error) + self.room
        return self.factor * self.step * (weight * products), spread

    def least_product(self, key: Any, extent: Extent) -> Any:
        """The product below which no row of a block can have this key: one comparison decides.

        Args:
            key: The key to be reached.
            extent: Between which numbers the block's weights, radii and lengths lie.
        """
        longest = 1.0 if self.metric == "cosine" else extent.longest
        offset = 0.0
        if self.metric == "euclidean":
            offset = (0.5 - ROUNDING) * extent.shortest**2 * (1.0 - ROUNDING)
        needed = (key + offset - self.room) / self.factor
        needed = needed - self.reach * extent.radius - self.error * longest
        return _over_weight(needed, self.step, extent)


def _over_weight(needed: Any, step: Any, extent: Extent) -> Any:
    """The smallest product that times some weight of the block can give what is needed."""
    if isinstance(needed, float):
        weight = extent.heaviest if needed > 0.0 else extent.lightest
        if weight <= 0.0:
            return math.inf if needed > 0.0 else -math.inf
        least = needed / (weight * step)
        return least * (1.0 - math.copysign(ROUNDING, least))
    import numpy

    weight = numpy.where(needed > 0.0, extent.heaviest, extent.lightest) * step
    none = numpy.where(needed > 0.0, numpy.inf, -numpy.inf)
    least = numpy.divide(needed, weight, out=none, where=weight > 0.0)
    return numpy.where(numpy.isfinite(least), least * (1.0 - numpy.sign(least) * ROUNDING), least)


def key_of_threshold(metric: str, threshold: float, length: float) -> float:
    """A key that every row reaches whose score, in whole millionths, is as good as the threshold.

    A decision compares whole millionths, so scores up to half a millionth worse than the threshold
    are to be found as well.

    Args:
        metric: Name of the measure.
        threshold: The threshold, in the score's own unit.
        length: ``|q|``.

    Returns:
        The key; for a distance below zero, the largest number.
    """
    millionths = round(threshold * 1_000_000)
    if metric != "euclidean":
        return (millionths - 0.5) / 1_000_000 - abs(millionths) * 1e-6 * _DOUBLE - 1e-15
    worst = (millionths + 0.5) / 1_000_000 * (1.0 + _DOUBLE)
    if millionths < 0:
        return sys.float_info.max
    return (length * length - worst * worst * (1.0 + ROUNDING)) / 2.0

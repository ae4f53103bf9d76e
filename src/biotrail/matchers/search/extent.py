"""Between which numbers the weights, errors and lengths of a block lie."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["Extent"]


@attrs.define
class Extent:
    """Between which numbers the rows of a block lie. It only widens."""

    heaviest: float = 0.0
    lightest: float = float("inf")
    radius: float = 0.0
    longest: float = 0.0
    shortest: float = float("inf")

    def widen(self, weight: Any, radius: Any, length: Any) -> None:
        """Take these rows in (arrays of float32)."""
        self.heaviest = max(self.heaviest, float(weight.max()))
        self.lightest = min(self.lightest, float(weight.min()))
        self.radius = max(self.radius, float(radius.max()))
        self.longest = max(self.longest, float(length.max()))
        self.shortest = min(self.shortest, float(length.min()))

    def widen_by_one(self, weight: float, radius: float, length: float) -> None:
        """Take one row in."""
        if weight > self.heaviest:
            self.heaviest = weight
        if weight < self.lightest:
            self.lightest = weight
        if radius > self.radius:
            self.radius = radius
        if length > self.longest:
            self.longest = length
        if length < self.shortest:
            self.shortest = length

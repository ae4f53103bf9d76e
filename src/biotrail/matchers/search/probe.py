"""A probe, ready to be searched with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biotrail.matchers.measures import require_direction

if TYPE_CHECKING:
    from biotrail.matchers.backend import Vector

__all__ = ["Probe"]

_SHORTEST = 1e-140
"""Squares of shorter probes lose digits: every row is scored exactly instead."""
_SHORT = 1e-90


class Probe:
    """A probe, its length, and the same with length 1."""

    def __init__(self, vector: Vector, metric: str) -> None:
        self.vector = vector
        self.length = math.sqrt(float(vector.dot(vector)))
        if metric == "cosine" and self.length < _SHORT:
            require_direction(vector)
        self.scannable = self.length >= _SHORTEST

    @property
    def unit(self) -> Vector:
        """The probe over its length."""
        return self.vector / self.length

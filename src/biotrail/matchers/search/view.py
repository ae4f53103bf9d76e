"""What a search looks at: the rows that a gallery had when the search began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from biotrail.matchers.search.block import ROWS, Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.kernels import Kernel, Rows

__all__ = ["View"]


def _all_visible(_slots: NDArray[numpy.int64]) -> NDArray[numpy.bool_] | None:
    return None


@attrs.define(eq=False)
class View:
    """The rows of a search. A row's *slot* is its block's number times `ROWS`, plus its place.

    Attributes:
        metric: Name of the measure.
        dimension: Values a row.
        parts: Blocks, and how many rows of each existed.
        kernel: What multiplies.
        several: Whether some references have more than one row.
        visible: Which of some slots belong to this view, or None for all of them.
    """

    metric: str
    dimension: int
    parts: tuple[tuple[Block, int], ...]
    kernel: Kernel
    several: bool = False
    visible: Callable[[NDArray[numpy.int64]], NDArray[numpy.bool_] | None] = _all_visible

    @property
    def rows(self) -> int:
        """Rows to look at, those without a reference included."""
        return sum(count for _, count in self.parts)

    def numbers(self, number: int, rows: Any) -> tuple[Any, Any, Any]:
        """Weights, radii and lengths of some rows of a block, float64."""
        import numpy

        block, _ = self.parts[number]
        layer = block.layers[self.kernel.name]
        double = numpy.float64
        return (
            layer.weights(rows).astype(double),
            layer.radii(rows).astype(double),
            block.length[rows].astype(double),
        )

    def take(self, slots: NDArray[numpy.int64]) -> Rows:
        """The float32 rows of some slots, which must be in ascending order."""
        import numpy

        if len(self.parts) == 1:
            vectors = self.parts[0][0].vectors
            # of an array, `take` takes half the time that an index does
            alone: Rows = (
                vectors.take(slots, 0) if type(vectors) is numpy.ndarray else vectors[slots]
            )
            return alone
        found = numpy.empty((slots.size, self.dimension), numpy.float32)
        for number, part in self._stretches(slots):
            found[part] = self.parts[number][0].vectors[slots[part] - number * ROWS]
        return found

    def take_unordered(self, slots: NDArray[numpy.int64]) -> Rows:
        """The float32 rows of some slots, in any order."""
        import numpy

        if len(self.parts) == 1 and type(self.parts[0][0].vectors) is numpy.ndarray:
            return self.take(slots)
        order = slots.argsort()
        ordered = slots[order]
        found = numpy.empty((slots.size, self.dimension), numpy.float32)
        for number, part in self._stretches(ordered):
            vectors = self.parts[number][0].vectors
            found[order[part]] = vectors[ordered[part] - number * ROWS]
        return found

    def lengths(self, slots: NDArray[numpy.int64]) -> NDArray[numpy.float64]:
        """The lengths of some slots' rows, in any order."""
        import numpy

        if len(self.parts) == 1:
            return self.parts[0][0].length.take(slots).astype(numpy.float64)
        order = slots.argsort()
        ordered = slots[order]
        found = numpy.empty(slots.size)
        for number, part in self._stretches(ordered):
            found[order[part]] = self.parts[number][0].length[ordered[part] - number * ROWS]
        return found

    def _stretches(self, slots: NDArray[numpy.int64]) -> Iterator[tuple[int, slice]]:
        """Which of some ascending slots lie in which block."""
        import numpy

        ends = slots.searchsorted(numpy.arange(1, len(self.parts) + 1) * ROWS).tolist()
        first = 0
        for number, end in enumerate(ends):
            if end > first:
                yield number, slice(first, end)
                first = end

    def keys(self, slots: NDArray[numpy.int64]) -> NDArray[numpy.uint64]:
        """Eight bytes of each slot's reference: alike for two references only by chance."""
        import numpy

        found = numpy.empty(slots.size, numpy.uint64)
        numbers = slots // ROWS
        for number in numpy.unique(numbers).tolist():
            here = numbers == number
            found[here] = self.parts[number][0].keys[slots[here] % ROWS]
        return found

    def names(self, slots: NDArray[numpy.int64]) -> bytes:
        """The names of some slots' references, in any order: sixteen bytes each."""
        import numpy

        found = numpy.empty((slots.size, 16), numpy.uint8)
        numbers = slots // ROWS
        for number in numpy.unique(numbers).tolist():
            here = (numbers == number).nonzero()[0]
            found[here] = self.parts[number][0].names[slots[here] % ROWS]
        return found.tobytes()

"""The codes of a block's rows under one kernel, and the extent of their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from biotrail.matchers.search.bound import upwards
from biotrail.matchers.search.extent import Extent
from biotrail.matchers.search.memory import reserved

if TYPE_CHECKING:
    from biotrail.matchers.search.kernels import CodedRows, Kernel, Rows

__all__ = ["SHORTEST", "Layer", "RowLayer", "RowSource"]

SHORTEST = 1e-25
"""Shorter rows could lose their digits in float32 products; they are always looked at exactly."""
_SHORT = 2.0 * SHORTEST
"""The same for lengths that were rounded."""
_ABSENT = float("-inf")


class RowSource(Protocol):
    """Rows that lie somewhere: in memory, in a mapped file, in an encrypted one."""

    def __getitem__(self, rows: Any, /) -> Rows: ...


class Layer:
    """The codes of a block's rows under one kernel, with what the bound needs of each."""

    own_codes = True

    def __init__(self, kernel: Kernel, dimension: int, rows: int) -> None:
        import numpy

        self.codes: Any = reserved(rows, kernel.width(dimension), kernel.dtype)
        self.kernel = kernel
        self.extent = Extent()
        self._weight = numpy.zeros(rows, numpy.float32)
        self._radius = numpy.full(rows, _ABSENT, numpy.float32)

    def weights(self, rows: Any) -> Any:
        """The steps of some rows' codes, under cosine over the rows' lengths; float32."""
        return self._weight[rows]

    def radii(self, rows: Any) -> Any:
        """The errors of some rows' codes, under cosine over the rows' lengths; float32.

        Minus infinity where there is no row, which no key reaches.
        """
        return self._radius[rows]

    def write(self, first: int, coded: CodedRows, length: Any, *, cosine: bool) -> None:
        """Put coded rows in place; the radius last, since it is what makes them visible.

        Args:
            first: Place of the first row.
            coded: The rows' codes.
            length: The rows' lengths, float64.
            cosine: Whether weights and radii are relative to the length.
        """
        import numpy

        weight, radius = coded.step, coded.error
        if cosine:
            tiny = length < SHORTEST
            weight = numpy.where(tiny, 0.0, weight / length)
            radius = numpy.where(tiny, 1.0, radius / length)
        weight = weight.astype(numpy.float32)
        radius = upwards(radius).astype(numpy.float32)
        self.extent.widen(weight, radius, length)
        end = first + len(length)
        self.codes[first:end] = coded.codes
        self._weight[first:end] = weight
        self._radius[first:end] = radius

    def write_one(
        self, row: int, coded: tuple[Any, float, float], length: float, *, cosine: bool
    ) -> None:
        """The same for one row: its code, step and error."""
        code, weight, radius = coded
        if cosine:
            tiny = length < SHORTEST
            weight, radius = (0.0, 1.0) if tiny else (weight / length, radius / length)
        radius = upwards(radius)
        self.extent.widen_by_one(weight, radius, length)
        self.codes[row] = code
        self._weight[row] = weight
        self._radius[row] = radius

    def wipe(self, row: int | list[int]) -> None:
        """Leave nothing of a row, or of several."""
        self._radius[row] = _ABSENT
        self._weight[row] = 0.0
        self.codes[row] = 0


class RowLayer(Layer):
    """The rows themselves as codes, without error: what the bound needs follows from the lengths.

    Args:
        kernel: One over the rows.
        rows: The rows.
        length: Their lengths, float32; negative where there is no row.
        cosine: Whether weights and radii are relative to the length.
    """

    own_codes = False

    def __init__(self, kernel: Kernel, rows: RowSource, length: Any, *, cosine: bool) -> None:
        self.codes = rows
        self.kernel = kernel
        self.extent = Extent()
        self._length = length
        self._cosine = cosine

    def weights(self, rows: Any) -> Any:
        """One; under cosine over the rows' lengths, or zero for rows that are too short."""
        return self._weights_of(self._length[rows])

    def radii(self, rows: Any) -> Any:
        """Zero; one for rows that are too short for a cosine, minus infinity for no row."""
        import numpy

        length = self._length[rows]
        radius = numpy.zeros(length.shape, numpy.float32)
        if self._cosine:
            radius[length < _SHORT] = 1.0
        radius[length < 0.0] = _ABSENT
        return radius

    def _weights_of(self, length: Any) -> Any:
        import numpy

        if not self._cosine:
            return numpy.ones(length.shape, numpy.float32)
        none = numpy.zeros(length.shape, numpy.float32)
        return numpy.divide(numpy.float32(1.0), length, out=none, where=length >= _SHORT)

    def write(self, _first: int, _coded: CodedRows, length: Any, *, cosine: bool) -> None:
        """Note between which numbers the rows lie."""
        import numpy

        length = length.astype(numpy.float32)
        radius = length < _SHORT if cosine else numpy.zeros(1)
        self.extent.widen(self._weights_of(length), radius, length)

    def write_one(
        self, _row: int, _coded: tuple[Any, float, float], length: float, *, cosine: bool
    ) -> None:
        """The same for one row."""
        if not cosine:
            self.extent.widen_by_one(1.0, 0.0, length)
        elif length < _SHORT:
            self.extent.widen_by_one(0.0, 1.0, length)
        else:
            self.extent.widen_by_one(1.0 / length, 0.0, length)

    def wipe(self, row: int | list[int]) -> None:
        """The rows and their lengths are wiped by their block."""

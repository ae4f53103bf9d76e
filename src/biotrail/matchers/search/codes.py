"""Kernels over small codes: eight bits with numkong, four bits with or without it."""

from __future__ import annotations

import functools
import importlib.util
import math
from typing import TYPE_CHECKING, Any

from biotrail.errors import MissingDependencyError
from biotrail.matchers.search.kernels import CodedProbes, CodedRows, code_one, code_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from biotrail.matchers.search.kernels import Codes, Rows, Units

__all__ = ["EightBitKernel", "FourBitKernel", "numkong_is_there"]

_LARGEST = 127
_USUAL = 4.8
_MANY = 64
_LARGEST_OF_FOUR = 7
_CLIPPED = (1.0, 0.85, 0.72, 0.6)
"""Parts of the largest value that four bits may reach to; what lies beyond is clipped."""


def numkong_is_there() -> bool:
    """Whether the package of the extra ``search`` can be imported."""
    return importlib.util.find_spec("numkong") is not None


@functools.cache
def _reach(dimension: int) -> float:
    """What nearly all rows' largest values stay below, as a part of their lengths.

    With one step for nearly all of them one limit excludes a block's rows; with steps of their own
    the limit would have to serve the coarsest. In few dimensions no such value is usual.
    """
    return _USUAL / math.sqrt(dimension) if dimension >= _MANY else 0.0


def _code_probe(unit: Units) -> tuple[Any, float, float]:
    code, step, error = code_one(unit, _LARGEST)
    return code[None], step, error + 2.0**-45


def _code_probes(units: Units) -> tuple[Any, Any, Any]:
    codes, step, error = code_whole(units, _LARGEST)
    return codes, step, error + 2.0**-45


class EightBitKernel:
    """One signed byte a value; numkong multiplies, in whole numbers, with no rounding at all.

    Raises:
        MissingDependencyError: numkong is not installed.
    """

    name = "numkong-int8"
    over_rows = False
    rows_at_once = 2_048
    probes_at_once = 256
    longest = 100_000
    """Dimension up to which no sum of products overflows 32 bits."""

    def __init__(self) -> None:
        if not numkong_is_there():
            raise MissingDependencyError(
                "the eight-bit kernel needs numkong: pip install 'biotrail[search]'"
            )
        import numkong

        self._cdist: Callable[..., Any] = numkong.cdist
        self._pack: Callable[..., Any] = numkong.dots_pack
        self._packed: Callable[..., Any] = numkong.dots_packed

    def width(self, dimension: int) -> int:
        """One byte a value."""
        return dimension

    @property
    def dtype(self) -> type[Any]:
        """int8."""
        import numpy

        return numpy.int8

    def code_rows(self, rows: Rows, /) -> CodedRows:
        """Round to 255 levels, up to the row's largest value or what is usual for the dimension."""
        import numpy

        values = rows.astype(numpy.float64)
        return CodedRows(*code_whole(values, _LARGEST, _reach(rows.shape[1])))

    def code_row(self, row: Units, length: float, /) -> tuple[Any, float, float]:
        """The same for one row."""
        return code_one(row, _LARGEST, _reach(row.size) * length)

    def code_probes(self, units: Units, /) -> CodedProbes:
        """Round likewise, and pack them for the product with many rows."""
        codes, step, error = _code_probes(units)
        return CodedProbes(self._pack(codes, dtype="int8"), step, error)

    def code_probe(self, unit: Units, /) -> tuple[Any, float, float]:
        """Round likewise."""
        return _code_probe(unit)

    def one(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Whole numbers, as float64."""
        import numpy

        products: NDArray[Any] = numpy.asarray(self._cdist(payload, codes, "dot"))[0]
        return products

    def many(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Whole numbers, as int32."""
        import numpy

        return numpy.asarray(self._packed(codes, payload))


class FourBitKernel:
    """Half a byte a value, for galleries whose rows are left on disk.

    A tile of codes is spread to bytes and multiplied by the eight-bit kernel, or without numkong by
    NumPy in float32, where whole numbers of this size are exact.
    """

    name = "four-bit"
    over_rows = False
    rows_at_once = 2_048
    probes_at_once = 256
    longest = 16_000
    """Dimension up to which every partial sum is below 2**24, so that float32 holds it exactly."""

    def __init__(self) -> None:
        self._eight = EightBitKernel() if numkong_is_there() else None

    def width(self, dimension: int) -> int:
        """Two values a byte."""
        return (dimension + 1) // 2

    @property
    def dtype(self) -> type[Any]:
        """int8, each of two values."""
        import numpy

        return numpy.int8

    def code_rows(self, rows: Rows, /) -> CodedRows:
        """Round to 15 levels; of several steps, each row takes the one that leaves out least."""
        import numpy

        values = rows.astype(numpy.float64)
        best, step, error = _four_bits(values, _CLIPPED[0])
        for part in _CLIPPED[1:]:
            codes, other_step, other = _four_bits(values, part)
            better = other < error
            best[better] = codes[better]
            step, error = numpy.where(better, other_step, step), numpy.minimum(other, error)
        half = self.width(values.shape[1])
        low, high = best[:, :half], best[:, half:]
        packed = low & numpy.int8(15)
        packed[:, : high.shape[1]] |= high << 4
        return CodedRows(packed, step, error)

    def code_row(self, row: Units, _length: float, /) -> tuple[Any, float, float]:
        """The same for one row."""
        import numpy

        coded = self.code_rows(row[None].astype(numpy.float32))
        return coded.codes[0], coded.step.item(), coded.error.item()

    def code_probes(self, units: Units, /) -> CodedProbes:
        """Eight bits for probes: they cost nothing, and halve what the bound leaves open."""
        import numpy

        codes, step, error = _code_probes(units)
        if self._eight is not None:
            return CodedProbes((units.shape[1], codes), step, error)
        return CodedProbes((units.shape[1], codes.astype(numpy.float32)), step, error)

    def code_probe(self, unit: Units, /) -> tuple[Any, float, float]:
        """The same for one probe."""
        import numpy

        codes, step, error = _code_probe(unit)
        if self._eight is None:
            codes = codes.astype(numpy.float32)
        return (unit.size, codes), step, error

    def one(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Whole numbers."""
        return self._products(codes, payload)[:, 0]

    def many(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Whole numbers."""
        return self._products(codes, payload)

    def _products(self, codes: Codes, payload: Any) -> NDArray[Any]:
        import numpy

        dimension, probes = payload
        result = numpy.empty((len(codes), len(probes)), numpy.float32)
        eight = self._eight
        packed = None if eight is None else eight._pack(probes, dtype="int8")
        for first in range(0, len(codes), self.rows_at_once):
            tile = codes[first : first + self.rows_at_once]
            spread = _spread(tile, dimension)
            if eight is None:
                part = spread.astype(numpy.float32) @ probes.T
            else:
                part = eight.many(spread, packed)
            result[first : first + len(tile)] = part
        return result


def _four_bits(values: Units, part: float) -> tuple[Any, Any, Any]:
    import numpy

    highest = numpy.abs(values).max(axis=1)[:, None] * part
    clipped = numpy.clip(values, -highest, highest)
    codes, step, _ = code_whole(clipped, _LARGEST_OF_FOUR)
    difference = values - codes * step[:, None]
    length = numpy.sqrt(numpy.einsum("ij,ij->i", difference, difference))
    return codes, step, length * (1.0 + 2.0**-22)


def _spread(codes: Codes, dimension: int) -> NDArray[Any]:
    import numpy

    half = codes.shape[1]
    spread = numpy.empty((len(codes), dimension), numpy.int8)
    low = spread[:, :half]
    numpy.left_shift(codes, 4, out=low)
    numpy.right_shift(low, 4, out=low)
    numpy.right_shift(codes[:, : dimension - half], 4, out=spread[:, half:])
    return spread

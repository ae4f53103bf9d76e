"""What multiplies: the interface of a kernel, and the two that need nothing but NumPy.

A kernel keeps a code of each row and says how far code and row can be apart: a row ``g`` is
``step * code + e`` with a known upper bound of ``|e|``. For probes likewise. Whatever a kernel's
codes look like, the bound in `biotrail.matchers.search.bound` holds, and so the answers do not
depend on the kernel. One with other codes is added by writing this one class.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from biotrail.matchers.search.bound import FLOAT32_ERROR, upwards

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Codes = NDArray[Any]
    Rows = NDArray[numpy.float32]
    Units = NDArray[numpy.float64]

__all__ = ["CodedProbes", "CodedRows", "FloatKernel", "Kernel", "code_one", "code_whole"]


@attrs.frozen(eq=False)
class CodedRows:
    """Codes of references.

    Attributes:
        codes: One code a row, shape (rows, bytes or values of one code).
        step: What one unit of a code stands for, float64, one a row.
        error: Upper bounds of the length of what the code leaves out, float64, one a row.
    """

    codes: Codes
    step: NDArray[numpy.float64]
    error: NDArray[numpy.float64]


@attrs.frozen(eq=False)
class CodedProbes:
    """Codes of probes that have length 1.

    Attributes:
        payload: What `Kernel.one` or `Kernel.many` takes.
        step: What one unit of a code stands for, one a probe.
        error: Upper bounds of the length of what the code leaves out, one a probe; for kernels that
            round, the relative error of their products on top.
    """

    payload: Any
    step: NDArray[numpy.float64]
    error: NDArray[numpy.float64]


class Kernel(Protocol):
    """Codes rows and probes, and multiplies the codes."""

    name: str
    over_rows: bool
    """Whether the codes are the rows themselves, so that they are kept once."""
    rows_at_once: int
    """Rows to multiply with many probes at once, so that the products stay in the caches."""
    probes_at_once: int
    """Probes to multiply with at once, at most."""

    def width(self, dimension: int) -> int:
        """How many values of `dtype` the code of one row has."""
        ...

    @property
    def dtype(self) -> type[Any]:
        """Type of a code's values."""
        ...

    def code_rows(self, rows: Rows, /) -> CodedRows:
        """Code references, shape (rows, dimension), finite."""
        ...

    def code_row(self, row: Units, length: float, /) -> tuple[Any, float, float]:
        """Code one reference: its code, step and error, as `code_rows` would.

        The row is given as float64, shape (dimension,), with values that float32 can hold, and
        with its length.
        """
        ...

    def code_probes(self, units: Units, /) -> CodedProbes:
        """Code probes of length 1, shape (probes, dimension)."""
        ...

    def code_probe(self, unit: Units, /) -> tuple[Any, float, float]:
        """Code one probe of length 1, shape (dimension,): what `one` takes, step and error."""
        ...

    def one(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Products of all the codes with one probe, shape (rows,)."""
        ...

    def many(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Products of all the codes with all the probes, shape (rows, probes).

        The next call may overwrite them.
        """
        ...


def code_whole(
    values: Units, largest: int, reach: float = 0.0
) -> tuple[NDArray[numpy.int8], Units, Units]:
    """Round each row to whole numbers from -largest to largest, times a step of its own.

    The step is a float32 number, so that a code times the step, and its difference from a float32
    row, are exact in float64. Rows that are too small for such a step get the code zero.

    Args:
        values: The rows, shape (rows, dimension).
        largest: The largest whole number.
        reach: What the largest whole number stands for at least, as a part of the row's length.

    Returns:
        The codes (int8), the steps, and upper bounds of the lengths of the differences.
    """
    import numpy

    highest = numpy.abs(values).max(axis=1)
    if reach:
        lengths = numpy.sqrt(numpy.einsum("ij,ij->i", values, values))
        numpy.maximum(highest, reach * lengths, out=highest)
    step = (highest / largest).astype(numpy.float32).astype(numpy.float64)
    step[highest < _SMALLEST] = 0.0
    whole = numpy.rint(values * (1.0 / numpy.where(step > 0.0, step, numpy.inf))[:, None])
    difference = values - whole * step[:, None]
    length = numpy.sqrt(numpy.einsum("ij,ij->i", difference, difference))
    return whole.astype(numpy.int8), step, upwards(length)


_SMALLEST = 1e-30
_FLOAT = struct.Struct("=f")


def code_one(
    values: Units, largest: int, least: float = 0.0
) -> tuple[NDArray[numpy.int8], float, float]:
    """The same for one row, shape (dimension,), where NumPy's fixed costs are most of the work.

    Args:
        values: The row.
        largest: The largest whole number.
        least: What the largest whole number stands for at least.
    """
    import numpy

    work = numpy.abs(values)  # and used again for all that follows
    highest = max(float(work[work.argmax()]), least)  # faster than the maximum itself
    step = _FLOAT.unpack(_FLOAT.pack(highest / largest))[0] if highest >= _SMALLEST else 0.0
    numpy.multiply(values, 1.0 / step if step > 0.0 else 0.0, work)
    numpy.rint(work, work)
    code = work.astype(numpy.int8)
    work *= step
    work -= values
    return code, step, upwards(math.sqrt(work.dot(work)))


class FloatKernel:
    """NumPy's float32 product over the rows themselves: no copy, and a known rounding error.

    Whatever the order in which a library adds, its result is within ``FLOAT32_ERROR * dimension``
    of the true product (for rows and probes of length 1).
    """

    name = "numpy-float32"
    over_rows = True
    rows_at_once = 4_096
    probes_at_once = 1_024
    """OpenBLAS is a fifth faster with a thousand probes than with two hundred."""

    def width(self, dimension: int) -> int:
        """The row itself."""
        return dimension

    @property
    def dtype(self) -> type[Any]:
        """float32."""
        import numpy

        return numpy.float32

    def code_rows(self, rows: Rows, /) -> CodedRows:
        """The rows as they are; nothing is left out."""
        import numpy

        return CodedRows(rows, numpy.ones(len(rows)), numpy.zeros(len(rows)))

    def code_row(self, row: Units, _length: float, /) -> tuple[Any, float, float]:
        """The row as it is."""
        return row, 1.0, 0.0

    def code_probes(self, units: Units, /) -> CodedProbes:
        """The probes rounded to float32."""
        import numpy

        rounding = FLOAT32_ERROR * (units.shape[1] + 2)
        error = numpy.full(len(units), rounding)
        payload = units.astype(numpy.float32)
        step = numpy.ones(len(units))
        room = numpy.empty((self.rows_at_once, len(units)), numpy.float32)
        return CodedProbes((payload.T, room), step, error)

    def code_probe(self, unit: Units, /) -> tuple[Any, float, float]:
        """The probe rounded to float32."""
        import numpy

        return unit.astype(numpy.float32), 1.0, FLOAT32_ERROR * (unit.size + 2)

    def one(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Matrix times vector."""
        return codes @ payload  # type: ignore[no-any-return]

    def many(self, codes: Codes, payload: Any, /) -> NDArray[Any]:
        """Matrix times matrix."""
        import numpy

        probes, room = payload
        products: NDArray[Any] = numpy.matmul(codes, probes, out=room[: len(codes)])
        return products

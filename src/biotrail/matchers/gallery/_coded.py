"""Rows that have been coded for every kernel, and are ready to be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.kernels import CodedRows, Kernel, Rows

__all__ = ["Coded", "code", "part_of"]


@attrs.frozen(eq=False)
class Coded:
    """Rows that are ready to be written."""

    rows: Rows
    lengths: NDArray[numpy.float64]
    codes: tuple[CodedRows, ...]


def code(rows: Rows, kernels: Sequence[Kernel]) -> Coded:
    """Code rows for every kernel; the work of an addition that needs no lock."""
    import numpy

    double = rows.astype(numpy.float64)
    lengths = numpy.sqrt(numpy.einsum("ij,ij->i", double, double))
    return Coded(rows, lengths, tuple(kernel.code_rows(rows) for kernel in kernels))


def part_of(coded: Coded, some: slice) -> Coded:
    """Some of the rows."""
    codes = tuple(
        attrs.evolve(one, codes=one.codes[some], step=one.step[some], error=one.error[some])
        for one in coded.codes
    )
    return Coded(coded.rows[some], coded.lengths[some], codes)

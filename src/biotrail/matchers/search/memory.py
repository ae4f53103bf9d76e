"""Arrays that take memory only where something has been written."""

from __future__ import annotations

import contextlib
import mmap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["reserved"]

_LARGE = 1 << 20
"""Bytes from which an array gets pages of its own."""


def reserved(rows: int, width: int, dtype: Any) -> NDArray[Any]:
    """Zeros of shape (rows, width), for a block that may never be full.

    Memory from the allocator may have been used before, and is then cleared and resident at once,
    all of it. Fresh pages of the system are zero, and each is resident once it has been written.
    They are large where the system has large ones: a scan is a third faster over those.

    Args:
        rows: Rows there may be.
        width: Values a row.
        dtype: Their type.
    """
    import numpy

    kind = numpy.dtype(dtype)
    size = rows * width * kind.itemsize
    if size < _LARGE or not hasattr(mmap, "MAP_ANONYMOUS"):
        return numpy.zeros((rows, width), kind)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them does it more slowly
            pages.madvise(mmap.MADV_HUGEPAGE)
    return numpy.frombuffer(pages, kind).reshape(rows, width)

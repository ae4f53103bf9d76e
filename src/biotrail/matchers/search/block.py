"""A stretch of a gallery: rows, their lengths, their names and their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biotrail.matchers.search.layer import Layer, RowLayer, RowSource
from biotrail.matchers.search.memory import reserved

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.search.kernels import CodedRows, Kernel, Rows

__all__ = ["ROWS", "Block", "RowSource", "wipe_slots"]

ROWS = 16_384
"""Rows of a block: enough that a block's fixed costs vanish, few enough to stay in the caches."""
_READIED = 1_024
"""Rows whose memory is asked for at once."""
_NO_ROW = -1.0


class Block:
    """Up to `ROWS` rows; of rows that lie elsewhere, exactly as many as there are.

    Attributes:
        vectors: The rows, float32.
        length: Their lengths, float32; minus one where there is no row.
        lengths_in_order: Their lengths as the scores' own order of additions gives them, float64,
            zero where nobody has asked yet; None before `keep_lengths`.
        names: The references that they belong to, 16 bytes each.
        layers: Their codes, by the kernel's name.
        count: Rows that have been used, whether or not a reference is there now.
        ready: Rows whose memory has been touched.
    """

    def __init__(
        self,
        dimension: int,
        metric: str,
        kernels: Sequence[Kernel],
        vectors: RowSource | None = None,
        rows: int = ROWS,
    ) -> None:
        import numpy

        self.metric = metric
        self.writable = vectors is None
        self.vectors: Any = vectors
        if vectors is None:
            self.vectors = reserved(ROWS, dimension, numpy.float32)
        self.length = numpy.full(rows, _NO_ROW, numpy.float32)
        self.lengths_in_order: NDArray[numpy.float64] | None = None
        self.names = numpy.zeros((rows, 16), numpy.uint8)
        self.keys = self.names.view(numpy.uint64)[:, 0]
        self._name_bytes = self.names.reshape(-1).data
        cosine = metric == "cosine"
        self.layers = {
            kernel.name: RowLayer(kernel, self.vectors, self.length, cosine=cosine)
            if kernel.over_rows
            else Layer(kernel, dimension, rows)
            for kernel in kernels
        }
        self.count = 0
        self.ready = 0 if vectors is None else rows

    def make_ready(self) -> None:
        """Write zeros where further rows will be, so that their memory is there when they come.

        Nobody may write or read beyond `ready` meanwhile.
        """
        some = slice(self.ready, min(self.ready + _READIED, ROWS))
        self.vectors[some] = 0.0
        for layer in self.layers.values():
            if layer.own_codes:
                layer.codes[some] = 0
        self.ready = some.stop

    @property
    def full(self) -> bool:
        """Whether no row can be appended."""
        return self.count == ROWS or not self.writable

    def keep_lengths(self) -> NDArray[numpy.float64] | None:
        """Where lengths in the scores' order are kept; nowhere for rows that lie elsewhere."""
        import numpy

        if self.lengths_in_order is None and self.writable:
            self.lengths_in_order = numpy.zeros(ROWS)
        return self.lengths_in_order

    def name(self, row: int) -> bytes:
        """The name of a row."""
        return self._name_bytes[16 * row : 16 * row + 16].tobytes()

    def set_name(self, row: int, name: bytes) -> None:
        """Say to which reference a row belongs, before it is written."""
        self._name_bytes[16 * row : 16 * row + 16] = name

    def write(self, first: int, rows: Rows, coded: Sequence[CodedRows], length: Any) -> None:
        """Put rows in place; their names must be there already.

        Args:
            first: Place of the first row.
            rows: The rows, float32.
            coded: Their codes under each layer's kernel, in the layers' order.
            length: Their lengths, float64.
        """
        end = first + len(rows)
        if self.writable:
            self.vectors[first:end] = rows
        cosine = self.metric == "cosine"
        for layer, one in zip(self.layers.values(), coded, strict=True):
            layer.write(first, one, length, cosine=cosine)
        self.length[first:end] = length

    def write_one(
        self, row: int, values: Any, coded: Sequence[tuple[Any, float, float]], length: float
    ) -> None:
        """The same for one row, shape (dimension,)."""
        if self.writable:
            self.vectors[row] = values
        cosine = self.metric == "cosine"
        for layer, one in zip(self.layers.values(), coded, strict=True):
            layer.write_one(row, one, length, cosine=cosine)
        self.length[row] = length

    def wipe(self, row: int | list[int]) -> None:
        """Leave nothing of a row in memory, or of several."""
        for layer in self.layers.values():
            layer.wipe(row)
        if self.writable:
            self.vectors[row] = 0
        if self.lengths_in_order is not None:
            self.lengths_in_order[row] = 0.0
        self.names[row] = 0
        self.length[row] = _NO_ROW


def wipe_slots(blocks: Sequence[Block], slots: Sequence[int]) -> list[int]:
    """Wipe the rows of some slots, those of a block together; answers the slots to be used again.

    Args:
        blocks: All the blocks.
        slots: Each its block's number times `ROWS`, plus its place.
    """
    places: dict[int, list[int]] = {}
    for slot in slots:
        places.setdefault(slot // ROWS, []).append(slot % ROWS)
    free: list[int] = []
    for number, rows in places.items():
        blocks[number].wipe(rows if len(rows) > 1 else rows[0])
        if blocks[number].writable:
            free += [number * ROWS + row for row in rows]
    return free

"""A stretch of a gallery: rows, their codes, and the extent of their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from biotrail.matchers.search.bound import upwards
from biotrail.matchers.search.extent import Extent
from biotrail.matchers.search.memory import reserved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biotrail.matchers.search.kernels import CodedRows, Kernel, Rows

__all__ = ["ROWS", "SHORTEST", "Block", "Layer", "RowSource", "wipe_slots"]

ROWS = 16_384
"""Rows of a block: enough that a block's fixed costs vanish, few enough to stay in the caches."""
_READIED = 1_024
"""Rows whose memory is asked for at once."""
SHORTEST = 1e-25
"""Shorter rows could lose their digits in float32 products; they are always looked at exactly."""
_ABSENT = float("-inf")


class RowSource(Protocol):
    """Rows that lie somewhere: in memory, in a mapped file, in an encrypted one."""

    def __getitem__(self, rows: Any, /) -> Rows: ...


class Layer:
    """The codes of a block's rows under one kernel, with what the bound needs of each.

    Attributes:
        weight: float32; the step of the code, under cosine over the row's length.
        radius: float32; the code's error, under cosine over the row's length. Minus infinity where
            there is no row, which no key reaches.
    """

    def __init__(self, kernel: Kernel, dimension: int, rows: int = ROWS, codes: Any = None) -> None:
        import numpy

        self.kernel = kernel
        self.own_codes = codes is None
        if codes is None:
            codes = reserved(rows, kernel.width(dimension), kernel.dtype)
        self.codes = codes
        self.weight = numpy.zeros(rows, numpy.float32)
        self.radius = numpy.full(rows, _ABSENT, numpy.float32)
        self.extent = Extent()

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
        if self.own_codes:
            self.codes[first:end] = coded.codes
        self.weight[first:end] = weight
        self.radius[first:end] = radius

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
        if self.own_codes:
            self.codes[row] = code
        self.weight[row] = weight
        self.radius[row] = radius

    def wipe(self, row: int | list[int]) -> None:
        """Leave nothing of a row, or of several."""
        self.radius[row] = _ABSENT
        self.weight[row] = 0.0
        if self.own_codes:
            self.codes[row] = 0


class Block:
    """Up to `ROWS` rows; of rows that lie elsewhere, exactly as many as there are.

    Attributes:
        vectors: The rows, float32.
        length: Their lengths, float32.
        lengths_in_order: Their lengths as the scores' own order of additions gives them, float64;
            zero where nobody has asked yet, None where rows lie elsewhere.
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
        self.length = numpy.zeros(rows, numpy.float32)
        self.lengths_in_order = numpy.zeros(rows) if vectors is None else None
        self.names = numpy.zeros((rows, 16), numpy.uint8)
        self.keys = self.names.view(numpy.uint64)[:, 0]
        self._name_bytes = self.names.reshape(-1).data
        self.layers = {
            kernel.name: Layer(kernel, dimension, rows, self.vectors if kernel.over_rows else None)
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
        self.length[first:end] = length
        cosine = self.metric == "cosine"
        for layer, one in zip(self.layers.values(), coded, strict=True):
            layer.write(first, one, length, cosine=cosine)

    def write_one(
        self, row: int, values: Any, coded: Sequence[tuple[Any, float, float]], length: float
    ) -> None:
        """The same for one row, shape (dimension,)."""
        if self.writable:
            self.vectors[row] = values
        self.length[row] = length
        cosine = self.metric == "cosine"
        for layer, one in zip(self.layers.values(), coded, strict=True):
            layer.write_one(row, one, length, cosine=cosine)

    def wipe(self, row: int | list[int]) -> None:
        """Leave nothing of a row in memory, or of several."""
        for layer in self.layers.values():
            layer.wipe(row)
        if self.writable:
            self.vectors[row] = 0
        if self.lengths_in_order is not None:
            self.lengths_in_order[row] = 0.0
        self.names[row] = 0
        self.length[row] = 0


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

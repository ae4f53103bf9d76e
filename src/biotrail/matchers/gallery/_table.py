"""The rows of a gallery: adding, removing and looking, each in microseconds, by many threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from biotrail.errors import UnknownReferenceError
from biotrail.matchers.gallery._blocks import Blocks
from biotrail.matchers.gallery._coded import Coded, part_of
from biotrail.matchers.gallery._index import NameIndex
from biotrail.matchers.gallery._look import Look, Moment
from biotrail.matchers.gallery._names import Names
from biotrail.matchers.gallery._readers import Readers
from biotrail.matchers.gallery._turns import Turns
from biotrail.matchers.search.block import ROWS, Block, RowSource, wipe_slots
from biotrail.matchers.search.view import View

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from biotrail.matchers.backend import Vector
    from biotrail.matchers.search.kernels import Kernel

__all__ = ["Table"]

_AT_ONCE = 128
"""Rows that are written or wiped before others get their turn."""


class Table:
    """Blocks of rows, the index of their names, and who is reading.

    Attributes:
        size: References.
        samples: Rows: a reference has one or several.
    """

    def __init__(self, metric: str, dimension: int, kernels: Sequence[Kernel]) -> None:
        self.kernels = tuple(kernels)
        self.names = Names()
        self.size = self.samples = 0
        self._version = 0
        self._seen: Moment | None = None
        self._metric = metric
        self._dimension = dimension
        self._rows = Blocks(metric, dimension, self.kernels)
        self._blocks = self._rows.all
        self._index = NameIndex()
        self._readers = Readers()
        self._free: list[int] = []
        self._several = False
        self._lock = Turns()

    @property
    def version(self) -> int:
        """Rises by one with each row that is added and each reference that is removed."""
        return self._version

    @version.setter
    def version(self, version: int) -> None:
        self._version = version
        self._seen = None  # what a search saw before is no longer what there is

    # --- looking -----------------------------------------------------------------------------

    def look(self, kernel: Kernel) -> Look:
        """A view of the rows as they are now, which later changes do not touch; a context."""
        return Look(self, kernel)

    def begin(self, kernel: Kernel) -> tuple[int, Moment]:
        """Begin to look; answers the tick with which to `end`, and what there is to see."""
        readers = self._readers
        with self._lock:
            tick = readers.begin()
            moment = self._seen
            if moment is None or moment.view.kernel is not kernel:
                parts = tuple([(block, block.count) for block in self._blocks])
                seen = partial(readers.visible, tick=tick)
                view = View(self._metric, self._dimension, parts, kernel, self._several, seen)
                moment = self._seen = Moment(self._version, self.size, view)
            return tick, moment

    def end(self, tick: int) -> None:
        """End to look, and wipe what nobody sees any more."""
        with self._lock:
            self._readers.end(tick)
        if self._readers.pending:
            self._wipe()

    def identifiers(self, view: View, slots: Sequence[int]) -> list[str]:
        """The ids of some slots of a view."""
        identifier, parts = self.names.identifier, view.parts
        return [identifier(parts[slot // ROWS][0].name(slot % ROWS)) for slot in slots]

    def rows(self, identifier: str) -> NDArray[numpy.float64]:
        """The samples of a reference, float64, shape (samples, dimension); none if unknown."""
        import numpy

        with self._lock:
            slots = self._slots(self.names.name(identifier))
            found = [self._blocks[slot // ROWS].vectors[slot % ROWS] for slot in slots]
            return numpy.array(found, numpy.float64).reshape(len(found), self._dimension)

    # --- changing ----------------------------------------------------------------------------

    def holds(self, name: bytes) -> bool:
        """Whether a reference of that name is there."""
        with self._lock:
            return bool(self._slots(name))

    def add(self, names: Sequence[bytes], coded: Coded, identifiers: Sequence[str] = ()) -> None:
        """Add rows; several of one name, one after the other, are samples of one reference.

        Args:
            names: The name of each row.
            coded: The rows.
            identifiers: Ids to remember, one a row.
        """
        for first in range(0, len(names), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            self._add_together(names[some], part_of(coded, some), identifiers[some])

    def _add_together(
        self, names: Sequence[bytes], coded: Coded, identifiers: Sequence[str]
    ) -> None:
        done = 0
        while done < len(names):
            with self._lock:
                if self._rows.room:
                    for identifier, name in zip(identifiers, names, strict=False):
                        self.names.remember(identifier, name)
                    slot, count = self._rows.append(names, coded, done)
                    for number in range(count):
                        self._enter(names[done + number], slot + number)
                    done += count
                    continue
            self._rows.make_room(self._lock)

    def add_one(self, name: bytes, row: Vector, identifier: str) -> None:
        """Add one row, in microseconds.

        Args:
            name: Its name.
            row: Float64, shape (dimension,), values that float32 can hold.
            identifier: Its id.
        """
        length = math.sqrt(row.dot(row))
        coded = [kernel.code_row(row, length) for kernel in self.kernels]
        while not self._written(name, identifier, row, length, coded):
            self._rows.make_room(self._lock)

    def _written(
        self, name: bytes, identifier: str, row: Vector, length: float, coded: Any
    ) -> bool:
        """Write one row, where there is room for it."""
        with self._lock:
            blocks = self._blocks
            if self._free:
                slot = self._free.pop()
                self._readers.born(slot)
            elif self._rows.room:
                slot = (len(blocks) - 1) * ROWS + blocks[-1].count
            else:
                return False
            self.names.remember(identifier, name)
            block, place = blocks[slot // ROWS], slot % ROWS
            block.set_name(place, name)
            block.write_one(place, row, coded, length)
            if place >= block.count:
                block.count = place + 1
            self._enter(name, slot)
            return True

    def _enter(self, name: bytes, slot: int) -> None:
        self.samples += 1
        self._version += 1
        self._seen = None
        other = self._index.add(name, slot)
        if other >= 0:
            self._several = True
            if self._name(other) == name or len(self._slots(name)) > 1:
                return
        self.size += 1

    def attach(self, names: NDArray[numpy.uint8], vectors: RowSource, coded: Coded) -> None:
        """Add a block of rows that lie elsewhere, e.g. in a mapped file; only codes are kept here.

        Args:
            names: Their names, shape (rows, 16).
            vectors: Where they lie.
            coded: Their codes.
        """
        with self._lock:
            if self._blocks and self._blocks[-1].count < ROWS:
                raise ValueError("rows that lie elsewhere come before all others")
            count = len(names)
            block = Block(self._dimension, self._metric, self.kernels, vectors, count)
            block.names[:] = names
            block.write(0, coded.rows, coded.codes, coded.lengths)
            block.count = count
            self._blocks.append(block)
            slot = (len(self._blocks) - 1) * ROWS
            for number, row in enumerate(names):
                self._enter(row.tobytes(), slot + number)

    def remove(self, identifier: str) -> int:
        """Remove a reference with all its samples, and answer how many those were.

        Raises:
            UnknownReferenceError: There is none with this id.
        """
        name = self.names.name(identifier)
        with self._lock:
            slots = self._slots(name)
            if not slots:
                raise UnknownReferenceError("no reference with this id is in the gallery")
            for slot in slots:
                self._index.remove(name, slot)
                self._readers.died(slot)
            self.samples -= len(slots)
            self.size -= 1
            self.version += 1
        self._wipe()
        return len(slots)

    def _name(self, slot: int) -> bytes:
        return self._blocks[slot // ROWS].name(slot % ROWS)

    def _slots(self, name: bytes) -> list[int]:
        return [slot for slot in self._index.find(name) if self._name(slot) == name]

    def _wipe(self) -> None:
        """Wipe what no search sees any more, a few rows at a time."""
        while True:
            with self._lock:
                slots = self._readers.to_wipe(_AT_ONCE)
                self._wipe_slots(slots)
            if len(slots) < _AT_ONCE:
                return

    def _wipe_slots(self, slots: list[int]) -> None:
        remembered = [self._name(slot) for slot in slots] if self.names.foreign else []
        self._free.extend(wipe_slots(self._blocks, slots))
        for name in remembered:
            if not self._index.find(name):
                self.names.forget(name)

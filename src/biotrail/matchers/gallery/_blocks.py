"""The blocks of a gallery, and the room for further rows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biotrail.matchers.gallery._coded import part_of
from biotrail.matchers.search.block import ROWS, Block

if TYPE_CHECKING:
    from biotrail.matchers.gallery._coded import Coded
    from biotrail.matchers.gallery._turns import Turns
    from biotrail.matchers.search.kernels import Kernel

__all__ = ["Blocks"]


class Blocks:
    """Blocks, the last of which takes rows in. All but `make_room` is called under the lock.

    A page that is written for the first time has to be found and cleared by the system, which takes
    milliseconds for a large one. That is done before others can be waiting for it.

    Attributes:
        all: The blocks.
    """

    def __init__(self, metric: str, dimension: int, kernels: Sequence[Kernel]) -> None:
        self.all: list[Block] = []
        self._metric = metric
        self._dimension = dimension
        self._kernels = kernels
        self._growing = threading.Lock()

    @property
    def room(self) -> int:
        """Rows that can be written without waiting for memory."""
        return self.all[-1].ready - self.all[-1].count if self.all else 0

    def make_room(self, lock: Turns) -> None:
        """See that there is room for a row at least; called without the lock.

        Args:
            lock: The lock under which blocks are used.
        """
        with self._growing:
            if self.room:
                return
            if self.all and not self.all[-1].full:
                self.all[-1].make_ready()
                return
            block = Block(self._dimension, self._metric, self._kernels)
            block.make_ready()
            with lock:
                self.all.append(block)

    def append(self, names: Sequence[bytes], coded: Coded, first: int) -> tuple[int, int]:
        """Write rows from the given one on, as many as there is room for.

        Returns:
            The slot of the first of them, and how many have been written.
        """
        import numpy

        block = self.all[-1]
        place = block.count
        fitting = min(self.room, len(names) - first)
        some = names[first : first + fitting]
        part = coded if fitting == len(names) else part_of(coded, slice(first, first + fitting))
        flat = numpy.frombuffer(b"".join(some), numpy.uint8)
        block.names[place : place + fitting] = flat.reshape(fitting, 16)
        block.write(place, part.rows, part.codes, part.lengths)
        block.count = place + fitting
        return (len(self.all) - 1) * ROWS + place, fitting

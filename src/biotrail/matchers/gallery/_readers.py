"""Which rows a search sees while others add and remove: those that were there when it began.

Every beginning, addition and removal has a number from one count, the *tick*. A row that is removed
stays in place until the searches that may see it have ended, and is wiped then. All methods but
`visible` are called under the gallery's lock.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

__all__ = ["Readers"]

_NEVER = float("inf")


class Readers:
    """The searches that are running, and the changes that they must not see."""

    def __init__(self) -> None:
        self._tick = 0
        self._running: set[int] = set()
        self._born: dict[int, int] = {}
        self._died: dict[int, int] = {}
        self._births: deque[tuple[int, int]] = deque()
        self._to_wipe: deque[tuple[int, int]] = deque()
        self._wiped: deque[tuple[int, int]] = deque()

    def begin(self) -> int:
        """A search begins; answers its tick."""
        self._tick += 1
        self._running.add(self._tick)
        return self._tick

    def end(self, tick: int) -> None:
        """That search has ended."""
        self._running.discard(tick)
        if self._wiped or self._births:
            self._forget()

    @property
    def pending(self) -> bool:
        """Whether rows wait to be wiped."""
        return bool(self._to_wipe)

    def born(self, slot: int) -> None:
        """A slot is about to be used again: tell it before its row is written."""
        self._tick += 1
        if self._running:
            self._born[slot] = self._tick
            self._births.append((self._tick, slot))
        self._died.pop(slot, None)

    def died(self, slot: int) -> None:
        """The row of a slot has been removed."""
        self._tick += 1
        self._died[slot] = self._tick
        self._to_wipe.append((self._tick, slot))

    def to_wipe(self, most: int) -> list[int]:
        """Slots that no running search sees any more: wipe them now. At most so many at once."""
        oldest = min(self._running, default=_NEVER)
        slots: list[int] = []
        while self._to_wipe and self._to_wipe[0][0] < oldest and len(slots) < most:
            slots.append(self._to_wipe.popleft()[1])
        if slots:
            self._tick += 1
            self._wiped.extend((self._tick, slot) for slot in slots)
        return slots

    def _forget(self) -> None:
        oldest = min(self._running, default=_NEVER)
        while self._wiped and self._wiped[0][0] < oldest:
            tick, slot = self._wiped.popleft()
            if self._died.get(slot, _NEVER) < tick:
                del self._died[slot]
        while self._births and self._births[0][0] < oldest:
            tick, slot = self._births.popleft()
            if self._born.get(slot) == tick:
                del self._born[slot]

    def visible(self, slots: NDArray[numpy.int64], tick: int) -> NDArray[numpy.bool_] | None:
        """Which of some slots the search with this tick sees; None for all of them."""
        if not self._born and not self._died:
            return None
        import numpy

        born, died = self._born, self._died
        return numpy.array(
            [born.get(slot, 0) < tick <= died.get(slot, _NEVER) for slot in slots.tolist()],
            numpy.bool_,
        )

"""From a reference's name to its slots, in about thirteen bytes a row and without pauses.

Names are spread over 256 parts by their first byte; each part is kept sorted. An insertion moves a
few kilobytes, and nothing is ever built anew.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

__all__ = ["NameIndex"]

_PARTS = 256


class NameIndex:
    """A sorted list of eight-byte keys with the slot of each; one key may stand there many times.

    A key is the first eight bytes of a name. That a slot truly belongs to a name, and not to
    another with the same key, is for the caller to check.
    """

    def __init__(self) -> None:
        self._keys = [array("Q") for _ in range(_PARTS)]
        self._slots = [array("I") for _ in range(_PARTS)]

    def add(self, name: bytes, slot: int) -> int:
        """Enter a slot; answers another slot with the same key, or -1 where there is none."""
        key, keys, slots = self._part(name)
        place = bisect_right(keys, key)
        keys.insert(place, key)
        slots.insert(place, slot)
        return slots[place - 1] if place > 0 and keys[place - 1] == key else -1

    def find(self, name: bytes) -> list[int]:
        """The slots under the name's key."""
        key, keys, slots = self._part(name)
        return slots[bisect_left(keys, key) : bisect_right(keys, key)].tolist()

    def remove(self, name: bytes, slot: int) -> None:
        """Take one slot out again."""
        key, keys, slots = self._part(name)
        place = bisect_left(keys, key)
        while slots[place] != slot:
            place += 1
        del keys[place], slots[place]

    def _part(self, name: bytes) -> tuple[int, array[int], array[int]]:
        which = name[0]
        return int.from_bytes(name[:8], "big"), self._keys[which], self._slots[which]

"""Looks for what is left of deleted bytes in a file, and in the files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

__all__ = ["files_beside", "needles_of", "traces"]

_CHUNK = 1 << 22
_NEEDLE = 16
_STRIDE = 128
_FEW = 64
_SHORTEST = 3


def files_beside(path: Path) -> list[Path]:
    """The file and all whose names begin with its name: journal, write-ahead log, copies."""
    found = (one for one in path.parent.iterdir() if one.name.startswith(path.name))
    return sorted(one for one in found if one.is_file())


def needles_of(secret: bytes) -> Iterator[bytes]:
    """16 bytes out of every 128, and the last: what is left of `secret` holds one of them.

    A remainder of 143 bytes in one piece always does.
    """
    for start in range(0, len(secret) - _NEEDLE, _STRIDE):
        yield secret[start : start + _NEEDLE]
    yield secret[-_NEEDLE:]


def traces(path: Path, needles: Iterable[bytes]) -> int:
    """How many of the needles are in the file. It is read in pieces of 4 MiB.

    Raises:
        OSError: The file cannot be read.
    """
    sought = {needle for needle in needles if len(needle) >= _SHORTEST}
    if not sought:
        return 0
    look = _one_by_one if len(sought) <= _FEW else _all_at_once(sought)
    found: set[bytes] = set()
    overlap = max(map(len, sought)) - 1
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            window = before + piece
            found |= look(window, sought - found)
            before = window[-overlap:] if overlap else b""
    return len(found)


def _one_by_one(window: bytes, sought: set[bytes]) -> set[bytes]:
    return {needle for needle in sought if needle in window}


def _all_at_once(needles: set[bytes]) -> Callable[[bytes, set[bytes]], set[bytes]]:
    """A search that costs the same for a hundred needles as for a hundred thousand.

    A table of the first three bytes of all needles says which places are worth a look.
    """
    import numpy

    table = numpy.zeros(1 << 24, numpy.bool_)
    for needle in needles:
        table[int.from_bytes(needle[:3], "little")] = True
    lengths = sorted({len(needle) for needle in needles})

    def look(window: bytes, sought: set[bytes]) -> set[bytes]:
        octets = numpy.frombuffer(window, numpy.uint8).astype(numpy.uint32)
        firsts = octets[:-2] | octets[1:-1] << 8 | octets[2:] << 16
        places = numpy.flatnonzero(table[firsts]).tolist()
        pieces = {window[place : place + length] for place in places for length in lengths}
        return pieces & sought

    return look

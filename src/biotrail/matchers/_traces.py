"""Looks for what is left of deleted bytes in a file, and in the files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["files_beside", "needles_of", "traces"]

_CHUNK = 1 << 22
_NEEDLE = 16
_STRIDE = 128


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
    sought = {needle for needle in needles if needle}
    if not sought:
        return 0
    found: set[bytes] = set()
    overlap = max(map(len, sought)) - 1
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            window = before + piece
            found |= {needle for needle in sought - found if needle in window}
            before = window[-overlap:] if overlap else b""
    return len(found)

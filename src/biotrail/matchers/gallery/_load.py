"""Reading a gallery's file: into memory, or leaving its rows where they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from biotrail.errors import GalleryFileError, MatcherError
from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._cipher import ChunkCipher
from biotrail.matchers.gallery._coded import code
from biotrail.matchers.gallery._layout import NAME_BYTES, Layout, read_head
from biotrail.matchers.gallery._table import Table
from biotrail.matchers.search.block import ROWS

if TYPE_CHECKING:
    from biotrail.matchers.search.kernels import Rows

__all__ = ["fill", "open_file"]

_START = 70_000
_BUFFER = 1 << 20


class Chunks(Protocol):
    """The chunks of a file, in the clear."""

    def lists(self) -> bytes:
        """The lists."""
        ...

    def rows(self, first: int, end: int) -> Any:
        """Rows from one to another, as something that can be indexed like an array."""
        ...


def open_file(path: Path, card: ModelCard, key: bytes | None) -> tuple[Layout, Chunks]:
    """Check a gallery's file, and open it.

    Raises:
        GalleryFileError: It is absent, unreadable, not a gallery, damaged, of another model, or
            needs another key.
        MatcherError: The key is not 32 bytes.
    """
    try:
        with path.open("rb") as file:
            layout = read_head(file.read(_START))
            _check_bytes(file, layout)
    except FileNotFoundError:
        raise GalleryFileError(f"there is no file {path}", reason="absent") from None
    except OSError as error:  # a directory, no permission, a failing disk
        raise GalleryFileError(
            f"{path} cannot be read: {error.strerror}", reason="unreadable"
        ) from error
    if layout.card != card.digest.hex():
        raise GalleryFileError(
            f"the gallery is of another model (card {layout.card[:16]} of {layout.model}, not "
            f"{card.digest.hex()[:16]} of {card.id} {card.version}); enrol again with this one",
            reason="other model",
        )
    if (layout.metric, layout.dimension) != (card.metric, card.dimension):
        raise GalleryFileError("the gallery's header contradicts its card", reason="corrupted")
    if not layout.salt:
        if key is not None:
            raise GalleryFileError("the gallery is not encrypted", reason="wrong key")
        return layout, _Plain(path, layout)
    if key is None:
        raise GalleryFileError("the gallery is encrypted: give its key", reason="key needed")
    return layout, _Sealed(path, layout, key)


def _check_bytes(file: BinaryIO, layout: Layout) -> None:
    length = file.seek(0, 2)
    if length < layout.length:
        raise GalleryFileError(
            f"the gallery has {length} bytes of {layout.length}", reason="truncated"
        )
    file.seek(0)
    checksum, left = hashlib.sha256(), layout.trailer_at
    while left:
        data = file.read(min(left, _BUFFER))
        checksum.update(data)
        left -= len(data)
    if length > layout.length or file.read(32) != checksum.digest():
        raise GalleryFileError("the gallery's checksum is another one", reason="corrupted")


class _Plain:
    """A file in the clear, mapped."""

    def __init__(self, path: Path, layout: Layout) -> None:
        import numpy

        self._path = path
        self._layout = layout
        shape = (layout.samples, layout.dimension)
        self._rows: Any = numpy.empty(shape, numpy.float32)
        if layout.samples:
            self._rows = numpy.memmap(path, "<f4", "r", layout.rows_at, shape)

    def lists(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._layout.lists_at)
            return file.read(self._layout.lists)

    def rows(self, first: int, end: int) -> Any:
        return self._rows[first:end]


class _Sealed:
    """An encrypted file; each chunk is opened when it is needed, and not kept."""

    def __init__(self, path: Path, layout: Layout, key: bytes) -> None:
        import mmap

        self._layout = layout
        salt = bytes.fromhex(layout.salt)
        self._cipher = ChunkCipher(key, salt, layout.header_hash, layout.chunks)
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def lists(self) -> bytes:
        layout = self._layout
        step = layout.list_chunk + layout.tag
        end = layout.lists_at + layout.lists + layout.tag * layout.list_chunks
        opened = []
        for number in range(layout.list_chunks):
            first = layout.lists_at + number * step
            opened.append(self._cipher.open(number, self._map[first : min(first + step, end)]))
        return b"".join(opened)

    def rows(self, first: int, end: int) -> Any:
        return _SealedRows(self, first, end - first)

    def chunk(self, number: int) -> Rows:
        """A chunk of rows."""
        import numpy

        layout = self._layout
        step = 4 * layout.dimension * layout.chunk_rows + layout.tag
        first = layout.rows_at + number * step
        sealed = self._map[first : min(first + step, layout.trailer_at)]
        plain = self._cipher.open(layout.list_chunks + number, sealed)
        return numpy.frombuffer(plain, "<f4").reshape(-1, layout.dimension)

    @property
    def chunk_rows(self) -> int:
        """Rows of a chunk."""
        return self._layout.chunk_rows


class _SealedRows:
    """Rows of an encrypted file, indexed by a slice, a number or an array of numbers."""

    def __init__(self, file: _Sealed, first: int, count: int) -> None:
        self._file = file
        self._first = first
        self._count = count

    def __getitem__(self, which: Any) -> Rows:
        import numpy

        wanted = numpy.arange(self._count)[which]
        flat = numpy.atleast_1d(wanted) + self._first
        numbers, places = numpy.divmod(flat, self._file.chunk_rows)
        found: list[Any] = [None] * len(flat)
        for number in numpy.unique(numbers).tolist():
            chunk = self._file.chunk(number)
            for place in (numbers == number).nonzero()[0].tolist():
                found[place] = chunk[places[place]]
        rows: Rows = numpy.array(found, numpy.float32)
        return rows[0] if wanted.ndim == 0 else rows


def fill(table: Table, layout: Layout, chunks: Chunks, *, mapped: bool) -> None:
    """Put a file's references into an empty table.

    Args:
        table: Empty.
        layout: What the file's header says.
        chunks: The file.
        mapped: Whether to leave the rows in the file.

    Raises:
        GalleryFileError: What the file holds is not a gallery's content.
    """
    import numpy

    try:
        foreign, names = _split(layout, chunks.lists())
        for identifier in foreign:
            table.names.remember(identifier, table.names.name(identifier))
        for first, end in _stretches(layout.samples):
            lying = chunks.rows(first, end)
            rows: Rows = numpy.asarray(lying[:], numpy.float32)
            _check_rows(rows, layout.metric)
            coded = code(rows, table.kernels)
            some = names[first:end]
            if mapped:
                table.attach(some, lying, coded)
            else:
                table.add([name.tobytes() for name in some], coded)
    except (ValueError, MatcherError) as error:
        if isinstance(error, GalleryFileError):
            raise
        raise GalleryFileError("the gallery's content is damaged", reason="corrupted") from error
    if (table.size, table.samples) != (layout.size, layout.samples):
        raise GalleryFileError("the gallery's content is not as counted", reason="corrupted")
    table.version = layout.version


def _stretches(samples: int) -> Iterator[tuple[int, int]]:
    for first in range(0, samples, ROWS):
        yield first, min(first + ROWS, samples)


def _split(layout: Layout, lists: bytes) -> tuple[list[str], Any]:
    import numpy

    foreign = json.loads(lists[: layout.foreign])
    if not isinstance(foreign, list) or not all(isinstance(one, str) for one in foreign):
        raise ValueError("the ids are no texts")
    names = numpy.frombuffer(lists[layout.foreign :], numpy.uint8)
    return foreign, names.reshape(layout.samples, NAME_BYTES)


def _check_rows(rows: Rows, metric: str) -> None:
    import numpy

    if not numpy.abs(rows).max() <= 1e18:
        raise ValueError("a row is not finite")
    if metric == "cosine" and not rows.any(axis=1).all():
        raise ValueError("a row is zero")

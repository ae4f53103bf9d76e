"""Writing a gallery into one file, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from biotrail.matchers.card import ModelCard
from biotrail.matchers.gallery._cipher import ChunkCipher, new_salt
from biotrail.matchers.gallery._layout import Layout
from biotrail.matchers.gallery._look import Moment
from biotrail.matchers.gallery._table import Table
from biotrail.matchers.search.block import ROWS
from biotrail.matchers.search.finish import every_slot

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

__all__ = ["save"]

Seal = Callable[[int, bytes], bytes]


def save(
    path: Path, table: Table, moment: Moment, card: ModelCard, name: str, key: bytes | None
) -> None:
    """Write what a gallery was at a moment.

    The file is made beside its place and then put there, readable by its owner only.

    Raises:
        MatcherError: The key is not 32 bytes.
        OSError: The file cannot be written.
    """
    slots = every_slot(moment.view)
    foreign, names = _lists(table, moment, slots)
    layout = Layout(
        card=card.digest.hex(),
        model=f"{card.id} {card.version}",
        metric=card.metric,
        dimension=card.dimension,
        name=name,
        version=moment.version,
        size=moment.size,
        samples=slots.size,
        foreign=len(foreign),
        salt="" if key is None else new_salt().hex(),
    )
    seal: Seal = _plain
    if key is not None:
        salt = bytes.fromhex(layout.salt)
        seal = ChunkCipher(key, salt, layout.header_hash, layout.chunks).seal
    parts = _parts(layout, moment, slots, foreign + names)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(beside, flags, 0o600), "wb") as file:
            _write(file, layout, parts, seal)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _plain(_number: int, chunk: bytes) -> bytes:
    return chunk


def _lists(table: Table, moment: Moment, slots: NDArray[numpy.int64]) -> tuple[bytes, bytes]:
    """The foreign ids of these slots as JSON, and the names of all of them."""
    parts = moment.view.parts
    numbers = (slots // ROWS).tolist()
    names = [
        parts[n][0].names[s % ROWS].tobytes() for n, s in zip(numbers, slots.tolist(), strict=True)
    ]
    known = table.names.known()
    foreign = sorted({known[name] for name in names if name in known})
    text = json.dumps(foreign, ensure_ascii=False, separators=(",", ":"))
    return text.encode(), b"".join(names)


def _parts(
    layout: Layout, moment: Moment, slots: NDArray[numpy.int64], lists: bytes
) -> Iterator[tuple[int, bytes]]:
    """Each chunk with its number."""
    for number in range(layout.list_chunks):
        first = number * layout.list_chunk
        yield number, lists[first : first + layout.list_chunk]
    for number in range(layout.row_chunks):
        some = slots[number * layout.chunk_rows : (number + 1) * layout.chunk_rows]
        yield layout.list_chunks + number, moment.view.take(some).astype("<f4").tobytes()


def _write(file: BinaryIO, layout: Layout, parts: Iterable[tuple[int, bytes]], seal: Seal) -> None:
    checksum = hashlib.sha256()

    def put(data: bytes) -> None:
        checksum.update(data)
        file.write(data)

    put(layout.header())
    for number, chunk in parts:
        if number == layout.list_chunks:
            put(b"\0" * (layout.rows_at - file.tell()))
        put(seal(number, chunk))
    if not layout.row_chunks:
        put(b"\0" * (layout.rows_at - file.tell()))
    file.write(checksum.digest())
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the renaming durable, where folders can be synced."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

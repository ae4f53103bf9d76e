"""The sealed half of the SQLite store, as far as it is read: payloads, wrapped keys, fences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from biotrail.stores._sqlite_connections import Connections
from biotrail.stores._sqlite_schema import schema_version
from biotrail.stores._sqlite_tags import ADDRESSES, BLOCK, DEVICES, TagKind, block_of, stray_tags
from biotrail.stores.sealed import Fence, WrappedKey

__all__ = ["INDEXED_EVERY", "SealedReading", "after", "in_groups"]

INDEXED_EVERY = 4_096
"""Rows below the last multiple of this are in the indexes; the later ones may not be yet."""

_VALUES_PER_QUERY = 500
_FAULTS = 10
_LAST_BLOCK = (
    "SELECT (SELECT max(id) FROM sealed_tags), page_count, page_size "
    "FROM pragma_page_count, pragma_page_size"
)
_SEALED_SINCE, _IN_BLOCKS_SINCE = 2, 3
_RANGE = "idx >= ? AND idx < ?"
_UNPLANNED_RANGE = "+idx >= ? AND +idx < ?"
# Those below the last multiple are in the indexes; of the later ones, not all are.
_LATEST = f"idx >= (SELECT (max(idx) + 1) / {INDEXED_EVERY} * {INDEXED_EVERY} FROM sealed)"  # noqa: S608
# A destroyed key keeps its length, so that SQLite overwrites it where it lies.
_INTACT = "wrapped <> zeroblob(length(wrapped))"
_KEY = f"reference, key_id, CASE WHEN {_INTACT} THEN wrapped ELSE x'' END, fingerprint"


class SealedReading(Connections):
    """Reads what the vault keeps; a file of schema version 1 has nothing of it."""

    _version_seen = 0

    def _has_sealed(self) -> bool:
        return self._is_of(_SEALED_SINCE)

    def _is_of(self, version: int) -> bool:
        """Whether the file has at least this schema version."""
        # A writer may bring the file up to date while it is being read; it never goes back.
        if self._version_seen < version:
            with self._translated, self._reading() as connection:
                self._version_seen = schema_version(connection)
        return self._version_seen >= version

    def _sealed_rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        return self._rows(query, values) if self._has_sealed() else iter(())

    def payloads(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Payloads of a range, sealed or not."""
        query = f"SELECT idx, payload FROM payloads WHERE {_RANGE}"  # noqa: S608 - our own words
        if not self._has_sealed():
            return self._rows(f"{query} ORDER BY idx", (start, stop))
        sealed = f"SELECT idx, payload FROM sealed WHERE {_RANGE}"  # noqa: S608 - our own words
        both = f"{query} UNION ALL {sealed} ORDER BY idx"
        return self._rows(both, (start, stop, start, stop))

    def clear_payloads(self, start: int, stop: int) -> Iterator[int]:
        """Indices, in order, of the payloads that were never sealed."""
        query = f"SELECT idx FROM payloads WHERE {_RANGE} ORDER BY idx"  # noqa: S608
        return (int(row[0]) for row in self._rows(query, (start, stop)))

    def payloads_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The payloads, sealed or not, at these indices."""
        found: dict[int, bytes] = {}
        for some, marks in in_groups(indices):
            query = f"SELECT idx, payload FROM payloads WHERE idx IN ({marks})"  # noqa: S608
            found.update(self._rows(query, some))
            query = f"SELECT idx, payload FROM sealed WHERE idx IN ({marks})"  # noqa: S608
            found.update(self._sealed_rows(query, some))
        return found

    def entries_at(self, indices: Sequence[int]) -> dict[int, bytes]:
        """The entries at these indices."""
        found: dict[int, bytes] = {}
        for some, marks in in_groups(indices):
            query = f"SELECT idx, entry FROM entries WHERE idx IN ({marks})"  # noqa: S608
            found.update(self._rows(query, some))
        return found

    def sealed_of(self, reference: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose subject or actor this is."""
        return self._found(("subject = ?", "actor = ?"), [reference], start, stop)

    def sealed_people(
        self, start: int, stop: int
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Index, subject and actor of the sealed payloads of a range."""
        query = f"SELECT idx, subject, actor FROM sealed WHERE {_RANGE} ORDER BY idx"  # noqa: S608
        return self._sealed_rows(query, (start, stop))

    def sealed_by_device(self, tag: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose device has this tag."""
        if self._is_of(_IN_BLOCKS_SINCE):
            return self._tagged(DEVICES, tag, start, stop)
        return self._found(("device = ?",), [tag], start, stop)

    def sealed_by_ip(self, prefix: bytes, start: int, stop: int) -> Iterator[int]:
        """Indices of the sealed payloads whose address tags begin so."""
        if self._is_of(_IN_BLOCKS_SINCE):
            return self._tagged(ADDRESSES, prefix, start, stop)
        if (limit := _following(prefix)) is None:
            return self._found(("ip >= ?",), [prefix], start, stop)
        # Of two ranges the tags' is the one to go by: the other is kept from the planner ("+").
        return self._found(("ip >= ? AND ip < ?",), [prefix, limit], start, stop, _UNPLANNED_RANGE)

    def _tagged(self, kind: TagKind, prefix: bytes, start: int, stop: int) -> Iterator[int]:
        """Rows whose tag begins so: by the blocks, and those that are in none yet."""
        written = self._blocks()
        found: set[int] = set()
        blocks = range(max(start, 0) // BLOCK, min(written, -(-stop // BLOCK)))
        for query, values in _in_blocks(kind, prefix, blocks):
            for place, cells in self._rows(query, values):
                found.update(kind.indices(place, cells, prefix))
        later = f"SELECT idx FROM sealed WHERE {_RANGE} AND substr({kind.column}, 1, ?) = ?"  # noqa: S608
        beyond = max(start, written * BLOCK)
        if beyond < stop:
            rows = self._rows(later, (beyond, stop, len(prefix), prefix))
            found.update(int(row[0]) for row in rows)
        return iter(sorted(index for index in found if start <= index < stop))

    def device_cells(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Number and cells (tag, place from 1 on) of blocks in which devices have tags."""
        written = self._blocks() if self._is_of(_IN_BLOCKS_SINCE) else 0
        rows = "SELECT cells FROM sealed_tags WHERE id >= ? AND id < ?"
        later = f"SELECT idx, device FROM sealed WHERE {_RANGE} AND device IS NOT NULL"  # noqa: S608
        for block in range(start, stop):
            if block < written:
                every = [row[0] for row in self._rows(rows, DEVICES.places(block))]
            else:
                span = block * BLOCK, (block + 1) * BLOCK
                tagged = self._sealed_rows(later, span)
                every = [DEVICES.cell(*row) for row in tagged if DEVICES.is_tag(row[1])]
            yield block, b"".join([one for one in every if isinstance(one, bytes)])

    def _blocks(self) -> int:
        """How many blocks are written; of a row that lies, no more than the file can hold."""
        last, pages, size = self._one(_LAST_BLOCK) or (None, 0, 0)
        return 0 if last is None else min(block_of(last), pages * size // BLOCK) + 1

    def _stray_tags(self) -> list[str]:
        """Blocks whose tags are not those beside the payloads."""
        blocks = range(self._blocks() if self._is_of(_IN_BLOCKS_SINCE) else 0)
        stray = (block * BLOCK for block in blocks if stray_tags(block, self._rows))
        some = islice(stray, _FAULTS)
        return [f"tags of entries {one} to {one + BLOCK - 1} are altered" for one in some]

    def _found(
        self,
        conditions: Sequence[str],
        values: Sequence[object],
        start: int,
        stop: int,
        bounded: str = _RANGE,
    ) -> Iterator[int]:
        """Rows that fit one of the conditions: by the indexes, and those not in them yet."""
        parts = [
            f"SELECT idx FROM sealed WHERE found IS NOT NULL AND {one} AND {bounded}"  # noqa: S608
            for one in conditions
        ]
        either = " OR ".join(f"({one})" for one in conditions)
        later = f"{_LATEST} AND +found IS NULL AND ({either}) AND {_RANGE}"
        parts.append(f"SELECT idx FROM sealed WHERE {later}")  # noqa: S608
        query = f"{' UNION '.join(parts)} ORDER BY idx"
        bounds = (start, stop)
        given = [one for _ in conditions for one in (*values, *bounds)]
        given += [one for _ in conditions for one in values] + [*bounds]
        return (int(row[0]) for row in self._sealed_rows(query, given))

    def data_keys(self, references: Sequence[bytes]) -> dict[bytes, WrappedKey]:
        """The data keys of these references."""
        found: dict[bytes, WrappedKey] = {}
        for some, marks in in_groups(references):
            query = f"SELECT {_KEY} FROM data_keys WHERE reference IN ({marks})"  # noqa: S608
            found.update((row[0], WrappedKey(*row)) for row in self._sealed_rows(query, some))
        return found

    def data_keys_after(self, position: int, limit: int) -> list[tuple[int, WrappedKey]]:
        """Data keys in the order in which they were kept, destroyed ones too."""
        query = f"SELECT id, {_KEY} FROM data_keys WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
        rows = self._sealed_rows(query, (position, max(limit, 0)))
        return [(int(row[0]), WrappedKey(*row[1:])) for row in rows]

    def count_data_keys(self, key_id: str | None = None) -> int:
        """How many data keys there are that are not destroyed."""
        query = f"SELECT count(*) FROM data_keys WHERE {_INTACT}"  # noqa: S608 - our own words
        values = []
        if key_id is not None:
            query, values = f"{query} AND key_id = ?", [key_id]
        return sum(int(row[0]) for row in self._sealed_rows(query, values))

    def fence_count(self) -> int:
        """How many fences were ever written."""
        rows = self._sealed_rows("SELECT coalesce(max(number), 0) FROM fences")
        return sum(int(row[0]) for row in rows)

    def fences(self, *, unfinished: bool = False) -> list[Fence]:
        """Fences in the order in which they were written."""
        query = (
            "SELECT f.number, f.erasure, f.content, f.through, f.entry, r.reference "
            "FROM fences AS f JOIN fence_references AS r USING (number) "
            "WHERE f.entry IS NULL OR ? ORDER BY f.number, r.place"
        )
        found: dict[int, Fence] = {}
        for number, erasure, content, through, entry, reference in self._sealed_rows(
            query, (not unfinished,)
        ):
            known = found.setdefault(number, Fence(erasure, (), content, through, entry))
            found[number] = known._replace(references=(*known.references, reference))
        return list(found.values())


def in_groups(values: Sequence[object]) -> Iterator[tuple[list[object], str]]:
    """Values in groups that one query can bear, each with its placeholders."""
    for start in range(0, len(values), _VALUES_PER_QUERY):
        some = list(values[start : start + _VALUES_PER_QUERY])
        yield some, ",".join("?" * len(some))


def _in_blocks(
    kind: TagKind, prefix: bytes, blocks: Sequence[int]
) -> Iterator[tuple[str, Sequence[object]]]:
    """Statements, with their values, that read the rows in which tags may begin so."""
    ranges = [kind.rows(block, prefix) for block in blocks]
    if any(len(one) > 1 for one in ranges):
        query = "SELECT id, cells FROM sealed_tags WHERE id >= ? AND id < ?"
        yield from ((query, (one.start, one.stop)) for one in ranges)
        return
    for some, marks in in_groups([one.start for one in ranges]):
        yield f"SELECT id, cells FROM sealed_tags WHERE id IN ({marks})", some  # noqa: S608


def after(last: int | None) -> int:
    """One more than an index; 0 where there is none."""
    return 0 if last is None else last + 1


def _following(prefix: bytes) -> bytes | None:
    """The least bytes that are above all that begin so; None where nothing is."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else None

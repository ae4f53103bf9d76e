"""Deciding: entries read, held against the tree, opened, and asked whether they are answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from biotrail.canonical import Entry, decode_entry
from biotrail.errors import CanonicalError, MalformedError
from biotrail.query.condition import Condition
from biotrail.query.opening import Opening, readable
from biotrail.query.record import Record
from biotrail.query.rows import Rows, payloads_at, rows_at
from biotrail.query.tree import AuthenticatedTree
from biotrail.stores import StoreReader

__all__ = ["Answering"]


class Answering:
    """Decides about the records of one log, by one condition."""

    def __init__(
        self,
        store: StoreReader,
        tree: AuthenticatedTree,
        opening: Opening,
        condition: Condition | None,
        *,
        by_payload: bool,
    ) -> None:
        """Decide by a condition.

        Args:
            store: The log.
            tree: Says whether an entry is the one that was recorded.
            opening: Opens records.
            condition: The condition; None admits everything.
            by_payload: Whether deciding may need what is in payloads.
        """
        self._store = store
        self._tree = tree
        self._opening = opening
        self._condition = condition
        self._by_payload = by_payload

    def admitted(self, indices: Sequence[int]) -> list[Record]:
        """The answers among the entries at some indices, opened, in the same order.

        Raises:
            VerificationError: An entry is not the one that was recorded, or is missing; or a
                payload is not the one that it commits to.
            SealedError: The condition depends on a field that was not opened.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        return [one for rows in self._rows(indices) for one in self._answers(rows)]

    def decided(self, indices: Sequence[int]) -> list[Record]:
        """The same, but not opened where that is not needed to decide."""
        if self._by_payload:
            return self.admitted(indices)
        return [one for rows in self._rows(indices) for one in self._bare(rows)]

    def _rows(self, indices: Sequence[int]) -> Iterable[Rows]:
        for rows in rows_at(self._store, indices):
            self._tree.check_all(rows)
            yield rows

    def _answers(self, rows: Rows) -> list[Record]:
        condition = self._condition
        if condition is None:
            return self._open(rows)
        if self._by_payload:
            opened = self._open_decoded([_decoded(*row) for row in rows])
            return [one for one in opened if condition.admits(one)]
        return self._open_decoded(self._bare(rows))

    def _bare(self, rows: Rows) -> list[Record]:
        records = [_decoded(*row) for row in rows]
        condition = self._condition
        return records if condition is None else [one for one in records if condition.admits(one)]

    def _open(self, rows: Rows, entries: Mapping[int, Entry] | None = None) -> list[Record]:
        payloads = payloads_at(self._store, [index for index, _ in rows])
        found = self._opening.open(rows, payloads, entries=entries or {})
        return [readable(one) for one in found]

    def _open_decoded(self, known: Sequence[Record]) -> list[Record]:
        entries = {one.index: one.entry for one in known}
        opened = self._open([(one.index, one.data) for one in known], entries)
        for one in opened:
            one._entry = entries[one.index]  # the same bytes: they need not be decoded again
        return opened


def _decoded(index: int, data: bytes) -> Record:
    record = Record(index, data)
    try:
        record._entry = decode_entry(data)
    except (CanonicalError, TypeError) as error:
        raise MalformedError(f"entry {index}: {error}", index=index) from error
    return record

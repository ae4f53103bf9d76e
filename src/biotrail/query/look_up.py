"""Finding records by what is personal: by tags where it is sealed, one by one where it is not.

Tags and columns lie beside the log and are not trusted. They say where to look; whether a record is
an answer is decided by its entry and its opened payload. What a store hides from a look-up, a
look-up cannot find: verification tells whether payloads are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from biotrail.errors import SealedError
from biotrail.query.asked import Asked
from biotrail.query.opening import Opening, readable
from biotrail.query.policies import Policies
from biotrail.query.record import Record
from biotrail.query.rows import payloads_at, rows_at, window
from biotrail.query.where import EVERYTHING, Where
from biotrail.sealing import Keyring
from biotrail.stores import StoreReader
from biotrail.vault import TAG_REFERENCE, Tags

__all__ = ["Answers", "LookUp"]


class Answers(Iterator[Record]):
    """The answers to a look-up, read as they are asked for.

    Attributes:
        misleading: Indices of records that were found so far by a row that lies: they are no
            answer, and are left out. Where there are any, somebody has changed the store.
    """

    def __init__(self, records: Iterator[Record], misleading: list[int]) -> None:
        """Hand out records."""
        self._records = records
        self.misleading = misleading

    def __next__(self) -> Record:
        return next(self._records)


class LookUp:
    """One look-up in one log."""

    def __init__(
        self,
        store: StoreReader,
        opening: Opening,
        keyring: Keyring | None,
        policies: Policies,
        asked: Asked,
    ) -> None:
        """Look for something.

        Args:
            store: The log.
            opening: Opens its records.
            keyring: Its keys, for a reader who holds the vault.
            policies: What was personal in it.
            asked: What is looked for.

        Raises:
            SealedError: The log seals personal fields, and there are no keys.
        """
        self._store: Any = store
        self._opening = opening
        self._keyring = keyring
        self._policies = policies
        self._asked = asked
        self._tags = self._usable_tags()

    def answers(self, where: Where, *, newest_first: bool, limit: int | None) -> Answers:
        """Find; see `biotrail.query.RecordReader.by_person`."""
        head = self._store.head()
        start, stop = window(self._store, 0, 0 if head is None else head.size, where)
        tagged = set() if self._tags is None else self._tagged(self._tags, start, stop)
        # What is in the clear has no tags: it is looked through.
        indices = sorted(tagged.union(self._in_clear(start, stop)), reverse=newest_first)
        misleading: list[int] = []
        found = self._checked(indices, tagged, where, misleading)
        return Answers(islice(found, limit), misleading)

    def _checked(
        self, indices: Sequence[int], tagged: set[int], where: Where, misleading: list[int]
    ) -> Iterator[Record]:
        asked, tags = self._asked, self._tags
        for record in self._at(indices):
            if asked.answers(record):
                if where is EVERYTHING or where.admits(record.entry):
                    yield record
            elif record.index in tagged and _is_open(record) and asked.misled(record, tags):
                misleading.append(record.index)

    def _usable_tags(self) -> Tags | None:
        if self._keyring is not None:
            return self._keyring.tags()
        if hasattr(self._store, "data_keys") and self._store.data_keys([TAG_REFERENCE]):
            raise SealedError(
                "this log seals personal fields: to look records up by them, open it with its vault"
            )
        return None

    def _tagged(self, tags: Tags, start: int, stop: int) -> set[int]:
        return set(self._asked.find(self._store, tags, start, stop))

    def _in_clear(self, start: int, stop: int) -> Iterable[int]:
        if not hasattr(self._store, "clear_payloads"):
            return range(start, stop)
        found: Iterable[int] = self._store.clear_payloads(start, stop)
        if self._keyring is not None and self._asked.field is not None:
            policy = self._keyring.vault.policy
            first = self._policies.clear_from(self._asked.field, policy)
            if first is not None:  # in the entries themselves, and those are not tagged
                found = chain(found, range(max(start, first), stop))
        return found

    def _at(self, indices: Sequence[int]) -> Iterator[Record]:
        for rows in rows_at(self._store, indices):
            payloads = payloads_at(self._store, [index for index, _ in rows])
            for found in self._opening.open(rows, payloads):
                yield readable(found)


def _is_open(record: Record) -> bool:
    return not record.gone and not record.sealed

"""The door of the room: records read, opened, and found."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from biotrail.errors import MissingError, VaultError
from biotrail.query.by_tags import FoundRecords
from biotrail.query.follow_door import FollowedRecords
from biotrail.query.opening import Opening, readable
from biotrail.query.policies import Policies
from biotrail.query.record import Record, Unreadable
from biotrail.query.rows import AT_ONCE, decoded, origin_of, rows_of, whole_rows_of, window
from biotrail.query.where import EVERYTHING, Where
from biotrail.sealing import Keyring, Opener
from biotrail.stores import StoreReader
from biotrail.tlog import Checkpoint, unverified_checkpoint

if TYPE_CHECKING:
    from biotrail.tlog import ProofFile
    from biotrail.vault import Vault

__all__ = ["RecordReader", "open_records"]


class RecordReader(FoundRecords, FollowedRecords):
    """Reads the records of one log, and opens what its vault opens.

    Nothing here is verified beyond each record in itself: whether the entries are those that were
    recorded, and whether any is missing, is what `biotrail.verify_log` answers. For one thread at a
    time.

    Attributes:
        origin: The log's origin.
    """

    def __init__(
        self, store: StoreReader, *, vault: Vault | None = None, origin: str | None = None
    ) -> None:
        """Read a log.

        Args:
            store: The log; not closed with the reader.
            vault: Opens personal fields; without it they read as sealed. Not closed either.
            origin: The log's origin; what its first entry says if None.

        Raises:
            MissingError: The log is empty.
            MalformedError: Its first entry is not one that begins a log.
            VaultError: The store keeps no sealed payloads, so that a vault opens nothing.
        """
        self._store = store
        self.origin = origin_of(store) if origin is None else origin
        self._keyring: Keyring | None = None
        if vault is not None:
            if not hasattr(store, "sealed_of"):
                raise VaultError(f"{type(store).__name__} keeps no sealed payloads")
            sealed: Any = store
            self._keyring = Keyring(sealed, vault, self.origin)
        self._opening = Opening(store, self.origin, self._keyring)
        self._policies = Policies(store)
        self._owned = False

    @property
    def store(self) -> StoreReader:
        """Where the log rests."""
        return self._store

    @property
    def size(self) -> int:
        """How many entries the log has now."""
        head = self._store.head()
        return 0 if head is None else head.size

    def last_checkpoint(self) -> Checkpoint:
        """The log's last checkpoint as it lies there; nobody looks at its signature here.

        Raises:
            MissingError: The log is empty.
            MalformedError: What lies there is no checkpoint.
        """
        head = self._store.head()
        if head is None:
            raise MissingError("the log is empty: there is not even a genesis entry", index=0)
        return unverified_checkpoint(head.checkpoint)

    def record(self, index: int) -> Record:
        """The record at an index.

        Raises:
            MissingError: There is none.
            VerificationError: It cannot be read: entry or payload is not what was recorded.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        for found in self.examine(index, index + 1):
            return readable(found)
        raise MissingError(f"entry {index} is missing", index=index)

    def records(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        where: Where | None = None,
        newest_first: bool = False,
    ) -> Iterator[Record]:
        """The records with ``start <= index < stop``, read many at a time.

        Args:
            start: The first index.
            stop: One after the last index; the end of the log as it is now if None.
            where: Which of them are asked for, by what is in the clear.
            newest_first: Begin at the end.

        Raises:
            MissingError: An entry is not there.
            VerificationError: One cannot be read.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        asked = where or EVERYTHING
        size = self.size
        stop = size if stop is None else min(stop, size)
        start, stop = window(self._store, max(start, 0), stop, asked)
        spans = [(one, min(one + AT_ONCE, stop)) for one in range(start, stop, AT_ONCE)]
        for first, last in reversed(spans) if newest_first else spans:
            rows = whole_rows_of(self._store, first, last)
            if asked is not EVERYTHING:
                rows = [row for row in rows if asked.admits(decoded(*row))]
            if newest_first:
                rows.reverse()
            payloads = dict(self._store.payloads(first, last)) if rows else {}
            for found in self._opening.open(rows, payloads):
                yield readable(found)

    def examine(self, start: int, stop: int) -> Iterator[Record | Unreadable]:
        """The records of a range, those that cannot be read too; missing ones are left out.

        Raises:
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        for first in range(start, stop, AT_ONCE):
            last = min(first + AT_ONCE, stop)
            rows = rows_of(self._store, first, last)
            yield from self._opening.open(rows, dict(self._store.payloads(first, last)))

    def prove(
        self, index: int, *, fields: Collection[str] = (), checkpoint: str | None = None
    ) -> ProofFile:
        """A proof file for one entry, against the last checkpoint or another signed one.

        It shows the personal fields that are named, and no others.

        Raises:
            BiotrailError: As `biotrail.verify.prove_entry`.
        """
        from biotrail.verify.prove import prove_entry

        opener = Opener(self.origin, self._keyring)
        return prove_entry(self._store, index, checkpoint=checkpoint, fields=fields, opener=opener)

    def close(self) -> None:
        """End followers; close the store, if `open_records` opened it. May be called twice."""
        self.stop_following()
        if self._keyring is not None:
            self._keyring.forget()  # no unwrapped key outlives the reader
        if self._owned:
            self._store.close()

    def __enter__(self) -> RecordReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_records(
    log: str | os.PathLike[str] | StoreReader, *, vault: Vault | None = None
) -> RecordReader:
    """Open a log for reading its records; see `RecordReader`.

    Args:
        log: A SQLite file, which is opened read-only; or any store.
        vault: Opens personal fields; without it they read as sealed.

    Raises:
        StoreUnavailableError: There is no such file, or it is not a biotrail log.
    """
    if not isinstance(log, (str, os.PathLike)):
        return RecordReader(log, vault=vault)
    from biotrail.stores import SQLiteReader

    store = SQLiteReader(log)
    try:
        reader = RecordReader(store, vault=vault)
    except BaseException:
        store.close()
        raise
    reader._owned = True
    return reader

"""A file of encrypted references, for hosts that want one: kept, ended, revoked, deleted.

It is a SQLite file of its own, apart from the log. Who holds the file without the key learns how
many references there are, their ids, which of them belong to one person, and by which models; not
whose they are, nor any feature. The audit log holds none of this file, and this file none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from biotrail._closing import Closing
from biotrail.errors import (
    ExpiredReferenceError,
    RevokedReferenceError,
    UnknownReferenceError,
)
from biotrail.matchers._reference_file import ReferenceFile
from biotrail.matchers._reference_head import StoreVersion, unlocked
from biotrail.matchers._reference_rows import ReferenceRows
from biotrail.matchers._reference_seal import RowSeal
from biotrail.matchers._traces import needles_of
from biotrail.matchers.deletion import PlaceReport
from biotrail.matchers.reference import Reference, aware, checked_reference_id

__all__ = ["ReferenceStore"]


class ReferenceStore(Closing):
    """References in a SQLite file, each encrypted with AES-256-GCM. Thread-safe.

    Args:
        path: The file; made where there is none.
        key: 32 random bytes, kept by the host apart from the file. Losing them loses the
            references; destroying them erases all at once.
        clock: Returns the present time, aware; by it references expire.
        timeout: Seconds to wait while another program writes.
        expect_at_least: The `version` that the host remembers; a file of an earlier one is refused.
            None accepts any.

    Raises:
        ReferenceStoreRollbackError: The file is an older copy than the host remembers.
        ReferenceKeyError: The file was made with another key.
        ReferenceStoreError: The file cannot be opened, or is no reference store.
        MatcherError: The key does not have 32 bytes.
    """

    def __init__(
        self,
        path: str | Path,
        key: bytes,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timeout: float = 5.0,
        expect_at_least: int | None = None,
    ) -> None:
        RowSeal(key, bytes(32))  # a key that is none is refused before a file is made
        self._clock = clock
        self._file = ReferenceFile(Path(path), timeout=timeout)
        try:
            self._seal = unlocked(self._file, key)
            self._rows = ReferenceRows(self._file, self._seal)
            self._version = StoreVersion(self._file, self._seal)
            if expect_at_least is not None:
                self._version.require(expect_at_least)
        except BaseException:
            self._file.close()
            raise

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self._file.path)

    @property
    def version(self) -> int:
        """Rises by one with every call that changes the file; 0 where nothing was ever kept.

        A host that keeps it elsewhere, such as in the log, notices by ``expect_at_least`` when the
        file is put back to an older copy. Single rows put back from one do not change it.

        Raises:
            AlteredReferenceError: It was changed without the key.
        """
        return self._version.read()

    def add(self, reference: Reference, *, subject: str | None = None) -> None:
        """Keep a reference.

        Args:
            reference: With an id that was never kept here.
            subject: The host's identifier of the person, to find and delete by; the file holds
                only a keyed hash of it.

        Raises:
            MatcherError: It has no id, or the id is taken, by a revoked reference too.
        """
        self.add_many([(reference, subject)])

    def add_many(self, references: Iterable[tuple[Reference, str | None]]) -> None:
        """Keep many references, each with its person or None, all of them or none; as `add`."""
        with self._version.rising():
            for reference, subject in references:
                self._rows.insert(reference, self._seal.mark(subject))

    def replace(self, old: str, reference: Reference) -> None:
        """Re-enrol: keep a reference for the same person, and revoke the old one, both or neither.

        Raises:
            UnknownReferenceError: There is no such old reference.
            RevokedReferenceError: It is revoked already.
            MatcherError: As `add`.
        """
        self.replace_many({old: reference})

    def replace_many(self, renewed: Mapping[str, Reference]) -> None:
        """Replace many at once, by old id, as for another projection key; all of them or none."""
        gone: list[bytes] = []
        with self._version.rising():
            for old, reference in renewed.items():
                head, _ = self._rows.row(checked_reference_id(old))
                self._rows.insert(reference, head.mark)
                gone += needles_of(self._rows.revoke(old, "re_enrolled", self._now()))
        self._file.purge(gone)

    def get(self, id: str) -> Reference:
        """The reference, if it may be compared with now.

        Raises:
            UnknownReferenceError: There is none.
            RevokedReferenceError: It was revoked.
            ExpiredReferenceError: Its time is over.
            AlteredReferenceError: Its row is not as it was written.
            MatcherError: No reference can have this id.
        """
        reference = self._rows.open(checked_reference_id(id))
        if reference.expired(self._now()):
            raise ExpiredReferenceError(f"the reference {id!r} has expired; enrol again")
        return reference

    def references(self) -> Iterator[Reference]:
        """All references that may be compared with now, e.g. to fill a gallery, by id.

        Raises:
            AlteredReferenceError: A row is not as it was written.
        """
        now = self._now()
        return (one for one in self._active() if not one.expired(now))

    def ids(self, *, subject: str | None = None, revoked: bool = False) -> list[str]:
        """Identifiers of the active references, expired ones among them, in ascending order.

        Args:
            subject: Of this person only; None: of all.
            revoked: Whether revoked ones are named too.
        """
        return self._rows.ids(subject=subject, revoked=revoked)

    def expired(self) -> list[str]:
        """Identifiers of active references whose time is over: to re-enrol or to delete."""
        now = self._now()
        return [str(one.id) for one in self._active() if one.expired(now)]

    def expiries(self) -> dict[str, datetime]:
        """When active references end, by id, for a gallery; those without an end are not in it."""
        return {str(one.id): one.expires for one in self._active() if one.expires is not None}

    def revoke(self, id: str, *, reason: str) -> None:
        """End a reference for good. Its features are deleted; its id stays taken.

        Args:
            id: Identifier of the reference.
            reason: A word of `biotrail.events.Reason`, or the host's own; kept encrypted.

        Raises:
            UnknownReferenceError: There is none.
            RevokedReferenceError: It is revoked already.
            MatcherError: No reference can have this id.
        """
        with self._version.rising():
            sealed = self._rows.revoke(checked_reference_id(id), reason, self._now())
        self._file.purge(list(needles_of(sealed)))

    def revoke_card(self, digest: bytes, *, reason: str) -> list[str]:
        """Revoke all that one model card made: a projection key that leaked, a withdrawn model.

        Returns:
            Identifiers of the references that were active.
        """
        with self._version.rising():
            ids = self._rows.ids(card=digest)
            gone = [self._rows.revoke(id, reason, self._now()) for id in ids]
        self._file.purge([needle for sealed in gone for needle in needles_of(sealed)])
        return ids

    def delete_references(self, ids: Sequence[str], /) -> PlaceReport:
        """Delete references, revoked ones too, and look through the file's bytes for what is left.

        The files beside are looked through as well: a journal, a write-ahead log, copies whose name
        begins with the file's. For a deletion that covers other places too, and that raises where
        something is left, use `biotrail.matchers.delete_references`.

        Raises:
            MatcherError: No reference can have one of these ids; nothing was deleted.
        """
        ids = [checked_reference_id(one) for one in ids]
        with self._version.rising():
            rows = self._rows.delete(ids)
        left, files = self._file.purge(self._rows.needles(rows))
        after = self._rows.find(ids)
        return PlaceReport(
            name=self.place,
            rows_before=len(rows),
            rows_after=len(after),
            bytes_before=sum(len(sealed) for _, sealed in rows),
            bytes_after=sum(len(sealed) for _, sealed in after),
            copies_after=left,
            looked_through=files,
        )

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._file.close()

    def _active(self) -> Iterator[Reference]:
        """Each active reference; what another caller deletes or revokes meanwhile is left out."""
        for id in self.ids():
            with suppress(UnknownReferenceError, RevokedReferenceError):
                yield self._rows.open(id)

    def _now(self) -> datetime:
        return aware(self._clock(), "the clock's time")

    def __len__(self) -> int:
        return len(self.ids())

    def __repr__(self) -> str:
        return f"ReferenceStore({self.place!r})"

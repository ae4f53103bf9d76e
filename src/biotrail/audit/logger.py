"""The logger: the one door through which a log grows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from biotrail.audit._data_keeping import DataKeeping
from biotrail.audit._key_keeping import KeyKeeping
from biotrail.audit._limit_keeping import LimitKeeping
from biotrail.audit._read_keeping import ReadKeeping
from biotrail.audit.answers import every, not_recorded, only
from biotrail.audit.asking import Asking
from biotrail.audit.attempt import Attempt
from biotrail.audit.proving import prove_entry
from biotrail.audit.receipt import Receipt
from biotrail.errors import NotRecordedError
from biotrail.events import Event
from biotrail.tlog import ProofFile

if TYPE_CHECKING:
    from biotrail.audit.fallback import Fallback

__all__ = ["AuditLogger"]

_BATCH = 1_000


class AuditLogger(KeyKeeping, DataKeeping, LimitKeeping, ReadKeeping, Asking):
    """Records access attempts in one log.

    Shared freely among threads, tasks and event loops; several processes may each open the same
    log. Every method that records returns only when the record, and a signed checkpoint that covers
    it, are durable. It fails closed: an attempt that could not be recorded raises, and must not be
    granted.

    Use `biotrail.open` for a log in a SQLite file.
    """

    def record(self, event: Event) -> Receipt:
        """Record one event.

        Returns:
            Index, leaf hash and a signed checkpoint that covers the record.

        Raises:
            EventError: Not an event.
            EventConflictError: Its id is taken by another event.
            NotRecordedError: It could not be recorded; the cause is chained. Do not grant.
            UnknownOutcomeError: It may or may not be durable; record the same event again.
            ClosedError: The log is closed.
        """
        self._check_process()
        committer = self._committer
        committer.check_open()
        with not_recorded:
            answers = committer.submit([self._preparer.prepare(event)])
        receipt = only(answers)
        if self._recovery is not None:
            self._recovery.attempt()
        return receipt

    def record_many(self, events: Iterable[Event]) -> list[Receipt]:
        """Record many events, in order, in transactions of up to 1,000.

        All events are checked before the first is written. If a transaction fails, the ones before
        it are durable; recording the same events again is safe, since their ids answer for them.

        Raises:
            BiotrailError: As `record`.
        """
        self._check_process()
        prepared = [self._prepare(event) for event in events]
        receipts: list[Receipt] = []
        for start in range(0, len(prepared), _BATCH):
            receipts += every(self._submit(prepared[start : start + _BATCH]))
        if self._recovery is not None:
            self._recovery.attempt()
        return receipts

    async def arecord(self, event: Event) -> Receipt:
        """Record one event from a task; see `record`."""
        self._check_process()
        receipt = only(await self._submit_async(await self._prepare_async([event])))
        await self._recover_async()
        return receipt

    async def arecord_many(self, events: Iterable[Event]) -> list[Receipt]:
        """Record many events from a task; see `record_many`."""
        self._check_process()
        prepared = await self._prepare_async(list(events))
        receipts: list[Receipt] = []
        for start in range(0, len(prepared), _BATCH):
            receipts += every(await self._submit_async(prepared[start : start + _BATCH]))
        await self._recover_async()
        return receipts

    def attempt(self, **fields: Any) -> Attempt:
        """Begin an attempt that records itself when its block ends.

        Args:
            **fields: Fields of `Event`, except decision, reason and outcome: ``action`` and
                whatever is known at the beginning.

        Raises:
            EventError: A field is not as it must be.
        """
        return Attempt(self, self._clock(), fields)

    def fall_back(self, event: Event, error: NotRecordedError) -> Fallback:
        """Do with an event that could not be recorded what the host chose; `Attempt` calls it.

        Returns:
            What was done. Where nothing may be done, the error is raised.

        Raises:
            NotRecordedError: The log fails closed for this event, or the spool cannot take it.
        """
        if self._recovery is None:
            raise error
        return self._recovery.gap.take(event, error)

    def recover(self) -> None:
        """Record what could not be recorded before, and the gap itself.

        This happens by itself after the next record that succeeds.

        Raises:
            BiotrailError: The log or the spool still cannot be written; nothing is lost.
        """
        self._check_process()
        if self._recovery is not None:
            self._recovery.run()

    def prove(self, index: int, *, fields: Collection[str] = ()) -> ProofFile:
        """A proof file for one entry, against the log as it is now.

        Args:
            index: Index of the entry.
            fields: Names of personal fields to show with it: these and no others. The entry's own
                fields are shown in any case.

        Raises:
            ProofError: There is no such entry.
            NoSuchFieldError: The record has no such field.
            SealedError: It is sealed, and its key is not at hand.
            ErasedError: It was destroyed.
            AlteredError: The payload is not the one that the entry commits to.
            KeyProviderError: The key provider is out of reach, or refuses.
        """
        self._check_process()
        opener = self._preparer.opener
        return self._committer.exclusively(
            lambda: prove_entry(
                self._store, self._writer.state, index, fields=fields, opener=opener
            )
        )

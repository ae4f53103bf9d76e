"""The logger: the one door through which a log grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from biotrail._version import __version__
from biotrail.audit import key_changes
from biotrail.audit.answers import every, not_recorded, only
from biotrail.audit.attempt import Attempt
from biotrail.audit.committer import Committer
from biotrail.audit.key_changes import KeyChange
from biotrail.audit.prepare import Prepared, Preparer, prepare_other
from biotrail.audit.proving import prove_entry
from biotrail.audit.receipt import Receipt, SignedCheckpoint
from biotrail.audit.writer import LogWriter
from biotrail.errors import (
    BiotrailError,
    ForkedProcessError,
    NotRecordedError,
    VaultError,
)
from biotrail.events import Event, Subject
from biotrail.signing import Signer, VerifierKey
from biotrail.stores import Store
from biotrail.tlog import Checkpoint, ProofFile

if TYPE_CHECKING:
    from biotrail.audit.certificate import ErasureCertificate
    from biotrail.audit.erasure import Erasures
    from biotrail.audit.fallback import FailOpen, Fallback, Spool
    from biotrail.audit.holds import Hold
    from biotrail.audit.recovery import Recovery
    from biotrail.audit.retention import RetentionPolicy, RetentionRun
    from biotrail.audit.spool_seal import SpoolSeal
    from biotrail.audit.vaulted import VaultedLog
    from biotrail.vault import Vault

__all__ = ["AuditLogger"]

_BATCH = 1_000
_NAME_SIZE = 8
_HOLD_SIZE = 16


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLogger:
    """Records access attempts in one log.

    Shared freely among threads, tasks and event loops; several processes may each open the same
    log. Every method that records returns only when the record, and a signed checkpoint that covers
    it, are durable. It fails closed: an attempt that could not be recorded raises, and must not be
    granted.

    Use `biotrail.open` for a log in a SQLite file.
    """

    def __init__(
        self,
        store: Store,
        signer: Signer,
        *,
        next_key_digest: bytes | None = None,
        trusted: Iterable[VerifierKey] = (),
        clock: Callable[[], datetime] = _now,
        randomness: Callable[[int], bytes] = os.urandom,
        maximum_waiting: int = 10_000,
        patience: float = 30.0,
        on_failure: FailOpen | Spool | None = None,
        lifecycle: bool = False,
        vault: Vault | bool | None = None,
    ) -> None:
        """Open a log, or begin one in an empty store.

        Args:
            store: Where the log rests; closed with the logger.
            signer: Signs the checkpoints. Its name is the log's origin.
            next_key_digest: For a new log: SHA-256 of the text of the verifier key that will
                follow the signer's (32 bytes), to commit to it beforehand.
            trusted: Verifier keys that are trusted beforehand, besides the signer's: name the
                log's first key here if the signer's key came later.
            clock: Returns the present time, aware.
            randomness: Returns so many random bytes from a cryptographic source.
            maximum_waiting: How many records may wait at once before callers must.
            patience: Seconds that a caller waits for room before `OverloadedError`.
            on_failure: What becomes of an attempt whose record cannot be written; None fails
                closed. See `FailOpen` and `Spool`.
            lifecycle: Record when this logger was opened and closed, so that times without a
                logger show (``log_started``, ``log_stopped``).
            vault: Seals personal fields. A log that was once opened with a vault is opened with one
                ever after, or with False: then events are refused, and all else goes on, such as
                looking after keys. Not closed with the logger, since several logs may share it.

        Raises:
            VerificationError: The stored log does not check out; it is not appended to.
            SigningError: The signer's key is not in force in this log. (The key that the log has
                committed to opens it too, to take it over; see `report_compromise`.)
            StoreError: The store cannot be read or written.
            SpoolError: The spool cannot be read.
            VaultError: The log has a vault and none, or another, was given.
        """
        self._store = store
        self._preparer = Preparer(store, randomness)
        self._clock = clock
        self._writer = LogWriter(
            store, signer, trusted=tuple(trusted), clock=clock, preparer=self._preparer
        )
        self._queue_options = {"maximum_waiting": maximum_waiting, "patience": patience}
        self._committer = self._new_committer()
        self._process = os.getpid()
        self._process_lock = threading.Lock()
        self._on_failure = on_failure
        self._spool_seal = self._new_spool_seal(vault)
        self._recovery = self._new_recovery()
        self._writer.begin(next_key_digest)
        self._erasures: Erasures | None = None
        self._vaulted = self._join_vault(vault)
        self._started = self._start() if lifecycle else None
        if self._recovery is not None:
            self._recovery.attempt()

    @property
    def origin(self) -> str:
        """The log's origin: its name."""
        return self._writer.origin

    @property
    def verifier_key(self) -> str:
        """The verifier key of this writer, as text: what an auditor is given."""
        return str(self._writer.signer.verifier_key)

    def checkpoint(self) -> SignedCheckpoint:
        """The signed checkpoint of the log as it is now; keep one away from the log."""
        self._check_process()
        return self._committer.exclusively(self._present_checkpoint)

    def _present_checkpoint(self) -> SignedCheckpoint:
        state = self._writer.state
        checkpoint = Checkpoint(self.origin, state.size, state.tree.root())
        return SignedCheckpoint(checkpoint, state.note)

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

    def attempt(self, **fields: Any) -> Attempt:
        """Begin an attempt that records itself when its block ends.

        Args:
            **fields: Fields of `Event`, except decision, reason and outcome: ``action`` and
                whatever is known at the beginning.

        Raises:
            EventError: A field is not as it must be.
        """
        return Attempt(self, self._clock(), fields)

    def prove(self, index: int, *, fields: Collection[str] = ()) -> ProofFile:
        """A proof file for one entry, against the log as it is now.

        Args:
            index: Index of the entry.
            fields: Names of personal fields to show with it: these and no others. The entry's own
                fields are shown in any case.

        Raises:
            ProofError: There is no such entry, or it shows no such field.
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

    def admit_writer(self, key: VerifierKey | str) -> Receipt:
        """Admit another writer's key; it may sign from the next checkpoint on.

        Raises:
            MalformedError: Not a verifier key of this log.
        """
        return self._between_batches(key_changes.admission(key, self.origin))

    def retire_key(self, key: VerifierKey | str, reason: str) -> Receipt:
        """Retire a key; it vouches for nothing after the checkpoint of this entry.

        Raises:
            NotRecordedError: The key is not in force.
        """
        return self._between_batches(key_changes.retirement(key, reason))

    def rotate_key(self, following: Signer, *, next_key_digest: bytes | None = None) -> Receipt:
        """Hand over to another signing key: one batch adds it and retires the present one.

        If the log committed to the key, it signs that batch itself. So a log whose present key is
        lost can be opened with the next one as the signer, and handed over to that.

        Args:
            following: The key that follows; the one whose digest the log committed to, if it did.
            next_key_digest: Digest of the key after that, to commit to it.

        Returns:
            The receipt of the entry that adds the key.

        Raises:
            WrongKeyError: The log committed to another key.
        """
        self._check_process()
        keys = self._committer.exclusively(lambda: self._writer.state.keys)
        present = self._writer.signer.verifier_key
        change = key_changes.rotation(keys, present, following.verifier_key, next_key_digest)
        return self._between_batches(change, following)

    def report_compromise(
        self,
        key: VerifierKey | str,
        *,
        since: int,
        reason: str,
        following: Signer | None = None,
        next_key_digest: bytes | None = None,
    ) -> Receipt:
        """Report that a key was stolen, and take the log over from whoever has it.

        The stolen key, and every key that it let in since, vouch for nothing from here on. What
        they signed since stays, and every verification names it. The report is signed by a key
        that the log committed to before it was used, which a thief cannot have chosen: the next
        key, or one in use that was added later than the stolen one. Where the next key is all that
        is left, open the log with it as the signer; nothing else can be recorded before this.

        Args:
            key: The stolen key.
            since: Index of the first entry that is not to be believed if that key signed for it.
            reason: Why, for readers of the log.
            following: The next key, which signs from here on; the present signer's if None.
            next_key_digest: Digest of the key after that, to commit to it.

        Returns:
            The receipt of the report.

        Raises:
            WrongKeyError: The log never had the key, or the key that would sign may not report it.
            EventError: `since` is no index of this log.
        """
        self._check_process()
        state = self._committer.exclusively(lambda: self._writer.state)
        by = self._writer.signer if following is None else following
        change = key_changes.compromise(
            state.keys,
            key,
            since,
            reason,
            size=state.size,
            by=by.verifier_key,
            then=next_key_digest,
        )
        return self._between_batches(change, by)

    def _between_batches(
        self, entries: Sequence[Prepared] | KeyChange, following: Signer | None = None
    ) -> Receipt:
        """Write entries that are no events; a refusal is this caller's alone.

        The hand-over to the following signer is in the same turn: no batch falls between.
        """

        def act() -> Receipt:
            if isinstance(entries, KeyChange):
                assert following is not None
                return self._writer.hand_over(entries, following)
            return only(self._writer.commit(entries))

        self._check_process()
        with not_recorded:
            return self._committer.exclusively(act)

    def erase(self, subject: Subject | str, **request: Any) -> ErasureCertificate:
        """Erase a person's data: destroy keys, payloads and tags, and record that it was done.

        Records of the same person that come in meanwhile are kept, under a new reference and key.

        Args:
            subject: The person, or the host's identifier of them.
            **request: ``reason``: a word of `ErasureReason`, or ``host.<word>``; ``legal_basis``:
                on which ground, up to 128 characters; and if need be ``tenant``, ``beyond``: texts
                that name what the erasure cannot reach, ``requested``: when it was asked for.

        Returns:
            The certificate, which anyone can check who knows the log's verifier key.

        Raises:
            UnknownPersonError: Nothing leads to records of this person.
            LegalHoldError: Their records are held.
            ErasureIncompleteError: It was begun, and goes on when the log is opened again.
            EventError: The request is not as it must be, or names the person.
            VaultError: The log has no vault.
        """
        self._check_process()
        return self.erasures.erase(subject, **request)

    def unfinished_erasures(self) -> list[bytes]:
        """Ids of the erasures that were begun and are not finished, 16 bytes each."""
        self._check_process()
        return self.erasures.unfinished()

    def resume_erasures(self) -> list[ErasureCertificate]:
        """Finish the erasures that were begun; opening the log tries it too.

        Raises:
            ErasureIncompleteError: One of them still cannot be finished.
        """
        self._check_process()
        return self.erasures.resume()

    def place_hold(self, subject: Subject | str, **details: Any) -> Hold:
        """Place a legal hold: until it is released the person's data is not erased.

        Args:
            subject: The person, or the host's identifier of them.
            **details: ``reason``: a word of `HoldReason`, or ``host.<word>``; and if need be
                ``tenant``, ``until``: when it ends by itself.

        Raises:
            UnknownPersonError: Nothing leads to records of this person.
            ErasureIncompleteError: An erasure had begun before: the hold came too late.
        """
        from biotrail.audit.holds import place_hold

        self._check_process()
        erasures, name = self.erasures, self._preparer.draw(_HOLD_SIZE)
        with erasures.lock:
            return place_hold(
                erasures.store, erasures.people, subject, write=self._write, name=name, **details
            )

    def release_hold(self, hold: bytes, *, reason: str) -> Receipt:
        """Release a hold by its id, 16 bytes.

        Raises:
            VaultError: There is no such hold, or it was released already.
        """
        from biotrail.audit.holds import release_hold

        self._check_process()
        return release_hold(self.erasures.store, hold, write=self._write, reason=reason)

    def apply_retention(self, policy: RetentionPolicy, *, dry_run: bool = False) -> RetentionRun:
        """Destroy payloads whose time is over, and record which rules did it.

        Args:
            policy: Which payloads are kept for how long.
            dry_run: Only say what would be destroyed.
        """
        from biotrail.audit.retention import apply_retention

        self._check_process()
        erasures, draw, now = self.erasures, self._preparer.draw, self._clock()
        with erasures.lock:
            return apply_retention(
                erasures.store, policy, write=self._write, draw=draw, now=now, dry_run=dry_run
            )

    def close(self) -> None:
        """Answer all that wait, then release the store. May be called twice."""
        if self._process != os.getpid():
            return  # opened by a parent: it is the parent's to close
        if self._started is not None:
            started, self._started = self._started, None
            with suppress(BiotrailError):  # a log that cannot be written cannot say so either
                self._write("log_stopped", {"writer": started})
        self._committer.close()
        if self._vaulted is not None:
            self._vaulted.vault.forget()  # no unwrapped key outlives the log that it was for
        self._store.close()

    async def aclose(self) -> None:
        """Close from a task, without blocking its loop."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _start(self) -> bytes:
        name = self._preparer.draw(_NAME_SIZE)
        self._write("log_started", {"writer": name, "software": f"biotrail/{__version__}"})
        return name

    def _write(self, kind: str, content: dict[str, Any]) -> Receipt:
        """Write an entry that is no event, between two batches."""
        return self._between_batches([prepare_other(kind, content)])

    def _join_vault(self, vault: Vault | bool | None) -> VaultedLog | None:
        if not vault or vault is True:
            settings = self._writer.state.settings
            if vault is False:
                self._preparer.settings = settings
            elif settings:
                from biotrail.audit.vaulted import check_not_sealed

                check_not_sealed(settings)
            return None
        # Loaded here: not every log has a vault.
        from biotrail.audit.vaulted import VaultedLog, policy_change

        preparer = self._preparer
        vaulted = VaultedLog(
            self._store, vault, self.origin, draw=preparer.random, clock=self._clock
        )
        preparer.sealer, preparer.opener = vaulted.sealer, vaulted.opener
        if entries := policy_change(vault, self._writer.state.settings):
            self._between_batches(entries)
        self._erasures = self._new_erasures(vaulted)
        return vaulted

    def _new_erasures(self, vaulted: VaultedLog) -> Erasures:
        from biotrail.audit.erasing import begin_erasures

        return begin_erasures(
            vaulted,
            write=self._write,
            prove=self.prove,
            draw=self._preparer.draw,
            clock=self._clock,
        )

    @property
    def erasures(self) -> Erasures:
        """What erases from this log, for `biotrail.audit.doctor`.

        Raises:
            VaultError: The log was opened without a vault.
        """
        if self._erasures is None:
            raise VaultError("this log was opened without a vault: give it one (vault=)")
        return self._erasures

    def keys_of_log(self) -> list[VerifierKey]:
        """All verifier keys that the log ever had."""
        admissions = self._committer.exclusively(lambda: self._writer.state.keys.admissions)
        return [one.key for one in admissions]

    def _new_spool_seal(self, vault: Vault | bool | None) -> SpoolSeal | None:
        if self._on_failure is None or not vault or vault is True:
            return None
        from biotrail.audit.spool_seal import SpoolSeal

        return SpoolSeal(vault, self.origin, self._preparer.random)

    def _new_recovery(self) -> Recovery | None:
        if self._on_failure is None:
            return None
        # Loaded here: most logs fail closed.
        from biotrail.audit.recovery import Recovery

        return Recovery(
            self._on_failure,
            writer=self._preparer.draw(_NAME_SIZE),
            record=lambda events: self._submit([self._prepare(event) for event in events]),
            write=self._write,
            clock=self._clock,
            seal=self._spool_seal,
        )

    async def _recover_async(self) -> None:
        if self._recovery is not None and self._recovery.gap.is_open:
            import asyncio

            await asyncio.get_running_loop().run_in_executor(None, self._recovery.attempt)

    def _new_committer(self) -> Committer:
        return Committer(self._writer.commit, **self._queue_options)  # type: ignore[arg-type]

    def _prepare(self, event: Event) -> Prepared:
        self._committer.check_open()
        with not_recorded:
            return self._preparer.prepare(event)

    async def _prepare_async(self, events: Sequence[Event]) -> list[Prepared]:
        """Prepare in the loop's thread, unless a store or a key provider has to be asked."""
        if self._preparer.is_at_hand(events):
            return [self._prepare(event) for event in events]
        import asyncio

        def prepare() -> list[Prepared]:
            return [self._prepare(event) for event in events]

        return await asyncio.get_running_loop().run_in_executor(None, prepare)

    def _submit(self, records: Sequence[Prepared]) -> list[Receipt | BiotrailError]:
        with not_recorded:
            return self._committer.submit(records)

    async def _submit_async(self, records: Sequence[Prepared]) -> list[Receipt | BiotrailError]:
        with not_recorded:
            return await self._committer.submit_async(records)

    def _check_process(self) -> None:
        if self._process != os.getpid():
            with self._process_lock:
                self._begin_in_child()

    def _begin_in_child(self) -> None:
        """A forked child: connections, locks and queue belong to the parent; begin anew."""
        if self._process == os.getpid():
            return
        self._committer.check_open()
        try:
            self._store.reopen_after_fork()
        except BiotrailError as error:
            raise ForkedProcessError(
                f"the log was opened in process {self._process} and cannot be used in its child "
                f"{os.getpid()}: open it again here ({error})"
            ) from error
        self._writer.forget()
        self._preparer.begin_in_child()
        self._committer = self._new_committer()
        self._recovery, self._started = self._new_recovery(), None
        self._process = os.getpid()

    def __enter__(self) -> AuditLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> AuditLogger:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

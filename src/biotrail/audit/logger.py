"""The logger: the one door through which a log grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from biotrail.audit.attempt import Attempt
from biotrail.audit.committer import Committer
from biotrail.audit.prepare import Prepared, Preparer, prepare_other
from biotrail.audit.receipt import Receipt, SignedCheckpoint
from biotrail.audit.writer import LogWriter
from biotrail.canonical.proof_entry import encode_proof_entry
from biotrail.errors import (
    BiotrailError,
    ClosedError,
    EventError,
    ForkedProcessError,
    NotRecordedError,
    ProofError,
    UnknownOutcomeError,
    WrongKeyError,
)
from biotrail.events import Event
from biotrail.signing import Signer, VerifierKey
from biotrail.stores import Store
from biotrail.stores.tree import node_reader
from biotrail.tlog import Checkpoint, ProofFile, inclusion_proof

__all__ = ["AuditLogger"]

_BATCH = 1_000


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

        Raises:
            VerificationError: The stored log does not check out; it is not appended to.
            SigningError: The signer's key is not in force in this log.
            StoreError: The store cannot be read or written.
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
        self._writer.begin(next_key_digest)

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
        with _not_recorded:
            answers = committer.submit([self._preparer.prepare(event)])
        return _only(answers)

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
            receipts += _all(self._submit(prepared[start : start + _BATCH]))
        return receipts

    async def arecord(self, event: Event) -> Receipt:
        """Record one event from a task; see `record`."""
        self._check_process()
        return _only(await self._submit_async([self._prepare(event)]))

    async def arecord_many(self, events: Iterable[Event]) -> list[Receipt]:
        """Record many events from a task; see `record_many`."""
        self._check_process()
        prepared = [self._prepare(event) for event in events]
        receipts: list[Receipt] = []
        for start in range(0, len(prepared), _BATCH):
            receipts += _all(await self._submit_async(prepared[start : start + _BATCH]))
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

    def prove(self, index: int) -> ProofFile:
        """A proof file for one entry, against the log as it is now.

        Raises:
            ProofError: There is no such entry.
        """
        self._check_process()
        return self._committer.exclusively(lambda: self._proof(index))

    def _proof(self, index: int) -> ProofFile:
        state = self._writer.state
        if not 0 <= index < state.size:
            raise ProofError(f"there is no entry {index}: the log has {state.size} entries")
        node = node_reader(self._store, state.size, edges=state.tiles.edges)
        entry = next(iter(self._store.entries(index, index + 1))).entry
        return proof_file(index, inclusion_proof(index, state.size, node), state.note, entry)

    def admit_writer(self, key: VerifierKey | str) -> Receipt:
        """Admit another writer's key; it may sign from the next checkpoint on.

        Raises:
            MalformedError: Not a verifier key of this log.
        """
        admitted = VerifierKey.parse(key) if isinstance(key, str) else key
        _check_name(admitted, self.origin)
        content: dict[str, Any] = {"key": str(admitted), "purpose": "writer"}
        return self._change_keys([prepare_other("key_added", content)])

    def retire_key(self, key: VerifierKey | str, reason: str) -> Receipt:
        """Retire a key; it vouches for nothing after the checkpoint of this entry.

        Raises:
            NotRecordedError: The key is not in force.
        """
        content: dict[str, Any] = {"key": str(key), "reason": reason}
        return self._change_keys([prepare_other("key_retired", content)])

    def rotate_key(self, following: Signer, *, next_key_digest: bytes | None = None) -> Receipt:
        """Hand over to another signing key: one batch adds it and retires the present one.

        Args:
            following: The key that follows; the one whose digest the log committed to, if it did.
            next_key_digest: Digest of the key after that, to commit to it.

        Returns:
            The receipt of the entry that adds the key.

        Raises:
            WrongKeyError: The log committed to another key.
        """
        key = following.verifier_key
        _check_name(key, self.origin)
        self._check_commitment(key)
        added: dict[str, Any] = {"key": str(key), "purpose": "rotation"}
        if next_key_digest is not None:
            added["next"] = next_key_digest
        retired: dict[str, Any] = {"key": self.verifier_key, "reason": "rotation"}
        batch = [prepare_other("key_added", added), prepare_other("key_retired", retired)]
        return self._change_keys(batch, following)

    def _check_commitment(self, key: VerifierKey) -> None:
        self._check_process()
        keys = self._committer.exclusively(lambda: self._writer.state.keys)
        if keys.find(key) is None and keys.next_digest not in (None, key.digest()):
            raise WrongKeyError(
                "the log committed to another next key: rotate to that one",
                expected=(keys.next_digest or b"").hex(),
                found=key.digest().hex(),
            )

    def _change_keys(self, entries: Sequence[Prepared], following: Signer | None = None) -> Receipt:
        """Write entries about keys between two batches, so that a refusal is this caller's alone.

        The hand-over to the following signer is in the same turn: no batch falls between.
        """

        def act() -> Receipt:
            if following is None:
                return _only(self._writer.commit(entries))
            return self._writer.hand_over(entries, following)

        self._check_process()
        with _not_recorded:
            return self._committer.exclusively(act)

    def close(self) -> None:
        """Answer all that wait, then release the store. May be called twice."""
        if self._process != os.getpid():
            return  # opened by a parent: it is the parent's to close
        self._committer.close()
        self._store.close()

    async def aclose(self) -> None:
        """Close from a task, without blocking its loop."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _new_committer(self) -> Committer:
        return Committer(self._writer.commit, **self._queue_options)  # type: ignore[arg-type]

    def _prepare(self, event: Event) -> Prepared:
        self._committer.check_open()
        with _not_recorded:
            return self._preparer.prepare(event)

    def _submit(self, records: Sequence[Prepared]) -> list[Receipt | BiotrailError]:
        with _not_recorded:
            return self._committer.submit(records)

    async def _submit_async(self, records: Sequence[Prepared]) -> list[Receipt | BiotrailError]:
        with _not_recorded:
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


def proof_file(index: int, hashes: Sequence[bytes], note: str, entry: bytes) -> ProofFile:
    """A proof file that carries the entry itself."""
    return ProofFile(index, tuple(hashes), note, encode_proof_entry(entry))


class _NotRecorded:
    """Says of whatever else goes wrong that nothing was recorded; the cause is chained.

    A class with no state, since a record passes through it twice and a generator costs more.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, UnknownOutcomeError):
            # One error may befall many callers: each is given one of its own.
            raise UnknownOutcomeError(str(error)) from error
        if isinstance(error, (NotRecordedError, ClosedError, EventError, ForkedProcessError)):
            return
        if isinstance(error, BiotrailError):
            raise NotRecordedError(f"not recorded: {error}") from error


_not_recorded = _NotRecorded()


def _check_name(key: VerifierKey, origin: str) -> None:
    if key.name != origin:
        raise EventError("key", key, f"must bear the name of the log, {origin}")


def _only(answers: list[Receipt | BiotrailError]) -> Receipt:
    (answer,) = answers
    if isinstance(answer, BiotrailError):
        raise answer
    return answer


def _all(answers: list[Receipt | BiotrailError]) -> list[Receipt]:
    for answer in answers:
        if isinstance(answer, BiotrailError):
            raise answer
    return answers  # type: ignore[return-value] # errors have just been ruled out

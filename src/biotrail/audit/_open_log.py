"""An open log: its writer and committer, its process, its vault, and how it is closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from biotrail._closing import Closing
from biotrail._version import __version__
from biotrail.audit.answers import not_recorded, only
from biotrail.audit.committer import Committer
from biotrail.audit.key_changes import KeyChange
from biotrail.audit.prepare import Prepared, Preparer, prepare_other
from biotrail.audit.proving import prove_entry
from biotrail.audit.receipt import Receipt, SignedCheckpoint
from biotrail.audit.writer import LogWriter
from biotrail.errors import BiotrailError, ForkedProcessError
from biotrail.events import Event
from biotrail.signing import Signer, VerifierKey
from biotrail.stores import Store
from biotrail.tlog import Checkpoint, ProofFile

if TYPE_CHECKING:
    from biotrail.audit.erasure import Erasures
    from biotrail.audit.fallback import FailOpen, Spool
    from biotrail.audit.limiting import Limiting
    from biotrail.audit.recovery import Recovery
    from biotrail.audit.spool_seal import SpoolSeal
    from biotrail.audit.vaulted import VaultedLog
    from biotrail.limits import LimitPolicy
    from biotrail.vault import Vault

__all__ = ["OpenLog"]

_NAME_SIZE = 8


def _now() -> datetime:
    return datetime.now(UTC)


class OpenLog(Closing):
    """What every act of a logger rests on; see `AuditLogger`."""

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
        limits: LimitPolicy | None = None,
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
            limits: How many failed attempts are too many; enforced where records commit. Give the
                same to every process that writes to the log. A policy that the log does not know
                as its last is recorded by its digest.

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
        if limits is not None:
            self._writer.limits = self._new_limits(limits)
            self._record_limits(limits)
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

    @property
    def store(self) -> Store:
        """Where the log rests: to read it by, not to write to."""
        return self._store

    @property
    def waiting(self) -> int:
        """How many records wait in this process to be committed; callers wait with them."""
        return self._committer.waiting

    def checkpoint(self) -> SignedCheckpoint:
        """The signed checkpoint of the log as it is now; keep one away from the log."""
        self._check_process()
        return self._committer.exclusively(self._present_checkpoint)

    def _present_checkpoint(self) -> SignedCheckpoint:
        state = self._writer.state
        checkpoint = Checkpoint(self.origin, state.size, state.tree.root())
        return SignedCheckpoint(checkpoint, state.note)

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
            self._vaulted.forget()
        if self._spool_seal is not None:
            self._spool_seal.forget()
        self._store.close()

    async def aclose(self) -> None:
        """Close from a task, without blocking its loop."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _between_batches(
        self,
        entries: Sequence[Prepared] | KeyChange,
        following: Signer | None = None,
        *,
        unless: Callable[[], None] | None = None,
    ) -> Receipt:
        """Write entries that are no events; a refusal is this caller's alone.

        The hand-over to the following signer is in the same turn: no batch falls between.
        """

        def act() -> Receipt:
            if isinstance(entries, KeyChange):
                assert following is not None
                return self._writer.hand_over(entries, following)
            return only(self._writer.commit(entries, unless=unless))

        self._check_process()
        with not_recorded:
            return self._committer.exclusively(act)

    def _write(
        self, kind: str, content: dict[str, Any], *, unless: Callable[[], None] | None = None
    ) -> Receipt:
        """Write an entry that is no event, between two batches; see `LogWriter.commit`."""
        return self._between_batches([prepare_other(kind, content)], unless=unless)

    def _prove(self, index: int) -> ProofFile:
        self._check_process()
        return self._committer.exclusively(
            lambda: prove_entry(self._store, self._writer.state, index)
        )

    def _start(self) -> bytes:
        name = self._preparer.draw(_NAME_SIZE)
        self._write("log_started", {"writer": name, "software": f"biotrail/{__version__}"})
        return name

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
            prove=self._prove,
            draw=self._preparer.draw,
            clock=self._clock,
        )

    @property
    def _clear(self) -> frozenset[str]:
        """The fields that the vault's policy leaves in the entries."""
        return frozenset() if self._vaulted is None else self._vaulted.vault.policy.clear

    def _new_limits(self, policy: LimitPolicy) -> Limiting:
        # Loaded here: not every log has limits.
        from biotrail.audit.limit_records import LimitRecords
        from biotrail.audit.limiting import Limiting

        preparer = self._preparer
        records = LimitRecords(self._store, preparer, policy.limits, clear=self._clear)
        return Limiting(policy, records, preparer)

    def _record_limits(self, policy: LimitPolicy) -> None:
        from biotrail.audit.settings import ATTEMPT_LIMITS_SETTING, setting_change

        settings = self._writer.state.settings
        if entries := setting_change(ATTEMPT_LIMITS_SETTING, policy.digest(), settings):
            self._between_batches(entries)

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
            # What was spooled was acted upon: no limit may say now that it was denied.
            record=lambda events: self._submit(
                [self._prepare(event)._replace(settled=True) for event in events]
            ),
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
        if self._erasures is not None:
            self._erasures.lock = threading.RLock()
        self._committer = self._new_committer()
        self._recovery, self._started = self._new_recovery(), None
        self._process = os.getpid()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

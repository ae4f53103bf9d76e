"""Whether the log holds: verified in the background, told with when and against what.

The verification reads the log's own file by a reader of its own, so that no question waits for it.
A verdict is of one moment. Whoever shows it says of which, and how much was recorded since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Literal, TypeAlias

import attrs

from biotrail.audit import AuditLogger
from biotrail.errors import BiotrailError, VerificationError
from biotrail.stores import SQLiteReader, StoreReader
from biotrail.verify import Verification, verify_log

__all__ = ["Integrity", "State", "Verdict"]

State: TypeAlias = Literal["holds", "broken", "unknown"]
_EVERY = timedelta(hours=1)


class _Stopped(Exception):
    """The application ends, and with it a verification that is under way."""


@attrs.frozen(kw_only=True)
class Verdict:
    """What one verification found.

    Attributes:
        state: ``"holds"``, ``"broken"``, or ``"unknown"`` where it could not be carried out.
        began: When it began.
        trusted: The verifier keys that it began from, as text.
        kept: Sizes of the checkpoints that the log was found to continue: those kept elsewhere,
            and that of the verification before.
        verification: What was proven; None where it does not hold.
        problem: What is wrong; empty where it holds.
        kind: The kind of problem, e.g. ``"altered"``.
        index: The first index that is wrong, where there is one.
    """

    state: State
    began: datetime
    trusted: tuple[str, ...]
    kept: tuple[int, ...] = ()
    verification: Verification | None = None
    problem: str = ""
    kind: str = ""
    index: int | None = None


class Integrity:
    """Verifies one log now and then."""

    def __init__(
        self,
        log: AuditLogger,
        *,
        trusted: Sequence[str],
        kept: Sequence[str] = (),
        clock: Callable[[], datetime],
    ) -> None:
        """Nothing is verified yet.

        Args:
            log: The log.
            trusted: Verifier keys to begin from; none for the one that the log begins with, which
                shows nothing to somebody who does not trust this server.
            kept: Signed checkpoints kept elsewhere, that the log has to continue.
            clock: What time it is, aware.
        """
        self._log = log
        self.has_given_keys = bool(trusted)
        self._trusted = tuple(trusted)
        self._kept = tuple(kept)
        self._clock = clock
        self._lock = Lock()
        self._starting = Lock()
        self._before: str | None = None
        self._ended = False
        self._thread: Thread | None = None
        self.running_since: datetime | None = None
        self.verdict: Verdict | None = None

    def is_due(self) -> bool:
        """Whether there is no verdict yet, or the last one is old."""
        return self.verdict is None or self._clock() - self.verdict.began >= _EVERY

    def begin(self) -> None:
        """Verify in a thread, unless that is under way; returns at once."""
        with self._starting:
            if self.running_since is not None or self._ended:
                return
            self.running_since = self._clock()
            # Not one of the threads that answer questions, and none that an ending process awaits.
            self._thread = Thread(target=self._run, name="biotrail-verification", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Wait for the verification that is under way, if one is."""
        if self._thread is not None:
            self._thread.join()

    def end(self) -> None:
        """Break off what is under way, and begin no more."""
        self._ended = True
        self.wait()

    def _run(self) -> None:
        try:
            self.check()
        finally:
            self.running_since = None

    def check(self) -> Verdict | None:
        """Verify now, and keep the verdict; None if it was broken off."""
        with self._lock:
            began = self._clock()
            try:
                self.verdict = self._verdict(began)
            except _Stopped:
                return None
            return self.verdict

    def _verdict(self, began: datetime) -> Verdict:
        trusted = self._trusted
        try:
            if not trusted:
                trusted = (str(self._log.questions().keys()[0].key),)
            found = self._verify(trusted)
        except VerificationError as error:
            return Verdict(
                state="broken",
                began=began,
                trusted=trusted,
                problem=str(error),
                kind=error.kind,
                index=error.index,
            )
        except BiotrailError as error:
            return Verdict(state="unknown", began=began, trusted=trusted, problem=str(error))
        return Verdict(
            state="holds",
            began=began,
            trusted=trusted,
            kept=found.complete_since,
            verification=found,
        )

    def _verify(self, trusted: Sequence[str]) -> Verification:
        store = self._log.store
        if not hasattr(store, "path"):
            return self._verify_store(store, trusted)
        reader = SQLiteReader(store.path)
        try:
            return self._verify_store(reader, trusted)
        finally:
            reader.close()

    def _verify_store(self, store: StoreReader, trusted: Sequence[str]) -> Verification:
        # In this process alone: the other processors are for those who ask and record.
        return verify_log(
            store,
            trusted,
            from_checkpoint=[*self._kept, *self._verified_before()],
            workers=1,
            progress=self._go_on,
        )

    def _verified_before(self) -> Sequence[str]:
        """The checkpoint of the verification before: what held then must be there still."""
        before = None if self.verdict is None else self.verdict.verification
        if before is not None:
            self._before = before.checkpoint
        return [] if self._before is None else [self._before]

    def _go_on(self, done: int, in_all: int) -> None:
        if self._ended:
            raise _Stopped

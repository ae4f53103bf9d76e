"""An attempt under way: whatever happens inside the block is recorded when it ends."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from biotrail.errors import EventError, NotRecordedError
from biotrail.events import (
    Actor,
    ApplicationDecision,
    Comparison,
    Context,
    Event,
    Factor,
    FactorRole,
    Outcome,
    Reason,
    Subject,
)

if TYPE_CHECKING:
    from typing import Unpack

    from biotrail.audit.biometric import BiometricCheck, CheckOptions
    from biotrail.audit.fallback import Fallback
    from biotrail.audit.receipt import Receipt
    from biotrail.events._rules import AttributeValue
    from biotrail.limits import Lock
    from biotrail.matchers.backend import MatcherBackend
    from biotrail.matchers.gallery import Gallery
    from biotrail.matchers.reference import Reference

__all__ = ["Attempt"]


class _Recorder(Protocol):
    """What an attempt needs of the logger."""

    def record(self, event: Event) -> Receipt: ...

    async def arecord(self, event: Event) -> Receipt: ...

    def fall_back(self, event: Event, error: NotRecordedError) -> Fallback: ...

    def lock_of(self, event: Event) -> Lock | None: ...


class Attempt:
    """One access attempt, from its beginning to its record.

    Use it as a context manager, plain or async. Inside, say what the matcher found (`compared`,
    `failed_to_acquire`) and what was decided (`grant`, `deny`). The record is written when the
    block ends: also when it ends by an exception, and as denied when nothing was decided. Act on
    `granted` after the block only: it is true once the granting record is durable.
    """

    def __init__(self, recorder: _Recorder, occurred: datetime, fields: Mapping[str, Any]) -> None:
        """Begin an attempt; use `AuditLogger.attempt`."""
        self._recorder = recorder
        # Built once beforehand so that a bad field is refused before anything else is done.
        self._base = Event(
            decision=ApplicationDecision.DENIED,
            reason=Reason.NO_DECISION,
            **{"occurred": occurred, **fields},
        )
        self._changes: dict[str, Any] = {}
        self._receipt: Receipt | None = None
        self._fallback: Fallback | None = None
        self._lock: Lock | None = None

    @property
    def granted(self) -> bool:
        """Whether access was granted, and the record that says so is durable.

        Or, where the host chose that for such an event and the record could not be written, what
        `fallback` says.
        """
        decision = self._changes.get("decision")
        return self._ended and decision is ApplicationDecision.GRANTED

    @property
    def decision(self) -> ApplicationDecision | None:
        """What was decided so far, recorded or not; None where nothing was.

        Once it is recorded: what the record says, which attempt limits may have overruled.
        """
        return self._changes.get("decision")

    @property
    def fallback(self) -> Fallback | None:
        """What was done instead of recording, if the record could not be written."""
        return self._fallback

    @property
    def locked(self) -> Lock | None:
        """The lock of attempt limits that holds: why the attempt is turned away, and until when.

        None where there is none, and before either `check_limits` or the record. An attempt whose
        own failure brought a lock has it too. Answer every attempt that has one alike, whether it
        matched or not: the difference would tell an impostor what was found.
        """
        return self._lock

    def check_limits(self) -> Lock | None:
        """Ask, before anything is compared, whether the attempt would be turned away; deny it then.

        Returns:
            The lock; None where the attempt may go on, or the log has no limits.

        Raises:
            NotRecordedError: The log cannot be read. Do not grant.
        """
        lock = self._recorder.lock_of(self._event(None))
        if lock is not None:
            self.deny(lock.reason)
            self._lock = lock
        return lock

    @property
    def _ended(self) -> bool:
        return self._receipt is not None or self._fallback is not None

    @property
    def receipt(self) -> Receipt | None:
        """The record's receipt, once it is durable."""
        return self._receipt

    def identified(self, subject: Subject | str, *, actor: Actor | str | None = None) -> None:
        """Say who it turned out to be, where that was not known at the beginning."""
        self._change(subject=subject, **({} if actor is None else {"actor": actor}))

    def compared(self, comparison: Comparison) -> None:
        """Say what the matcher found."""
        self._change(comparison=comparison)

    def observed(self, context: Context) -> None:
        """Give the circumstances, replacing what was given before."""
        self._change(context=context)

    def used(self, *factors: Factor | str, role: FactorRole | str | None = None) -> None:
        """Name the factors that were used beside the biometric, or instead of it.

        Args:
            *factors: The factors, replacing what was named before.
            role: Whether they step up, or stand in for a biometric that could not be used; recorded
                as the label ``factor_role``.
        """
        if role is not None and role not in tuple(FactorRole):
            words = ", ".join(FactorRole)
            raise EventError("attempt.used(role)", role, f"must be one of: {words}")
        self._change(factors=factors)
        if role is not None:
            self.labelled(factor_role=str(role))

    def labelled(self, **labels: AttributeValue) -> None:
        """Add labels: the host's own values that are certainly not personal, part of the entry."""
        known = self._changes.get("labels", self._base.labels)
        self._change(labels={**known, **labels})

    def grant(
        self, reason: Reason | str = Reason.MATCH, *, outcome: Outcome | str = "success"
    ) -> None:
        """Decide to grant."""
        self._change(decision=ApplicationDecision.GRANTED, reason=reason, outcome=outcome)

    def deny(self, reason: Reason | str, *, outcome: Outcome | str = Outcome.FAILURE) -> None:
        """Decide to deny."""
        self._change(decision=ApplicationDecision.DENIED, reason=reason, outcome=outcome)

    def failed_to_acquire(self, reason: Reason | str) -> None:
        """Say that nothing usable was captured; the attempt is denied."""
        self.deny(reason)

    def verify(
        self,
        matcher: MatcherBackend,
        reference: Reference | str,
        image: object,
        **options: Unpack[CheckOptions],
    ) -> BiometricCheck:
        """Capture from an image, compare with one reference (1:1), and say all of it here.

        A failure to acquire, something that is no image, and a reference that is unknown, revoked
        or expired are denied for that reason; so is, before anything is looked at, an attempt that
        attempt limits turn away. A comparison is granted or denied by the policy, if one is among
        the options (see `biotrail.audit.check.CheckOptions`); else the host decides. References
        expire by the attempt's time.

        Raises:
            MatcherError: The reference is of another model, an option is wrong, or the matcher
                failed.
        """
        from biotrail.audit import biometric

        if (away := self._turned_away()) is not None:
            return away
        now = self._base.occurred
        return self._checked(biometric.verify(matcher, reference, image, now=now, **options))

    def identify(
        self,
        matcher: MatcherBackend,
        gallery: Gallery,
        image: object,
        **options: Unpack[CheckOptions],
    ) -> BiometricCheck:
        """Capture from an image, search a gallery (1:N), and say all of it here; as `verify`.

        Who the identified reference belongs to the host says by `identified`.
        """
        from biotrail.audit import biometric

        if (away := self._turned_away()) is not None:
            return away
        now = self._base.occurred
        return self._checked(biometric.identify(matcher, gallery, image, now=now, **options))

    async def averify(
        self,
        matcher: MatcherBackend,
        reference: Reference | str,
        image: object,
        **options: Unpack[CheckOptions],
    ) -> BiometricCheck:
        """`verify` from a task: the work is done in a thread."""
        import asyncio

        from biotrail.audit import biometric

        if (away := await asyncio.to_thread(self._turned_away)) is not None:
            return away
        now = self._base.occurred
        work = asyncio.to_thread(biometric.verify, matcher, reference, image, now=now, **options)
        return self._checked(await work)

    async def aidentify(
        self,
        matcher: MatcherBackend,
        gallery: Gallery,
        image: object,
        **options: Unpack[CheckOptions],
    ) -> BiometricCheck:
        """`identify` from a task: the work is done in a thread."""
        import asyncio

        from biotrail.audit import biometric

        if (away := await asyncio.to_thread(self._turned_away)) is not None:
            return away
        now = self._base.occurred
        work = asyncio.to_thread(biometric.identify, matcher, gallery, image, now=now, **options)
        return self._checked(await work)

    def _turned_away(self) -> BiometricCheck | None:
        """The check of an attempt that attempt limits turn away: nothing is looked at."""
        lock = self.check_limits()
        if lock is None:
            return None
        from biotrail.audit.biometric import BiometricCheck

        return BiometricCheck(denied=lock.reason)

    def _checked(self, check: BiometricCheck) -> BiometricCheck:
        if check.comparison is not None:
            self.compared(check.comparison)
        if check.denied is not None:
            self.deny(check.denied)
        elif check.decision is not None:
            decide = self.grant if check.decision.granted else self.deny
            decide(check.decision.reason)
        return check

    def _change(self, **changes: Any) -> None:
        if self._ended:
            raise EventError("attempt", self, "is recorded already; begin another")
        _with(self._base, {**self._changes, **changes})
        self._changes.update(changes)

    def _event(self, error: BaseException | None) -> Event:
        changes = dict(self._changes)
        if error is not None:
            cancelled = isinstance(error, KeyboardInterrupt) or _is_cancellation(error)
            changes["decision"] = self._changes["decision"] = ApplicationDecision.DENIED
            changes["reason"] = Reason.CANCELLED if cancelled else Reason.ERROR
            changes["outcome"] = Outcome.UNKNOWN
        elif "decision" not in changes:
            changes["outcome"] = Outcome.UNKNOWN
        return _with(self._base, changes)

    def _recorded(self, receipt: Receipt) -> None:
        self._receipt = receipt
        if receipt.lock is not None:
            self._lock = receipt.lock
        if receipt.overruled:
            self._changes["decision"] = ApplicationDecision.DENIED

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        event = self._event(error)
        try:
            self._recorded(self._recorder.record(event))
        except NotRecordedError as failure:
            self._fallback = self._recorder.fall_back(event, failure)

    async def __aenter__(self) -> Attempt:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # A task that is being cancelled records all the same.
        import asyncio

        event = self._event(error)
        try:
            self._recorded(await asyncio.shield(self._recorder.arecord(event)))
        except NotRecordedError as failure:
            # A spool waits for its disk.
            fall_back = self._recorder.fall_back
            self._fallback = await asyncio.to_thread(fall_back, event, failure)


def _is_cancellation(error: BaseException) -> bool:
    # Where no task runs asyncio may not even be imported, and need not be.
    loaded = sys.modules.get("asyncio")
    return loaded is not None and isinstance(error, loaded.CancelledError)


def _with(event: Event, changes: Mapping[str, Any]) -> Event:
    return attrs.evolve(event, **changes)

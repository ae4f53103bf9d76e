"""The part of a logger that erases, holds and retains personal data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biotrail.audit._open_log import OpenLog
from biotrail.audit.receipt import Receipt
from biotrail.events import Subject

if TYPE_CHECKING:
    from biotrail.audit.certificate import ErasureCertificate
    from biotrail.audit.erasure import Erasures
    from biotrail.audit.holds import Hold
    from biotrail.audit.retention import RetentionRun
    from biotrail.audit.retention_policy import RetentionPolicy

__all__ = ["DataKeeping"]

_HOLD_SIZE = 16


class DataKeeping(OpenLog):
    """Erases people, places legal holds, applies retention."""

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

    @property
    def erasures(self) -> Erasures:
        """What erases from this log, for `biotrail.audit.doctor`.

        Raises:
            VaultError: The log was opened without a vault.
        """
        if self._erasures is None:
            from biotrail.errors import VaultError

            raise VaultError("this log was opened without a vault: give it one (vault=)")
        return self._erasures

"""The part of a logger that turns attempts away, and lifts locks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from biotrail.audit._open_log import OpenLog
from biotrail.audit.answers import not_recorded
from biotrail.events import Actor, Event, Reason, Subject

if TYPE_CHECKING:
    from biotrail.audit.receipt import Receipt
    from biotrail.limits import Lock

__all__ = ["LimitKeeping"]


class LimitKeeping(OpenLog):
    """Answers whether an attempt would be turned away, and unlocks."""

    def lock_of(self, event: Event) -> Lock | None:
        """The lock that would turn an attempt away if it were recorded now.

        Ask before anything is compared, so that a locked attempt costs nothing and tells nothing;
        `Attempt.verify` does. What counts is decided when the record commits.

        Args:
            event: The attempt, with its subject and context as far as they are known.

        Returns:
            The lock that holds longest; None where there is none, or the log has no limits.

        Raises:
            NotRecordedError: The log cannot be read. Do not grant.
        """
        self._check_process()
        if self._writer.limits is None:
            return None
        with not_recorded:
            return self._committer.exclusively(lambda: self._writer.lock_now(event))

    def unlock(
        self,
        *,
        subject: Subject | str | None = None,
        device: str | None = None,
        ip: IPv4Address | IPv6Address | str | None = None,
        reason: Reason | str,
        by: Actor | str | None = None,
        tenant: str | None = None,
    ) -> Receipt:
        """Lift the lock of a person, a device or an address, and record it; counting begins anew.

        It needs no limits: what is locked stands in the log.

        Args:
            subject: The person, or the host's identifier of them.
            device: Or the device.
            ip: Or the address; of an IPv6 address its network of 64 bits is unlocked.
            reason: Why: a `Reason`, or ``host.<word>``.
            by: Who does it.
            tenant: Whose log it is among several.

        Raises:
            LimitError: Nothing is locked, or not exactly one of the three was named.
            EventError: A value is not as it must be.
            NotRecordedError: It could not be recorded; the lock holds.
        """
        from biotrail.audit.locks import Unlocking

        self._check_process()
        asked = Unlocking.of(subject=subject, device=device, ip=ip, by=by, tenant=tenant)
        with not_recorded:
            return self._committer.exclusively(
                lambda: asked.carry_out(
                    self._writer, self._store, self._preparer, reason=reason, clear=self._clear
                )
            )

"""What becomes of an attempt whose record cannot be written, if the host does not fail closed.

The default is to fail closed: the attempt raises, and is not granted. A host may choose otherwise
for some events, and then answers for it: what happened is recorded as a ``log_gap`` entry as soon
as the log can be written again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from biotrail.audit.spool import Spooled, SpoolFile
from biotrail.errors import BiotrailError
from biotrail.events import Event

if TYPE_CHECKING:
    from biotrail.audit.spool_seal import SpoolSeal

__all__ = ["FailOpen", "Fallback", "Gap", "GapReport", "Spool"]

_LONGEST_REASON = 200


class Fallback(StrEnum):
    """What was done with an attempt that could not be recorded."""

    SPOOLED = "spooled"
    """It lies in the spool, durably, and will be recorded."""
    UNRECORDED = "unrecorded"
    """It went on without a record; only the gap will be recorded."""


def _always(_event: Event) -> bool:
    return True


@attrs.frozen
class FailOpen:
    """Let some attempts go on without a record.

    Attributes:
        events: Tells whether an event may go unrecorded, e.g. one by which people leave a building.
    """

    events: Callable[[Event], bool]


@attrs.frozen
class Spool:
    """Keep attempts in a bounded file while the log cannot be written, and record them later.

    Attributes:
        path: The file, readable by its owner only. Not on the disk of the log, best.
        maximum_bytes: How large it may become; beyond that attempts fail closed.
        events: Tells whether an event may be spooled; all may, by default.
    """

    path: str | os.PathLike[str]
    maximum_bytes: int = attrs.field(
        default=16 * 1024 * 1024, validator=attrs.validators.ge(1), kw_only=True
    )
    events: Callable[[Event], bool] = attrs.field(default=_always, kw_only=True)


@attrs.frozen
class GapReport:
    """A gap that has ended, or is about to.

    Attributes:
        since: When the first attempt could not be recorded.
        lost: How many attempts went on without a record.
        reason: What was wrong at first, in words.
        spooled: What the spool holds.
    """

    since: datetime
    lost: int
    reason: str
    spooled: Spooled


class Gap:
    """Keeps count of what could not be recorded. Thread-safe.

    Attributes:
        is_open: Whether there is something to report.
    """

    def __init__(self, policy: FailOpen | Spool, seal: SpoolSeal | None = None) -> None:
        """Follow a policy.

        Args:
            policy: What the host chose.
            seal: Seals what is spooled, in a log with a vault.

        Raises:
            SpoolError: The spool cannot be read.
        """
        self._policy = policy
        self._file: SpoolFile | None = None
        self._mutex = threading.Lock()
        self._since: datetime | None = None
        self._lost = 0
        self._reason = ""
        self.is_open = False
        if isinstance(policy, Spool):
            self._file = SpoolFile(policy.path, maximum_bytes=policy.maximum_bytes, seal=seal)
            self.is_open = not self._file.is_empty()  # of a process before this one

    def take(self, event: Event, error: BiotrailError) -> Fallback:
        """Do with an event what the policy says. Its time is taken for the present.

        Args:
            event: What could not be recorded.
            error: Why not.

        Raises:
            BiotrailError: The error, where the policy is to fail closed; the spool's, chained to
                it, where that cannot take the event.
        """
        if not self._policy.events(event):
            raise error
        moment = event.occurred
        if self._file is not None:
            try:
                self._file.add(event, moment)
            except BiotrailError as full:  # the spool's, or of what seals it
                raise error from full
        with self._mutex:
            self._since = self._since or moment
            self._reason = self._reason or str(error)[:_LONGEST_REASON]
            self._lost += self._file is None
            self.is_open = True
        return Fallback.UNRECORDED if self._file is None else Fallback.SPOOLED

    def report(self, moment: datetime) -> GapReport:
        """What there is to record now.

        Raises:
            SpoolError: The spool cannot be read.
            VaultError: It cannot be opened.
        """
        spooled = Spooled([], None, 0) if self._file is None else self._file.read()
        with self._mutex:
            since = self._since or spooled.since or moment
            reason = self._reason or "spooled before the log was opened"
            return GapReport(since, self._lost, reason, spooled)

    def settle(self, report: GapReport) -> None:
        """Take note that a report is in the log; what came since stays open.

        Raises:
            SpoolError: The spool cannot be written.
        """
        emptied = self._file is None or self._file.empty(report.spooled.end)
        with self._mutex:
            self._lost -= report.lost
            if emptied and not self._lost:
                self._since, self._reason, self.is_open = None, "", False

"""After a gap: what was spooled is recorded, and that there was a gap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from biotrail.audit.fallback import FailOpen, Gap, GapReport, Spool
from biotrail.audit.receipt import Receipt
from biotrail.canonical import format_time
from biotrail.errors import BiotrailError
from biotrail.events import Event

if TYPE_CHECKING:
    from biotrail.audit.spool_seal import SpoolSeal

__all__ = ["Recovery"]

Recorder = Callable[[Sequence[Event]], list[Receipt | BiotrailError]]


class Recovery:
    """Closes a gap, once at a time.

    Attributes:
        gap: What could not be recorded.
    """

    def __init__(
        self,
        policy: FailOpen | Spool,
        *,
        writer: bytes,
        record: Recorder,
        write: Callable[[str, dict[str, Any]], object],
        clock: Callable[[], datetime],
        seal: SpoolSeal | None = None,
    ) -> None:
        """Close a gap through functions of the logger.

        Args:
            policy: What the host chose.
            writer: The 8 bytes that name this opening of the log.
            record: Records events in order, and answers each.
            write: Writes an entry of another kind.
            clock: Returns the present time.
            seal: Seals what is spooled, in a log with a vault.

        Raises:
            SpoolError: The spool cannot be read.
        """
        self.gap = Gap(policy, seal)
        self._writer = writer
        self._record = record
        self._write = write
        self._clock = clock
        self._lock = threading.Lock()

    def attempt(self) -> None:
        """Close the gap if that can be done now; else the next record tries again."""
        if self.gap.is_open and self._lock.acquire(blocking=False):
            try:
                with suppress(BiotrailError):
                    self._close_gap()
            finally:
                self._lock.release()

    def run(self) -> None:
        """Close the gap, if there is one.

        Raises:
            BiotrailError: It still cannot be closed; nothing is lost.
        """
        with self._lock:
            self._close_gap()

    def _close_gap(self) -> None:
        if not self.gap.is_open:
            return
        report = self.gap.report(self._clock())
        answers = self._record(report.spooled.events)
        refused = sum(isinstance(answer, BiotrailError) for answer in answers)
        if report.lost or report.spooled.events:
            self._write("log_gap", self._content(report, refused))
        self.gap.settle(report)

    def _content(self, report: GapReport, refused: int) -> dict[str, Any]:
        until = max(self._clock(), report.since)
        reason = report.reason
        if refused:  # another event has the same id: a defect of the host's, which must not hide
            reason += f"; {refused} spooled under the id of another event"
        return {
            "lost": report.lost + refused,
            "since": format_time(report.since),
            "until": format_time(until),
            "reason": reason,
            "writer": self._writer,
        }

"""The detector: records before rules, and findings into the log."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from biotrail.detection._working import Working
from biotrail.detection.telling import Detection
from biotrail.errors import (
    ClosedError,
    DetectionError,
    KeyProviderError,
    NotRecordedError,
    StoreBusyError,
    StoreUnavailableError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    import asyncio

__all__ = ["Detector"]

_LOG = logging.getLogger(__name__)
_AT_ONCE, _AT_ONCE_IN_LOOP = 500, 32
_LOOK_UP = 0.25
# What may be over soon: a store that another program holds, the vault's keys, a full disk.
_PASSING = (
    StoreBusyError,
    StoreUnavailableError,
    KeyProviderError,
    NotRecordedError,
    UnknownOutcomeError,
)


class Detector(Working):
    """Puts the records of a log before rules, and records what they find in the same log.

    Every finding is one record, whatever happens: its event's id follows from the rule and the
    records that led to it, so that what is found again after a crash, or by another detector, is
    answered with the record that is there. A record is put before the rules once it is proven
    against a checkpoint; detections are put before none.

    One thread or task at a time runs it.

    Attributes:
        callbacks: What is told of detections; `Callbacks.missed` counts what was too slow.
        deliverer: What posts detections, while it runs; None without a webhook.
        error: What ended the thread that `start` began, or None.
    """

    def run_once(self) -> list[Detection]:
        """Put before the rules what the log holds now, record what they find, and return it.

        Raises:
            DetectionError: The kept progress is of another log, or cannot be kept.
            VerificationError: The log does not check out.
            NotRecordedError: A finding could not be recorded; nothing is lost.
            BiotrailError: The log cannot be read.
        """
        begin = self._begin()
        done = self._record_all()
        with self._log.follow(start=begin) as follower:
            while found := follower.take(_AT_ONCE, timeout=0.0):
                self._see(found)
                done += self._record_all()
        self._look_for_silence()
        done += self._record_all()
        self._save()
        return done

    def run(self, stop: threading.Event) -> None:
        """Watch the log until it is stopped; what may pass (a locked store) is tried again.

        Args:
            stop: Set it to stop.

        Raises:
            BiotrailError: Trying again would change nothing; as `run_once`.
        """
        failures = 0
        with self._log.follow(start=self._begin()) as follower:
            while not stop.is_set():
                try:
                    if not self._pending:
                        found = follower.take(_AT_ONCE, timeout=_LOOK_UP)
                        self._see(found) if found else self._look_for_silence()
                    self._record_all()
                except _PASSING as error:
                    failures += 1
                    _LOG.warning("detection waits: %s", error)
                    stop.wait(self._backoff.wait(failures))
                    continue
                failures = 0
        self._save()

    async def arun(self, stop: asyncio.Event) -> None:
        """Watch the log from a task until it is stopped; as `run`.

        Raises:
            BiotrailError: As `run`.
        """
        import asyncio

        loop, failures = asyncio.get_running_loop(), 0
        begin = await loop.run_in_executor(None, self._begin)
        async with self._log.afollow(start=begin) as follower:
            while not stop.is_set():
                try:
                    if not self._pending:
                        found = await follower.take(_AT_ONCE_IN_LOOP, timeout=_LOOK_UP)
                        self._see(found) if found else self._look_for_silence()
                    await self._arecord_all()
                except _PASSING as error:
                    failures += 1
                    _LOG.warning("detection waits: %s", error)
                    await asyncio.sleep(self._backoff.wait(failures))
                    continue
                failures = 0
        await loop.run_in_executor(None, self._save)

    def start(self) -> None:
        """Run in a thread of its own until `close`; `error` tells if it ended before."""
        if self._thread is not None:
            raise DetectionError("the detector runs already")
        self._thread = threading.Thread(
            target=self._run_in_thread, name="biotrail-detector", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop what runs, and tell callbacks what waits for them. The log stays open."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.deliverer is not None:
            self.deliverer.close()
        self.callbacks.close()

    def _run_in_thread(self) -> None:
        try:
            self.run(self._stop)
        except ClosedError:
            return
        except Exception as error:
            self.error = error
            _LOG.exception("detection ended")

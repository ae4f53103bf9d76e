"""Findings to a webhook: from the log itself, at least once, without holding up anybody."""

from __future__ import annotations

import json
import logging
import threading
from time import monotonic
from typing import Any

from biotrail._closing import Closing
from biotrail._retrying import Backoff
from biotrail._webhooks import Webhook
from biotrail.audit import AuditLogger
from biotrail.canonical import format_time
from biotrail.detection.progress import Progress, ProgressFile
from biotrail.errors import (
    BiotrailError,
    ClosedError,
    DetectionError,
    SinkRefusedError,
    SinkUnavailableError,
)
from biotrail.events.own_actions import DETECTION_BEGINNING
from biotrail.query import VerifiedEntry, field

__all__ = ["Deliverer", "webhook_body"]

_LOG = logging.getLogger(__name__)
_LOOK_UP = 0.5


class Deliverer(Closing):
    """Posts the detections that a log holds, one after the other, from where it stopped.

    What is posted are the records: a finding cannot be delivered and not be in the log. While the
    receiver does not answer, the same detection is tried again, and the log goes on.

    Attributes:
        delivered: How many were taken.
        refused: How many the receiver refuses for good; they are passed over, and logged.
    """

    def __init__(
        self,
        log: AuditLogger,
        webhook: Webhook,
        *,
        progress: ProgressFile,
        origin: str,
        start: int,
        backoff: Backoff | None = None,
    ) -> None:
        """Begin at the kept place, or at an index where none is kept.

        Raises:
            DetectionError: What is kept is of another log, or no progress.
        """
        self._log, self._webhook, self._file, self._origin = log, webhook, progress, origin
        self._backoff, self._stop = backoff or Backoff(), threading.Event()
        kept = progress.read()
        if kept is not None and kept.origin != origin:
            raise DetectionError(
                f"{progress.path} is of the log {kept.origin!r}, not of {origin!r}: "
                "nothing is posted",
                path=str(progress.path),
            )
        self._start = start if kept is None else kept.next
        self.delivered = self.refused = 0
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="biotrail-webhook", daemon=True)
        self._thread.start()

    def drain(self, timeout: float) -> bool:
        """Wait until all that the log holds now was taken or refused; returns whether it was."""
        deadline = monotonic() + timeout
        asked = field("action").starts_with(DETECTION_BEGINNING)
        last = next((one.index for one in self._log.search(asked)), -1)  # newest first
        with self._moved:
            while self._start <= last:
                if not self._moved.wait(deadline - monotonic()):
                    return False
        return True

    def close(self) -> None:
        """Stop; what is not delivered yet is delivered the next time."""
        self._stop.set()
        self._thread.join(60.0)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self._follow()
            except ClosedError:
                return
            except BiotrailError as error:
                failures += 1
                _LOG.warning("detections cannot be delivered just now: %s", error)
                self._stop.wait(self._backoff.wait(failures))

    def _follow(self) -> None:
        asked = field("action").starts_with(DETECTION_BEGINNING)
        with self._log.follow(start=self._start, where=asked) as follower:
            while not self._stop.is_set():
                for one in follower.take(1, timeout=_LOOK_UP):
                    if not self._deliver(one):
                        return
                    self._keep(one)

    def _keep(self, done: VerifiedEntry) -> None:
        after = done.index + 1
        self._file.write(Progress(self._origin, after, done.record.leaf_hash, after))
        with self._moved:
            self._start = after
            self._moved.notify_all()

    def _deliver(self, found: VerifiedEntry) -> bool:
        """Post one until it is taken or refused; returns whether it was."""
        identity, body = webhook_body(self._origin, found)
        failures = 0
        while not self._stop.is_set():
            try:
                self._webhook.post(
                    identity, body, content_type="application/json", what="a detection"
                )
            except SinkUnavailableError as error:
                failures += 1
                _LOG.warning("detection %d is not delivered yet: %s", found.index, error)
                self._stop.wait(self._backoff.wait(failures, asked=error.after))
            except SinkRefusedError as error:
                self.refused += 1
                _LOG.error("detection %d is refused for good: %s", found.index, error)
                return True
            else:
                self.delivered += 1
                return True
        return False


def webhook_body(origin: str, found: VerifiedEntry) -> tuple[str, bytes]:
    """The id and the body that are posted for the record of a finding; nothing personal is in it.

    Type, timestamp and data as Standard Webhooks 1.0 recommends.
    """
    record, content = found.record, found.record.content
    labels: dict[str, Any] = dict(content.get("labels", {}))
    indices = str(labels.get("indices", ""))
    data = {
        "rule": content["action"].removeprefix(DETECTION_BEGINNING),
        "severity": labels.get("severity"),
        "reason": labels.get("because"),
        "indices": [int(one) for one in indices.split(",") if one],
        "count": labels.get("count"),
        "occurred": content["occurred"],
        "log": origin,
        "index": record.index,
        "leaf_hash": record.leaf_hash.hex(),
        "checkpoint_size": found.checkpoint.size,
    }
    told = {"type": content["action"], "timestamp": format_time(record.recorded), "data": data}
    return f"biotrail_{record.leaf_hash.hex()[:32]}", json.dumps(told).encode()

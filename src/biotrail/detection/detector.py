"""The detector: records before rules, and findings into the log."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import attrs

from biotrail._closing import Closing
from biotrail._retrying import Backoff
from biotrail.audit import AuditLogger, Receipt
from biotrail.detection.finding import Finding, finding_event, finding_id
from biotrail.detection.memory import Watch
from biotrail.detection.progress import Progress, ProgressFile
from biotrail.detection.rule import Rule
from biotrail.detection.seen import Seen
from biotrail.detection.telling import Callback, Callbacks, Detection
from biotrail.errors import (
    ClosedError,
    DetectionError,
    EventConflictError,
    KeyProviderError,
    NotRecordedError,
    StoreBusyError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from biotrail.events import Event, new_event_id
from biotrail.query import Condition, VerifiedEntry, field

if TYPE_CHECKING:
    import asyncio

    from biotrail._webhooks import Webhook
    from biotrail.detection.delivering import Deliverer

__all__ = ["Detector"]

_LOG = logging.getLogger(__name__)
_AT_ONCE, _AT_ONCE_IN_LOOP = 500, 32
_SAVE_EACH = 5_000
_KNOWN = 4_096
_LOOK_UP = 0.25
# What may be over soon: a store that another program holds, the vault's keys, a full disk.
_PASSING = (
    StoreBusyError,
    StoreUnavailableError,
    KeyProviderError,
    NotRecordedError,
    UnknownOutcomeError,
)


class Detector(Closing):
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

    def __init__(
        self,
        log: AuditLogger,
        rules: Iterable[Rule],
        *,
        state: str | os.PathLike[str],
        callbacks: Iterable[Callback] = (),
        webhook: Webhook | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Set up a detector; nothing is read yet.

        Args:
            log: The log; with its vault, if rules need personal fields that are sealed.
            rules: The rules, each with a name of its own.
            state: The file that keeps how far it has come, without anything personal; it begins at
                the first entry if there is none.
            callbacks: Functions that are told of each `Detection`, in a thread of their own.
            webhook: Where detections are posted; its progress is kept beside `state`.
            backoff: Waits between tries, for `run`, `arun` and the webhook.
            clock: Gives the time, for rules about silence.

        Raises:
            DetectionError: There are no rules, two have one name, or the file holds no progress.
        """
        self._log, self._watch, self._clock = log, Watch(rules), clock
        self._file, self._webhook, self._backoff = (
            ProgressFile(state),
            webhook,
            backoff or Backoff(),
        )
        self._progress = self._file.read()
        self._saved = -1
        self._last: tuple[int, bytes] | None = None
        self._position: int | None = None
        self._pending: deque[Finding] = deque()
        self._known: OrderedDict[UUID, None] = OrderedDict()
        self._origin = ""
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.callbacks = Callbacks(callbacks)
        self.deliverer: Deliverer | None = None
        self.error: Exception | None = None

    @property
    def next(self) -> int:
        """Index of the next record that is put before the rules."""
        if self._last is not None:
            return self._last[0] + 1
        return 0 if self._progress is None else self._progress.next

    @property
    def blind(self) -> dict[str, int]:
        """By rule, of how many attempts it could not see the fields that it needs."""
        return self._watch.blind

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

    def _begin(self) -> int:
        """Take up what is kept; the index from which records are read."""
        if self._position is not None:
            return self._position
        self._origin, kept = self._log.origin, self._progress
        begin = 0
        if kept is not None:
            if kept.origin != self._origin:
                raise self._of_another(f"is of the log {kept.origin!r}, not of {self._origin!r}")
            for memory in self._watch.memories:
                if memory.rule.kept and memory.rule.name in kept.kept:
                    memory.load(kept.kept[memory.rule.name])
            begin = min(kept.since, max(kept.next - 1, 0))  # the entry before is held against it
        self._begin_delivering()
        self._position = begin
        return begin

    def _begin_delivering(self) -> None:
        if self._webhook is not None and self.deliverer is None:
            from biotrail.detection.delivering import Deliverer

            place = ProgressFile(f"{self._file.path}.webhook")
            self.deliverer = Deliverer(
                self._log,
                self._webhook,
                progress=place,
                origin=self._origin,
                start=self.next,
                backoff=self._backoff,
            )

    def _see(self, found: Sequence[VerifiedEntry]) -> None:
        """Put records before the rules; those from before make memory, and find nothing."""
        kept = self._progress
        before = 0 if kept is None or self._last is not None else kept.next
        for one in found:
            seen = Seen.of_record(one.record)
            if one.index < before:
                self._watch.see(seen, kept=False)
                self._check_same(one, before)
                continue
            self._pending.extend(self._watch.see(seen))
        self._position = found[-1].index + 1
        if self._position > before:
            self._last = found[-1].index, found[-1].record.leaf_hash

    def _check_same(self, found: VerifiedEntry, after: int) -> None:
        kept = self._progress
        assert kept is not None
        if found.index == after - 1 and found.record.leaf_hash != kept.leaf_hash:
            raise self._of_another(f"is of a log with another entry {found.index}")

    def _of_another(self, what: str) -> DetectionError:
        path = self._file.path
        return DetectionError(f"{path} {what}: nothing was recorded", path=str(path))

    def _look_for_silence(self) -> None:
        self._pending.extend(self._watch.silence(self._clock()))

    def _record_all(self) -> list[Detection]:
        """Record what was found; then keep progress, then tell."""
        done: list[Detection] = []
        while self._pending:
            finding = self._pending[0]
            if self._is_new(finding):
                done.append(self._record(finding))
                self._know(finding)
            self._pending.popleft()
        if done or self._is_due():
            self._save()
        self._tell(done)
        return done

    async def _arecord_all(self) -> None:
        import asyncio

        done: list[Detection] = []
        while self._pending:
            finding = self._pending[0]
            if self._is_new(finding):
                done.append(await self._arecord(finding))
                self._know(finding)
            self._pending.popleft()
        if done or self._is_due():
            await asyncio.get_running_loop().run_in_executor(None, self._save)
        self._tell(done)

    def _record(self, finding: Finding) -> Detection:
        event = finding_event(self._origin, finding)
        try:
            return _detection(finding, self._log.record(event))
        except EventConflictError:
            found = self._log.query(_named(event), limit=1).records
        if found:  # in other words: by another version, or with other settings
            return Detection(finding, found[0].index, repeated=True)
        # Whoever took the id beforehand must not have the finding go unrecorded.
        return _detection(finding, self._log.record(attrs.evolve(event, id=new_event_id())))

    async def _arecord(self, finding: Finding) -> Detection:
        event = finding_event(self._origin, finding)
        try:
            return _detection(finding, await self._log.arecord(event))
        except EventConflictError:
            found = (await self._log.aquery(_named(event), limit=1)).records
        if found:
            return Detection(finding, found[0].index, repeated=True)
        again = attrs.evolve(event, id=new_event_id())
        return _detection(finding, await self._log.arecord(again))

    def _is_new(self, finding: Finding) -> bool:
        return finding_id(self._origin, finding) not in self._known

    def _know(self, finding: Finding) -> None:
        self._known[finding_id(self._origin, finding)] = None
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    def _tell(self, done: Iterable[Detection]) -> None:
        for one in done:
            self.callbacks.tell(one)

    def _is_due(self) -> bool:
        return self.next - max(self._saved, 0) >= _SAVE_EACH

    def _save(self) -> None:
        """Keep progress, if there is any since the last time."""
        if self._last is None or self._pending or self._saved == self.next:
            return
        index, leaf_hash = self._last
        since = self._watch.since
        kept = {one.rule.name: one.dump() for one in self._watch.memories if one.rule.kept}
        self._file.write(
            Progress(
                self._origin,
                index + 1,
                leaf_hash,
                index + 1 if since is None else min(since, index + 1),
                kept,
            )
        )
        self._saved = index + 1


def _named(event: Event) -> Condition:
    """The record of a finding: by its id, and not another event that has taken it."""
    return (field("action") == event.action) & (field("id") == str(event.id))


def _detection(finding: Finding, receipt: Receipt) -> Detection:
    return Detection(finding, receipt.index, receipt.repeated)

"""What a detector does with records and findings, whether a thread or a task drives it."""

from __future__ import annotations

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
    DetectionError,
    EventConflictError,
)
from biotrail.events import Event, new_event_id
from biotrail.query import Condition, VerifiedEntry, field

if TYPE_CHECKING:
    from biotrail._webhooks import Webhook
    from biotrail.detection.delivering import Deliverer

__all__ = ["Working"]

_SAVE_EACH = 5_000
_KNOWN = 4_096


class Working(Closing):
    """Takes up what is kept, puts records before rules, records findings, and keeps progress."""

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

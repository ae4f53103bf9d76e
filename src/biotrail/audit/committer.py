"""Group commit: however many callers wait, one of them commits for all.

A lone caller commits in its own thread: no hand-over, one signature, one sync. While a commit is
under way, those who come queue up; when it is done the first of them leads the next batch, for
itself and for everybody behind it. Tasks of an event loop must not block, so batches that only
tasks wait for are led by one background thread.

The queue is bounded: who finds it full waits, and is told if that takes too long. Nothing is ever
dropped silently.

A leader may be interrupted (Ctrl-C) at any point. So what it has taken on is kept where it can be
found, every answer can be given twice without harm, and whoever leaves by an exception first
answers those that count on it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from biotrail.audit.prepare import Prepared
from biotrail.audit.waiting import (
    Alone,
    Answer,
    Background,
    TaskWaiting,
    ThreadWaiting,
    Waiting,
    answer_all,
    cut_short,
    fail_all,
    tell_loops,
)
from biotrail.errors import (
    BiotrailError,
    ClosedError,
    NotRecordedError,
    OverloadedError,
)

__all__ = ["Committer"]

_Result = TypeVar("_Result")
MAXIMUM_BATCH = 1_024


class Committer:
    """Leads batches of waiting records through one commit function.

    Attributes:
        notify: Called after each batch that was answered, for those who follow the log; must
            neither block nor fail. None where nobody does.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Prepared]], list[Answer]],
        *,
        maximum_waiting: int = 10_000,
        patience: float = 30.0,
    ) -> None:
        """Commit through a function that is never called twice at once.

        Args:
            commit: Makes records durable and answers each.
            maximum_waiting: How many records may wait before callers must.
            patience: Seconds that a caller waits for room in the queue.
        """
        self._commit = commit
        self._maximum = maximum_waiting
        self._patience = patience
        self._mutex = threading.Lock()
        self._room = threading.Condition(self._mutex)
        self._queue: deque[Waiting] = deque()
        self._waiting_records = 0
        self._leader: ThreadWaiting | Background | Alone | None = None
        self._batch: list[Waiting] = []
        self._closed = False
        self.notify: Callable[[], None] | None = None
        self._background = Background(self._lead_in_background)

    def submit(self, records: Sequence[Prepared]) -> list[Answer]:
        """Commit records from a thread; returns once they are durable.

        Raises:
            ClosedError: The committer is closed.
            OverloadedError: The queue stayed full.
            BiotrailError: What befell the batch.
        """
        alone = Alone()
        try:
            if records and self._leads(alone):
                answers = self._commit(records)
                self._end_lead()
                if self.notify is not None:
                    self.notify()
                return answers
        except BaseException as error:
            self._leave(alone, error)
            if isinstance(error, BiotrailError) or not isinstance(error, Exception):
                raise
            raise cut_short(error) from error  # of something that the host gave, as its signer
        return self._submit(ThreadWaiting(records))

    def _leads(self, alone: Alone) -> bool:
        """Take the lead if nobody has it and nobody waits."""
        with self._mutex:
            if self._leader is not None or self._queue or self._closed:
                return False
            self._leader = alone
            return True

    def _end_lead(self) -> None:
        with self._mutex:
            if not self._queue and not self._closed:
                self._leader = None
                return
        self._hand_over()

    def _submit(self, waiting: ThreadWaiting) -> list[Answer]:
        try:
            self._join(waiting)
            if self._leader is not waiting:
                waiting.lock.acquire()
            if not waiting.settled:
                self._lead(waiting)
        except BaseException as error:
            self._leave(waiting, error)
            raise
        return waiting.result()

    async def submit_async(self, records: Sequence[Prepared]) -> list[Answer]:
        """Commit records from a task; see `submit`."""
        # Imported here, as it doubles the time that importing biotrail takes.
        import asyncio

        waiting = TaskWaiting(records, asyncio.get_running_loop())
        deadline = time.monotonic() + self._patience
        while not self._enqueue(waiting):
            if time.monotonic() > deadline:
                raise self._overloaded()
            await asyncio.sleep(0.001)
        return await waiting.future

    def exclusively(self, act: Callable[[], _Result]) -> _Result:
        """Run an act between two batches, in its turn, and return what it returns.

        Raises:
            ClosedError: The committer is closed.
            Exception: What the act raises.
        """
        results: list[_Result] = []
        waiting = ThreadWaiting((), lambda: results.append(act()))
        self._submit(waiting)
        return results[0]

    @property
    def waiting(self) -> int:
        """How many records wait to be committed, those of a batch under way not counted."""
        return self._waiting_records

    def check_open(self) -> None:
        """Refuse further work once closed.

        Raises:
            ClosedError: The committer is closed.
        """
        if self._closed:
            raise ClosedError("the log is closed")

    def close(self) -> None:
        """Accept nothing more, and wait until all that waits is answered."""
        with self._mutex:
            self._closed = True
            self._room.notify_all()
            while self._leader is not None or self._queue:
                self._room.wait(0.05)
        self._background.stop()

    def _join(self, waiting: ThreadWaiting) -> None:
        with self._mutex:
            self._await_room(len(waiting.records))
            self._queue.append(waiting)
            self._waiting_records += len(waiting.records)
            if self._leader is None:
                self._leader = waiting

    def _enqueue(self, waiting: TaskWaiting) -> bool:
        with self._mutex:
            self.check_open()
            if not self._has_room(len(waiting.records)):
                return False
            self._start_background()
            self._queue.append(waiting)
            self._waiting_records += len(waiting.records)
            if self._leader is None:
                self._background.wake()  # it then waits for the mutex
                self._leader = self._background
        return True

    def _start_background(self) -> None:
        # Before the record is queued: a thread that cannot be started is this caller's error.
        try:
            self._background.start()
        except RuntimeError as error:
            raise NotRecordedError(f"no thread could be started to record: {error}") from error

    def _lead(self, waiting: ThreadWaiting) -> None:
        """Commit batches until the leader's own record is answered, then hand the lead over."""
        while not waiting.settled:
            self._take_batch()
            self._commit_batch()
        self._hand_over()

    def _lead_in_background(self) -> bool:
        """Commit one batch; returns whether the thread is still needed."""
        with self._mutex:
            if self._leader is not self._background:
                return not self._closed or self._leader is not None or bool(self._queue)
        try:
            self._take_batch()
            self._commit_batch()
        except BaseException as error:
            self._answer_in_place(error)
        self._hand_over()
        return True

    def _take_batch(self) -> None:
        self._batch = []
        taken = 0
        with self._mutex:
            while self._queue:
                first = self._queue[0]
                size = len(first.records)
                if self._batch and taken + size > MAXIMUM_BATCH:
                    break
                self._batch.append(first)
                self._queue.popleft()
                self._waiting_records -= size
                taken += size
            self._room.notify_all()

    def _commit_batch(self) -> None:
        batch = self._batch
        records = [record for waiting in batch for record in waiting.records]
        try:
            answers = self._commit(records) if records else []
        except BiotrailError as error:
            fail_all(batch, error)
        except Exception as error:  # of something that the host gave, such as its signer
            fail_all(batch, cut_short(error))
        else:
            answer_all(batch, answers)
            if self.notify is not None:
                self.notify()

    def _hand_over(self) -> None:
        """Let the first waiting thread lead, or the background thread for tasks, or nobody."""
        with self._mutex:
            self._batch = []
            self._leader = self._successor()
            if self._leader is None:
                self._room.notify_all()
            else:
                self._leader.wake()

    def _successor(self) -> ThreadWaiting | Background | None:
        for waiting in self._queue:
            if isinstance(waiting, ThreadWaiting) and not waiting.abandoned:
                return waiting
        if not self._queue:
            return None
        try:
            self._background.start()
        except RuntimeError:
            return None  # no task waits then, and the next caller commits what was abandoned
        return self._background

    def _leave(self, waiting: ThreadWaiting | Alone, error: BaseException) -> None:
        """A caller goes by an exception: nobody may be left waiting for it.

        Its record, if it is queued, stays so and will be committed; nobody waits for the answer.
        """
        waiting.abandoned = True
        if self._leader is waiting:
            self._answer_in_place(error)
            self._hand_over()
            return
        with self._mutex:
            self._count()
            if self._leader is not None:
                self._leader.wake()  # in case the lead was being handed over just then

    def _answer_in_place(self, error: BaseException) -> None:
        """Answer those of the present batch that the interrupted leader has not answered."""
        with self._mutex:
            while self._queue and self._queue[0] in self._batch:
                self._queue.popleft()
            self._count()
        for one in self._batch:
            if not one.settled:
                one.fail(cut_short(error))
            elif isinstance(one, ThreadWaiting):
                one.wake()
        tell_loops(self._batch)

    def _count(self) -> None:
        """Count anew: an interruption may have come between a change and its count."""
        self._waiting_records = sum(len(one.records) for one in self._queue)

    def _await_room(self, size: int) -> None:
        deadline = time.monotonic() + self._patience
        self.check_open()
        while not self._has_room(size):
            if not self._room.wait(deadline - time.monotonic()):
                raise self._overloaded()
            self.check_open()

    def _has_room(self, size: int) -> bool:
        # A caller with more records than fit at all is let in when nobody else waits.
        return self._waiting_records + size <= self._maximum or not self._queue

    def _overloaded(self) -> OverloadedError:
        return OverloadedError(
            f"{self._maximum} records were waiting for {self._patience:g} s: the store is slower "
            "than the callers; nothing was written for this call"
        )

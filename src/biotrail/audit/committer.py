"""Group commit: however many callers wait, one of them commits for all.

A lone caller commits in its own thread: no hand-over, one signature, one sync. While a commit is
under way, those who come queue up; when it is done the first of them leads the next batch, for
itself and for everybody behind it. Tasks of an event loop must not block, so batches that only
tasks wait for are led by one background thread.

The queue is bounded: who finds it full waits, and is told if that takes too long. Nothing is ever
dropped silently.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from biotrail.audit.prepare import Prepared
from biotrail.audit.receipt import Receipt
from biotrail.errors import BiotrailError, ClosedError, OverloadedError, UnknownOutcomeError

__all__ = ["Committer"]

Answer = Receipt | BiotrailError
_Result = TypeVar("_Result")
MAXIMUM_BATCH = 1_024


class ThreadWaiting:
    """A caller that blocks its thread."""

    __slots__ = ("act", "answers", "error", "leads", "lock", "records")

    def __init__(self, records: Sequence[Prepared], act: Callable[[], None] | None = None) -> None:
        self.records = records
        self.act = act
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self.leads = False
        self.lock = threading.Lock()
        self.lock.acquire()

    def answer(self, answers: list[Answer]) -> None:
        """Hand over the answers and let the thread go on."""
        self.answers = answers
        self.lock.release()

    def fail(self, error: BaseException) -> None:
        """Hand over the error and let the thread go on."""
        self.error = error
        self.lock.release()

    def lead(self) -> None:
        """Let the thread go on as the leader of the next batch."""
        self.leads = True
        self.lock.release()

    def result(self) -> list[Answer]:
        """The answers; raises the batch's error."""
        if self.error is not None:
            raise self.error
        return self.answers


class TaskWaiting:
    """A caller that is a task of an event loop."""

    __slots__ = ("_done", "error", "future", "loop", "records")

    def __init__(self, records: Sequence[Prepared], loop: asyncio.AbstractEventLoop) -> None:
        self.records = records
        self.loop = loop
        self.future: asyncio.Future[list[Answer]] = loop.create_future()
        self._done: list[Answer] = []
        self.error: BaseException | None = None

    def answer(self, answers: list[Answer]) -> None:
        """Keep the answers until the loop is told."""
        self._done = answers

    def fail(self, error: BaseException) -> None:
        """Keep the error until the loop is told."""
        self.error = error

    def resolve(self) -> None:
        """Settle the future; runs in the loop's thread."""
        if self.future.done():
            return  # cancelled meanwhile: the record is durable all the same
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self._done)


class Committer:
    """Leads batches of waiting records through one commit function."""

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
        self._queue: deque[ThreadWaiting | TaskWaiting] = deque()
        self._waiting_records = 0
        self._leading = False
        self._closed = False
        self._background: threading.Thread | None = None
        self._called = threading.Semaphore(0)

    def submit(self, records: Sequence[Prepared]) -> list[Answer]:
        """Commit records from a thread; returns once they are durable.

        Raises:
            ClosedError: The committer is closed.
            OverloadedError: The queue stayed full.
            BiotrailError: What befell the batch.
        """
        return self._submit(ThreadWaiting(records))

    def _submit(self, waiting: ThreadWaiting) -> list[Answer]:
        with self._mutex:
            self._await_room(len(waiting.records))
            self._queue.append(waiting)
            self._waiting_records += len(waiting.records)
            leads = not self._leading
            self._leading = True
        if not leads:
            leads = self._await_turn(waiting)
        if leads:
            self._lead()
        return waiting.result()

    async def submit_async(self, records: Sequence[Prepared]) -> list[Answer]:
        """Commit records from a task; see `submit`."""
        loop = asyncio.get_running_loop()
        waiting = TaskWaiting(records, loop)
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

    def close(self) -> None:
        """Accept nothing more, and wait until all that waits is answered."""
        with self._mutex:
            self._closed = True
            self._room.notify_all()
            while self._leading or self._queue:
                self._room.wait(0.05)
        self._called.release()
        if self._background is not None and self._background is not threading.current_thread():
            self._background.join()

    def _enqueue(self, waiting: TaskWaiting) -> bool:
        with self._mutex:
            self._check_open()
            if not self._has_room(len(waiting.records)):
                return False
            self._queue.append(waiting)
            self._waiting_records += len(waiting.records)
            wake = not self._leading
            self._leading = True
            if wake:
                self._wake_background()
        return True

    def _await_turn(self, waiting: ThreadWaiting) -> bool:
        """Wait to be answered, or to lead; whoever is interrupted passes a lead on."""
        try:
            waiting.lock.acquire()
        except BaseException:
            with self._mutex:
                leads = waiting.leads
                if not leads and waiting in self._queue:
                    # The record stays queued and will be committed; nobody waits for the answer.
                    self._queue[self._queue.index(waiting)] = _abandoned(waiting)
            if leads:
                self._hand_over()
            raise
        return waiting.leads

    def _lead(self) -> None:
        """Commit one batch, then hand the lead over."""
        try:
            self._commit_batch(self._take_batch())
        finally:
            self._hand_over()

    def _take_batch(self) -> list[ThreadWaiting | TaskWaiting]:
        batch: list[ThreadWaiting | TaskWaiting] = []
        taken = 0
        with self._mutex:
            while self._queue:
                size = len(self._queue[0].records)
                if batch and taken + size > MAXIMUM_BATCH:
                    break
                batch.append(self._queue.popleft())
                taken += size
            self._waiting_records -= taken
            self._room.notify_all()
        return batch

    def _commit_batch(self, batch: list[ThreadWaiting | TaskWaiting]) -> None:
        records = [record for waiting in batch for record in waiting.records]
        try:
            answers = self._commit(records) if records else []
        except BiotrailError as error:
            _fail_all(batch, error)
        except BaseException as error:
            unknown = UnknownOutcomeError(
                f"the commit was cut short by {type(error).__name__}: record the same events again"
            )
            unknown.__cause__ = error
            _fail_all(batch, unknown)
            raise
        else:
            _answer_all(batch, answers)

    def _hand_over(self) -> None:
        """Let the first waiting thread lead, or the background thread for tasks, or nobody."""
        with self._mutex:
            for waiting in self._queue:
                if isinstance(waiting, ThreadWaiting) and not waiting.leads:
                    waiting.lead()
                    return
            if self._queue:
                self._wake_background()
                return
            self._leading = False
            self._room.notify_all()

    def _wake_background(self) -> None:
        if self._background is None:
            self._background = threading.Thread(
                target=self._lead_in_background, name="biotrail-committer", daemon=True
            )
            self._background.start()
        self._called.release()

    def _lead_in_background(self) -> None:
        while True:
            self._called.acquire()
            with self._mutex:
                if self._closed and not self._queue:
                    return
            self._lead()

    def _await_room(self, size: int) -> None:
        deadline = time.monotonic() + self._patience
        self._check_open()
        while not self._has_room(size):
            if not self._room.wait(deadline - time.monotonic()):
                raise self._overloaded()
            self._check_open()

    def _has_room(self, size: int) -> bool:
        # A caller with more records than fit at all is let in when nobody else waits.
        return self._waiting_records + size <= self._maximum or not self._queue

    def _overloaded(self) -> OverloadedError:
        return OverloadedError(
            f"{self._maximum} records were waiting for {self._patience:g} s: the store is slower "
            "than the callers; nothing was written for this call"
        )

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the log is closed")


def _abandoned(waiting: ThreadWaiting) -> ThreadWaiting:
    stand_in = ThreadWaiting(waiting.records)
    stand_in.leads = True  # it has no thread that could lead
    return stand_in


def _fail_all(batch: list[ThreadWaiting | TaskWaiting], error: BaseException) -> None:
    for waiting in batch:
        waiting.fail(error)
    _tell_loops(batch)


def _answer_all(batch: list[ThreadWaiting | TaskWaiting], answers: list[Answer]) -> None:
    start = 0
    for waiting in batch:
        stop = start + len(waiting.records)
        if isinstance(waiting, ThreadWaiting) and waiting.act is not None:
            _run(waiting, waiting.act)
        else:
            waiting.answer(answers[start:stop])
        start = stop
    _tell_loops(batch)


def _run(waiting: ThreadWaiting, act: Callable[[], None]) -> None:
    """Run what a caller wants done between two batches; its error is that caller's alone."""
    try:
        act()
    except Exception as error:
        waiting.fail(error)
    else:
        waiting.answer([])


def _tell_loops(batch: list[ThreadWaiting | TaskWaiting]) -> None:
    """Wake every event loop once, however many of its tasks were answered."""
    loops: dict[asyncio.AbstractEventLoop, list[TaskWaiting]] = {}
    for waiting in batch:
        if isinstance(waiting, TaskWaiting):
            loops.setdefault(waiting.loop, []).append(waiting)
    for loop, tasks in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve_all, tasks)
        except RuntimeError:
            continue  # the loop is closed: nobody waits there any more


def _resolve_all(tasks: list[TaskWaiting]) -> None:
    for waiting in tasks:
        waiting.resolve()

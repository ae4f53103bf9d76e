"""Those who wait for a commit: threads, tasks of event loops; and the thread that serves tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from biotrail.audit.prepare import Prepared
from biotrail.audit.receipt import Receipt
from biotrail.errors import BiotrailError, UnknownOutcomeError

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "Alone",
    "Answer",
    "Background",
    "TaskWaiting",
    "ThreadWaiting",
    "Waiting",
    "answer_all",
    "cut_short",
    "fail_all",
    "tell_loops",
]

Answer = Receipt | BiotrailError


class ThreadWaiting:
    """A caller that blocks its thread."""

    __slots__ = ("abandoned", "act", "answers", "error", "lock", "records", "settled")

    def __init__(self, records: Sequence[Prepared], act: Callable[[], None] | None = None) -> None:
        self.records = records
        self.act = act
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self.settled = False
        self.abandoned = False
        self.lock = threading.Lock()
        self.lock.acquire()

    def answer(self, answers: list[Answer]) -> None:
        """Hand over the answers and let the thread go on."""
        self.answers = answers
        self.settled = True
        self.wake()

    def fail(self, error: BaseException) -> None:
        """Hand over the error and let the thread go on."""
        self.error = error
        self.settled = True
        self.wake()

    def wake(self) -> None:
        """Let the thread go on: answered, or as the leader. Twice does no harm."""
        try:  # noqa: SIM105 - every caller passes here; a context manager costs more
            self.lock.release()
        except RuntimeError:
            pass

    def result(self) -> list[Answer]:
        """The answers; raises the batch's error."""
        if self.error is not None:
            raise self.error
        return self.answers


class Alone:
    """A caller that found nobody waiting, and commits at once: nobody has to find or answer it."""

    __slots__ = ("abandoned",)

    def __init__(self) -> None:
        self.abandoned = False

    def wake(self) -> None:
        """Do nothing: it does not sleep."""


class TaskWaiting:
    """A caller that is a task of an event loop."""

    __slots__ = ("_answers", "error", "future", "loop", "records", "settled")

    def __init__(self, records: Sequence[Prepared], loop: asyncio.AbstractEventLoop) -> None:
        self.records = records
        self.loop = loop
        self.future: asyncio.Future[list[Answer]] = loop.create_future()
        self._answers: list[Answer] = []
        self.error: BaseException | None = None
        self.settled = False

    def answer(self, answers: list[Answer]) -> None:
        """Keep the answers until the loop is told."""
        self._answers = answers
        self.settled = True

    def fail(self, error: BaseException) -> None:
        """Keep the error until the loop is told."""
        self.error = error
        self.settled = True

    def resolve(self) -> None:
        """Settle the future; runs in the loop's thread."""
        if self.future.done():
            return  # cancelled meanwhile: the record is durable all the same
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self._answers)


class Background:
    """The thread that leads when only tasks wait."""

    __slots__ = ("_called", "_lead", "_thread")

    def __init__(self, lead: Callable[[], bool]) -> None:
        self._lead = lead
        self._called = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread unless it runs."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="biotrail-committer", daemon=True)
            thread.start()
            self._thread = thread

    def wake(self) -> None:
        """Let it lead. Twice does no harm."""
        self._called.release()

    def stop(self) -> None:
        """Wait for it to end, after the committer was closed."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self.wake()
            self._thread.join()

    def _run(self) -> None:
        while self._called.acquire() and self._lead():
            pass


Waiting = ThreadWaiting | TaskWaiting


def cut_short(error: BaseException) -> UnknownOutcomeError:
    """What those are told whose commit ended by another's exception."""
    unknown = UnknownOutcomeError(
        f"the commit was cut short by {type(error).__name__}: record the same events again"
    )
    unknown.__cause__ = error
    return unknown


def fail_all(batch: Sequence[Waiting], error: BaseException) -> None:
    """Give everybody in a batch its error."""
    for waiting in batch:
        if isinstance(waiting, ThreadWaiting) and waiting.act is not None:
            _run(waiting, waiting.act)  # it had no part in the batch
        else:
            waiting.fail(error)
    tell_loops(batch)


def answer_all(batch: Sequence[Waiting], answers: list[Answer]) -> None:
    """Give everybody in a batch the answers to their own records."""
    start = 0
    for waiting in batch:
        stop = start + len(waiting.records)
        if isinstance(waiting, ThreadWaiting) and waiting.act is not None:
            _run(waiting, waiting.act)
        else:
            waiting.answer(answers[start:stop])
        start = stop
    tell_loops(batch)


def _run(waiting: ThreadWaiting, act: Callable[[], None]) -> None:
    """Run what a caller wants done between two batches; its error is that caller's alone."""
    try:
        act()
    except Exception as error:
        waiting.fail(error)
    else:
        waiting.answer([])


def tell_loops(batch: Iterable[Waiting]) -> None:
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

"""Stretches over all processors: this process works too, so that none waits for the others.

Helpers are fresh interpreters that read tasks and write outcomes over pipes. They do not import the
program's main module, as `multiprocessing` would, so that a plain script may verify a large log
without a guard. Where none can be started, or one dies, this process does its work.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, TypeAlias

from biotrail.errors import StoreError, VerificationError
from biotrail.stores import SQLiteReader, StoreReader
from biotrail.verify.checkpoints import BrokenStretch
from biotrail.verify.desk import Desk
from biotrail.verify.stretches import Result, Task, run_task

__all__ = ["run_all", "serve"]

Outcome: TypeAlias = Result | BrokenStretch | VerificationError | StoreError
_PROGRAM = "import sys; sys.path[:] = {}; from biotrail.verify.workers import serve; serve()"
_GLANCE = 0.1  # seconds between two reports of progress while helpers finish


def run_all(
    store: StoreReader,
    tasks: Sequence[Task],
    *,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[Result]:
    """Run all tasks, in this process and in helpers; results in the order of the tasks.

    Stores other than a SQLite file are read by this process alone. Whatever the number of workers,
    what is raised is what the first task that fails says.

    Raises:
        BrokenStretch: From a task.
        VerificationError: From a task.
        StoreError: From a task.
    """
    desk: Desk[Outcome] = Desk([task.stop - task.start for task in tasks], progress)
    count = min(workers or os.cpu_count() or 1, len(tasks)) - 1
    helpers = []
    if isinstance(store, SQLiteReader) and sys.executable:
        helpers = [_Helper(store, tasks, desk) for _ in range(count)]
    try:
        while (number := desk.take_first()) is not None:
            _put(desk, number, _outcome(store, tasks[number]))
        while any(helper.is_alive() for helper in helpers):
            helpers[0].join(_GLANCE)
            desk.report()
    finally:
        for helper in helpers:
            helper.end()
    for number in desk.undone():
        # What a helper that died has left.
        _put(desk, number, _outcome(store, tasks[number]))
    return [_result(outcome) for outcome in desk.outcomes()]


def serve() -> None:
    """Be a helper: take tasks from standard input until it ends, put outcomes to the output."""
    reader = SQLiteReader(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own parent
    while True:
        try:
            task = pickle.load(sys.stdin.buffer)  # noqa: S301 - likewise
        except EOFError:
            return
        _send(sys.stdout.buffer, _outcome(reader, task))


class _Helper(threading.Thread):
    """A thread that hands tasks to a process of its own, and waits for it."""

    def __init__(self, store: SQLiteReader, tasks: Sequence[Task], desk: Desk[Outcome]) -> None:
        super().__init__(daemon=True)
        self._path = os.path.abspath(store.path)
        self._tasks = tasks
        self._desk = desk
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def run(self) -> None:
        # However the process fails, the tasks that it leaves are done by the parent.
        with suppress(OSError, EOFError, pickle.UnpicklingError, ValueError):
            self._work()

    def _work(self) -> None:
        program = _PROGRAM.format([os.path.abspath(place) for place in sys.path])
        self._process = process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            _send(process.stdin, self._path)
            while (number := self._desk.take_last()) is not None:
                _send(process.stdin, self._tasks[number])
                _put(self._desk, number, pickle.load(process.stdout))  # noqa: S301 - our child's

    def end(self) -> None:
        """Hand out no more, and see the process off."""
        self._desk.close()
        if self._process is not None and self.is_alive():
            self._process.kill()
        self.join()


def _outcome(store: StoreReader, task: Task) -> Outcome:
    try:
        return run_task(store, task)
    except (BrokenStretch, VerificationError, StoreError) as error:
        return error


def _put(desk: Desk[Outcome], number: int, outcome: Outcome) -> None:
    desk.put(number, outcome, last=not isinstance(outcome, Result))


def _result(outcome: Outcome) -> Result:
    if isinstance(outcome, Result):
        return outcome
    raise outcome


def _send(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.flush()

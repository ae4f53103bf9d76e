"""Stretches over all processors: this process works too, so that none waits for the others."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from biotrail.stores import SQLiteReader, StoreReader
from biotrail.verify.stretches import Result, Task, run_task, run_task_on

__all__ = ["run_all"]


def run_all(
    store: StoreReader,
    tasks: Sequence[Task],
    *,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[Result]:
    """Run all tasks, in this process and in helpers; results in the order of the tasks.

    Stores other than a SQLite file are read by this process alone.

    Raises:
        BrokenStretch: From a task.
        VerificationError: From a task.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count < 2 or not isinstance(store, SQLiteReader):
        return _run_here(store, tasks, progress)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count - 1, mp_context=context) as pool:
        try:
            return _run_shared(pool, count - 1, store, tasks, progress)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run_here(
    store: StoreReader, tasks: Sequence[Task], progress: Callable[[int, int], None] | None
) -> list[Result]:
    results = []
    for task in tasks:
        results.append(run_task_on(store, task))
        if progress is not None:
            progress(task.stop, tasks[-1].stop)
    return results


def _run_shared(
    pool: ProcessPoolExecutor,
    helpers: int,
    store: SQLiteReader,
    tasks: Sequence[Task],
    progress: Callable[[int, int], None] | None,
) -> list[Result]:
    todo = deque(enumerate(tasks))
    running: dict[Future[Result], int] = {}
    results: dict[int, Result] = {}

    def collect(block: bool) -> None:
        done, _ = wait(running, timeout=None if block else 0, return_when=FIRST_COMPLETED)
        for future in done:
            results[running.pop(future)] = future.result()
        if progress is not None:
            finished = sum(tasks[i].stop - tasks[i].start for i in results)
            progress(finished, tasks[-1].stop)

    while todo or running:
        while todo and len(running) < helpers + 1:
            # From the far end, so that this process goes on where it left off.
            number, task = todo.pop()
            running[pool.submit(run_task, str(store.path), task)] = number
        if todo:
            number, task = todo.popleft()
            results[number] = run_task_on(store, task)
        if running:
            collect(block=not todo)
    return [results[number] for number in range(len(tasks))]

"""Reads that may hang, each in a thread that is used again where it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

__all__ = ["patiently"]

Answer = TypeVar("Answer")
_Job = tuple[Callable[[], Any], "SimpleQueue[tuple[Any, BaseException | None]]"]


class _Reader:
    """One thread that waits for work; starting a new one for each read takes 0.1 ms."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        Thread(target=self._run, name="biotrail-login-body", daemon=True).start()

    def _run(self) -> None:
        while True:
            work, answers = self.jobs.get()
            try:
                answer: tuple[Any, BaseException | None] = (work(), None)
            except BaseException as error:
                answer = (None, error)
            _idle.put(self)
            answers.put(answer)
            del work, answers, answer  # nothing of one person's body waits for the next


_idle: SimpleQueue[_Reader] = SimpleQueue()


def patiently(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Return what the work returns, or raise what it raises, if it does so in time.

    A thread that hangs is left behind, and is free again when its read ends.

    Raises:
        TimeoutError: The time is over.
    """
    try:
        reader = _idle.get_nowait()
    except Empty:
        reader = _Reader()
    answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    reader.jobs.put((work, answers))
    try:
        answer, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    found: Answer = answer
    return found


def _forget_threads() -> None:
    """A forked child has none of its parent's threads."""
    global _idle
    _idle = SimpleQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)

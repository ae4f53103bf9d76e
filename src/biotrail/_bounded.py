"""Calls that may never answer, bounded in time."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

__all__ = ["within"]

Answer = TypeVar("Answer")


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Return what the work returns, or raise what it raises, if it does so in time.

    The work runs in a thread of its own. Where it does not end in time, that thread is left behind:
    nothing can end a call that hangs in a driver or waits for a dialog. It keeps no program alive.

    Raises:
        TimeoutError: The time is over.
    """
    answers: SimpleQueue[tuple[Answer, None] | tuple[None, BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:
            answers.put((None, error))

    Thread(target=run, name="biotrail-bounded-call", daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # without an error it is the work's answer

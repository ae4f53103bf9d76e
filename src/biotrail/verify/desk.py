"""Where workers take numbered tasks from, and lay outcomes down."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

__all__ = ["Desk"]

Outcome = TypeVar("Outcome")


class Desk(Generic[Outcome]):
    """Tasks by number, their outcomes, and how far all is. For use by several threads."""

    def __init__(self, weights: Sequence[int], progress: Callable[[int, int], None] | None) -> None:
        """Lay out the tasks.

        Args:
            weights: How much work each is.
            progress: Called with the work done and the work in all, by the thread that made the
                desk only.
        """
        self._weights = weights
        self._progress = progress
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._todo = deque(range(len(weights)))
        self._outcomes: dict[int, Outcome] = {}
        self._end = len(weights)

    def take_first(self) -> int | None:
        """The first task that nobody has taken."""
        with self._lock:
            return self._todo.popleft() if self._todo else None

    def take_last(self) -> int | None:
        """The last, so that a worker goes on where it left off while another comes from below."""
        with self._lock:
            return self._todo.pop() if self._todo else None

    def put(self, number: int, outcome: Outcome, *, last: bool) -> None:
        """Lay down an outcome.

        Args:
            number: The task.
            outcome: What came of it.
            last: Nothing after this task is of interest any more.
        """
        with self._lock:
            self._outcomes[number] = outcome
            if last:
                self._end = min(self._end, number + 1)
                self._todo = deque(one for one in self._todo if one < number)
        self.report()

    def report(self) -> None:
        """Tell how far it is, if this thread may."""
        if self._progress is not None and threading.get_ident() == self._owner:
            done = sum(self._weights[number] for number in list(self._outcomes))
            self._progress(done, sum(self._weights))

    def close(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._todo.clear()

    def undone(self) -> list[int]:
        """Tasks of interest without an outcome."""
        return [number for number in range(self._end) if number not in self._outcomes]

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes of interest, in order."""
        return (self._outcomes[number] for number in range(self._end))

"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

from biotrail.errors import ForwardingError

__all__ = ["Backoff"]


@attrs.frozen(kw_only=True)
class Backoff:
    """Waits that double with each failure, each shortened by chance ("full jitter").

    Attributes:
        first: Longest wait after the first failure, in seconds.
        maximum: Longest wait of all, in seconds.
        random: Gives a number from 0 to 1.
    """

    first: float = 0.5
    maximum: float = 60.0
    random: Callable[[], float] = random.random

    def __attrs_post_init__(self) -> None:
        if not 0 < self.first <= self.maximum <= 86_400:
            raise ForwardingError("waits are above 0, the longest at most a day")

    def wait(self, failures: int, *, asked: float | None = None) -> float:
        """Seconds to wait.

        Args:
            failures: How many tries have failed in a row, 1 or more.
            asked: What the receiver asked for; the wait is at least that, and up to `first` more.
        """
        if asked is not None:
            return asked + self.first * self.random()
        longest: float = min(self.first * 2.0 ** min(failures - 1, 60), self.maximum)
        return longest * self.random()

"""Clocks to hand to a logger (``clock=``), so that a test decides what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["FixedClock", "SteppingClock"]

_START = datetime(2026, 11, 23, 11, 34, tzinfo=UTC)


class FixedClock:
    """A clock that stands until it is moved.

    Attributes:
        now: The present time, aware; set it to whatever you like.
    """

    def __init__(self, now: datetime = _START) -> None:
        """Stand at a time."""
        self.now = now

    def __call__(self) -> datetime:
        """The present time."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Go forward, or back where `by` is negative."""
        self.now += by


class SteppingClock(FixedClock):
    """A clock that goes on by one step each time it is read.

    Attributes:
        now: What the next reading says.
        step: How far each reading moves it; negative for a clock that runs backwards.
    """

    def __init__(
        self, now: datetime = _START, *, step: timedelta = timedelta(microseconds=1)
    ) -> None:
        """Begin at a time."""
        super().__init__(now)
        self.step = step

    def __call__(self) -> datetime:
        """The present time; the next reading is one step on."""
        now = self.now
        self.now += self.step
        return now

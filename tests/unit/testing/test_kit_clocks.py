"""Clocks that tests decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from biotrail.testing import (
    FixedClock,
    SteppingClock,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_fixed_clocks() -> None:
    """A fixed clock stands until it is moved, forward or back."""
    clock = FixedClock(START)
    assert [clock(), clock()] == [START, START]
    clock.move(timedelta(hours=-1))
    assert clock() == START - timedelta(hours=1)
    assert FixedClock()().tzinfo is UTC


def test_stepping_clocks() -> None:
    """A stepping clock moves by its step at each reading, backwards too."""
    clock = SteppingClock(START, step=timedelta(seconds=-2))
    assert [clock(), clock(), clock()] == [START - timedelta(seconds=n) for n in (0, 2, 4)]

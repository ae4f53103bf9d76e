"""A short-lived writer for runs under strace: opens, records, retries what failed, closes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from biotrail.errors import NotRecordedError, StoreError
from tests.unit.audit._logs import event, opened

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def numbered(number: int) -> Any:
    """The event of a number, the same each time."""
    return event(number, occurred=_WHEN)


def say(*words: object) -> None:
    """One line, in one write."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def twice(act: Callable[[], Any]) -> Any:
    """Do it, and once more if it failed by name."""
    try:
        return act()
    except (NotRecordedError, StoreError) as error:
        say("failed", type(error).__name__)
        return act()


def main() -> None:
    """Write a little, in calls of one and of several records."""
    path, first = sys.argv[1], int(sys.argv[2])
    log = twice(lambda: opened(path))
    for start, count in ((first, 1), (first + 1, 3)):
        events = [numbered(start + place) for place in range(count)]
        for one in twice(lambda events=events: log.record_many(events)):  # type: ignore[misc]
            say("ack", one.event_id.int - 1, one.index)
    log.close()
    say("closed")


if __name__ == "__main__":
    main()

"""Writers that are killed at any moment; each says what it tries and what was acknowledged.

This process is their nursery: it has everything imported and forks them, so that they spend their
short lives writing. It reads commands from its standard input, and answers each with a line:

- ``begin <file> <path> <first> <numbers,...>``: a writer on the log at the path, which retries the
  events of the numbers, then records those from `first` on, and says so in the file; its pid.
- ``kill <pid>``: its status.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime

from biotrail import AuditLogger, Event
from tests.unit.audit._logs import event, opened

_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def numbered(number: int) -> Event:
    """The event of a number, the same each time."""
    return event(number, occurred=_WHEN)


def say(file: int, line: str) -> None:
    """One line, in one write: a kill leaves it whole or absent."""
    os.write(file, line.encode())


def _write(log: AuditLogger, file: int, first: int) -> None:
    number = first
    while True:
        many = [numbered(number + place * 2) for place in range(3)]
        say(file, "".join(f"try {one.id.int - 1}\n" for one in many))
        receipts = [log.record(many[0]), *log.record_many(many[1:])]
        say(file, "".join(f"ack {one.event_id.int - 1} {one.index}\n" for one in receipts))
        number += 6


def _live(said: str, path: str, first: int, retries: list[str]) -> None:
    """Open, retry what is unsettled, then write from two threads until killed."""
    file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with opened(path, timeout=60) as log:
        for number in filter(None, retries):
            receipt = log.record(numbered(int(number)))
            say(file, f"ack {number} {receipt.index}\n")
        threading.Thread(target=_write, args=(log, file, first + 1), daemon=True).start()
        _write(log, file, first)


def _begin(said: str, path: str, first: str, retries: str = "") -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _live(said, path, int(first), retries.split(","))
        finally:
            os._exit(1)
    return pid


def _kill(pid: str) -> int:
    os.kill(int(pid), signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1])


def main() -> None:
    """Obey until the standard input ends."""
    commands = {"begin": _begin, "kill": _kill}
    for line in sys.stdin:
        command, *arguments = line.split()
        print(commands[command](*arguments), flush=True)  # type: ignore[operator]


if __name__ == "__main__":
    main()

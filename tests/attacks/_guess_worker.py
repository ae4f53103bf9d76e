"""Guesses in a process of its own: ``python -m tests.attacks._guess_worker PATH FAILURES END``.

With END ``before`` or ``after`` it kills itself (SIGKILL) right before, or right after, the store
has made the last failure durable: before anybody has been told of it. With ``match`` it has the
right face in the end, and leaves with 1 if it is let in.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from biotrail import AuditLogger, Reason
from biotrail.stores import SQLiteStore
from tests.attacks._guessing import POLICY, signer


class Deadly(SQLiteStore):
    """A store that takes its process along, at the batch that a caller names."""

    when = ""
    armed = False

    def append(self, batch: Any) -> None:
        if self.armed and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(batch)
        if self.armed and self.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)


def main(path: str, failures: str, when: str) -> int:
    """Fail so many times, then perhaps match."""
    store = Deadly(path)
    store.when = when
    with AuditLogger(store, signer(), limits=POLICY) as log:
        for number in range(int(failures)):
            store.armed = number == int(failures) - 1
            with log.attempt(action="door.open", subject="anna", modality="face") as attempt:
                attempt.deny(Reason.NON_MATCH)
        with log.attempt(action="door.open", subject="anna", modality="face") as attempt:
            attempt.grant()
    return int(attempt.granted)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A detector that kills its own process right after it has recorded so many findings.

Arguments: the log, the detector's file, and the number; the kill comes before progress is kept.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta

from biotrail import Event, Receipt
from biotrail.detection import Detector, ManySubjects
from tests.unit.audit._logs import opened

RULES = [ManySubjects(people=3), ManySubjects(name="tight", people=2, window=timedelta(seconds=40))]


def main(path: str, state: str, lives: int) -> None:
    """Detect, and die."""
    recorded = 0
    with opened(path) as log:
        record = log.record

        def and_die(event: Event) -> Receipt:
            nonlocal recorded
            receipt = record(event)
            recorded += not receipt.repeated
            if recorded >= lives:
                os.kill(os.getpid(), signal.SIGKILL)
            return receipt

        log.record = and_die  # type: ignore[method-assign]
        with Detector(log, RULES, state=state) as detector:
            detector.run_once()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

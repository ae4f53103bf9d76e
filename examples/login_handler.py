"""A login handler that records every attempt, whatever happens inside."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail


class Reader:
    """Stands for your camera and matcher: it says what was compared, and with what result."""

    def __init__(self, score: float | None) -> None:
        self.score = score

    def compare(self) -> biotrail.Comparison | None:
        """The comparison, or None if nothing usable was captured."""
        if self.score is None:
            return None
        return biotrail.Comparison(
            matcher="example-embedding",
            version="1.0",
            metric="cosine",
            score=self.score,
            threshold=0.6,
            decision="match" if self.score >= 0.6 else "non_match",
        )


def log_in(log: biotrail.AuditLogger, person: str, address: str, reader: Reader) -> bool:
    """Let a person in, or not; true only once the record that says so is durable."""
    with log.attempt(
        action="session.open",
        target="payroll",
        actor=person,
        subject=person,
        modality="face",
        context=biotrail.Context(ip=address, provenance={"ip": "observed"}),
    ) as attempt:
        comparison = reader.compare()
        if comparison is None:
            attempt.failed_to_acquire(biotrail.Reason.NO_FACE)
        else:
            attempt.compared(comparison)
            if comparison.decision is biotrail.ComparisonDecision.MATCH:
                attempt.grant()
            else:
                attempt.deny(biotrail.Reason.NON_MATCH)
    return attempt.granted


def main() -> None:
    """Three attempts, then the auditor's verdict."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with biotrail.open(path, origin="example.com/payroll", passphrase="example") as log:
            assert log_in(log, "ada", "192.0.2.1", Reader(0.83))
            assert not log_in(log, "eve", "192.0.2.66", Reader(0.21))
            assert not log_in(log, "ada", "192.0.2.1", Reader(None))
            key, kept = log.verifier_key, log.checkpoint().note
        found = biotrail.verify_log(path, key, from_checkpoint=kept)
        print(f"{found.events} attempts, all signatures verified: {found.every_signature}")


if __name__ == "__main__":
    main()

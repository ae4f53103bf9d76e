"""The signing key is stolen: the owner takes the log back, and verification says what it signed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail

ORIGIN, PASSPHRASE = "example.com/vault", "example"


def record(log: biotrail.AuditLogger, subject: str) -> int:
    """Record that somebody opened the vault; returns the index."""
    event = biotrail.Event(
        action="vault.open", decision="granted", subject=subject, modality="fingerprint"
    )
    return log.record(event).index


def main() -> None:
    """A thief invents a record and locks the owner out; the next key puts that right."""
    with tempfile.TemporaryDirectory() as folder:
        path, safe = Path(folder) / "trail.db", Path(folder) / "safe"
        with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as log:
            first_key = log.verifier_key
            record(log, "ann")
        Path(f"{path}.key.next").rename(safe)  # the next key does not lie beside the present one

        with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as log:  # the thief
            since = record(log, "ann, says the thief")
            log.retire_key(log.verifier_key, "the owner is locked out")
        try:
            biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE)
        except biotrail.BiotrailError as error:
            print(f"locked out: {error}")

        safe.rename(f"{path}.key.next")
        biotrail.take_over(
            path, origin=ORIGIN, passphrase=PASSPHRASE, stolen=first_key, since=since
        )
        with biotrail.open(path, origin=ORIGIN, passphrase=PASSPHRASE) as log:
            record(log, "ben")
        report = biotrail.verify_log(path, first_key)
        for one in report.affected:
            print(f"entries {one.first} to {one.last} are not to be believed")


if __name__ == "__main__":
    main()

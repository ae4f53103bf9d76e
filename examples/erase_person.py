"""Erase a person, hand out the certificate, and see that the log still holds.

Run it: ``python examples/erase_person.py``
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.errors import LegalHoldError
from biotrail.verify import verify_certificate

PASSPHRASE = "an example's passphrase, not for use"


def entry_of(person: str) -> biotrail.Event:
    """Somebody opens the door with their face."""
    return biotrail.Event(
        action="door.open",
        decision="granted",
        reason="match",
        modality="face",
        subject=person,
        context=biotrail.Context(ip="192.0.2.7", device_id="gate 7"),
    )


def main() -> None:
    """Record, hold, release, erase; then judge as a stranger would."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with biotrail.open(path, origin="example.com/door", passphrase=PASSPHRASE) as log:
            log.record_many([entry_of(person) for person in ("ada", "ben", "ada")])
            hold = log.place_hold("ada", reason="litigation")
            try:
                log.erase("ada", reason="subject_request", legal_basis="GDPR Art. 17(1)(a)")
            except LegalHoldError as error:
                print(f"refused: held by entry {error.holds[0]}")
            log.release_hold(hold.id, reason="ended")
            certificate = log.erase(
                "ada",
                reason="subject_request",
                legal_basis="GDPR Art. 17(1)(a)",
                beyond=["nightly backups, kept for 35 days"],
            )
            key = log.verifier_key

        # Whoever has the public key, and nothing else, checks the certificate ...
        proven = verify_certificate(certificate.encode(), key)
        print(f"proven: {proven.content['payloads']} payload parts were destroyed")
        # ... and whoever has the log sees that nothing else is gone.
        found = biotrail.verify_log(path, key)
        print(f"the log holds: {found.sealed} parts sealed, {found.erased} erased")


if __name__ == "__main__":
    main()

"""A log that seals who it was: recorded, read with and without the key, found, erased."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.vault import PassphraseKeyProvider, Vault

ORIGIN, SECRET = "example.com/front-door", "a long random secret"


def record(path: Path) -> str:
    """Six logins of three people; returns the log's verifier key."""
    with biotrail.open(path, origin=ORIGIN, passphrase=SECRET) as log:
        for number in range(6):
            context = biotrail.Context(ip=f"192.0.2.{10 + number}", device_id="reader-1")
            with log.attempt(
                action="door.open",
                target="lab",
                modality="face",
                subject=f"person-{number % 3}",
                context=context,
            ) as attempt:
                attempt.grant()
        return log.verifier_key


def read(path: Path, vault: Vault | None) -> None:
    """What a reader sees, with the key and without it."""
    with biotrail.open_records(path, vault=vault) as records:
        for one in records.records(where=biotrail.Where(action="door.open")):
            assert one.event is not None
            who = one.event.subject.id if one.event.subject else f"sealed: {one.sealed}"
            print(f"  {one.index}  {one.event.action}  {one.event.decision}  {who}")


def main() -> None:
    """Record, read, find, erase, verify."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        key = record(path)
        vault = Vault(PassphraseKeyProvider(f"{path}.vault", passphrase=SECRET))
        print("Whoever has the file alone:")
        read(path, None)
        print("Whoever holds the vault's key as well:")
        read(path, vault)
        with biotrail.open_records(path, vault=vault) as records:
            person = [one.index for one in records.by_person("person-1")]
            network = [one.index for one in records.by_address("192.0.2.8/29")]
            print(f"person-1 is in {person}, 192.0.2.8/29 in {network}")
        with biotrail.open(path, origin=ORIGIN, passphrase=SECRET) as log:
            log.erase("person-1", reason="subject_request", legal_basis="GDPR art. 17(1)(b)")
        with biotrail.open_records(path, vault=vault) as records:
            for index in person:
                (gone,) = records.record(index).gone
                print(f"entry {index} was {gone.how}: entry {gone.index} says why")
            assert list(records.by_person("person-1")) == []
        vault.close()
        print(f"the log verifies: {biotrail.verify_log(path, key).events} events")


if __name__ == "__main__":
    main()

"""A log that is searched: conditions, pages that stay, counts, an answer proven to a stranger."""

# needs: lark

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail import field

ORIGIN, SECRET = "example.com/front-door", "a long random secret"


def record(log: biotrail.AuditLogger, count: int) -> None:
    """Logins of three people at two doors, every fifth denied."""
    for number in range(count):
        with log.attempt(
            action="door.open",
            target="lab" if number % 2 else "vault",
            modality="face",
            subject=f"person-{number % 3}",
            context=biotrail.Context(ip=f"192.0.2.{number % 250}"),
        ) as attempt:
            if number % 5:
                attempt.grant()
            else:
                attempt.deny("non_match")


def main() -> None:
    """Record, search, and prove."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with biotrail.open(path, origin=ORIGIN, passphrase=SECRET) as log:
            record(log, 60)

            print("denied at the vault, the newest first:")
            page = log.query("outcome = failure and target = vault", limit=4)
            for one in page.records:
                assert one.event is not None
                print(f"  {one.index:3} {one.event.subject and one.event.subject.id}")

            record(log, 20)  # the pages that follow do not shift
            denied = (field("outcome") == "failure") & (field("target") == "vault")
            following = log.query(denied, limit=4, cursor=page.next)
            print("and before:", [one.index for one in following.records])

            print("of one person, from one network:")
            for one in log.search('subject = "person-1" and ip in 192.0.2.0/28'):
                print(f"  {one.index:3}")

            for name, values in log.facets("kind = event", by=("outcome", "target")).items():
                print(name, {one.value: one.count for one in values})

            proof = page.records[0].proof().encode()
            key = log.verifier_key
        proven = biotrail.verify_proof(proof, key)
        print(f"a stranger has checked entry {proven.index} of {proven.checkpoint.size}")


if __name__ == "__main__":
    main()

"""One record's proof, handed to somebody who has neither the log nor this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail


def main() -> None:
    """Write a proof file, check it with the public key alone, then see a changed one refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with biotrail.open(path, origin="example.com/vault", passphrase="example") as log:
            receipts = log.record_many(
                biotrail.Event(
                    action="vault.open",
                    decision="granted" if number == 4 else "denied",
                    subject=f"person-{number}",
                    modality="fingerprint",
                )
                for number in range(8)
            )
            key = log.verifier_key
            proof = log.prove(receipts[4].index).encode()
        (Path(folder) / "record-5.tlog-proof").write_bytes(proof)
        proven = biotrail.verify_proof(proof, key)
        print(f"entry {proven.index} is in the log: {proven.entry.content['decision']}")
        index = f"index {proven.index}".encode()
        try:
            biotrail.verify_proof(proof.replace(index, b"index 4"), key)
        except biotrail.BiotrailError as error:
            print(f"a changed proof is refused: {error}")


if __name__ == "__main__":
    main()

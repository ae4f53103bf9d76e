"""One personal field of one record, shown with proof to somebody who may see no other."""

from __future__ import annotations

import tempfile
from pathlib import Path

import biotrail
from biotrail.tlog import ProofFile


def main() -> None:
    """Disclose an address, check it with the public key alone, then see a changed one refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        with biotrail.open(path, origin="example.com/lab", passphrase="example") as log:
            receipt = log.record(
                biotrail.Event(
                    action="lab.enter",
                    decision="granted",
                    subject="ada",
                    modality="iris",
                    context=biotrail.Context(ip="192.0.2.7", device_id="gate 7"),
                )
            )
            key = log.verifier_key
            proof = log.prove(receipt.index, fields=["ip"])
    assert proof.extra is not None
    assert b"ada" not in proof.extra
    assert b"gate 7" not in proof.extra

    shown = biotrail.verify_disclosure(proof.encode(), key)
    address = ".".join(map(str, shown.fields["ip"]))
    print(f"entry {shown.proof.index} came from {address}; {shown.hidden} fields are not shown")

    changed = proof.extra.replace(shown.fields["ip"], bytes([192, 0, 2, 8]))
    other = ProofFile(proof.index, proof.hashes, proof.checkpoint_note, changed)
    try:
        biotrail.verify_disclosure(other.encode(), key)
    except biotrail.BiotrailError as error:
        print(f"a changed field is refused: {error}")


if __name__ == "__main__":
    main()

"""Proof files: what cannot be in one. (What is read and refused is in the vectors.)"""

from __future__ import annotations

import pytest

from biotrail.errors import MalformedError
from biotrail.tlog import Checkpoint, ProofFile, leaf_hash
from biotrail.tlog.proof_file import MAX_PROOF_FILE_BYTES

A = leaf_hash(b"a")
NOTE = Checkpoint("a", 5, A).text() + "\n— a AAAA\n"


@pytest.mark.parametrize(
    ("index", "hashes", "note", "extra"),
    [
        (-1, [A], NOTE, None),
        (5, [A], NOTE, None),
        (0, [A] * 65, NOTE, None),
        (0, [b"short"], NOTE, None),
        (0, [A], NOTE, b""),
        (0, [A], "no note", None),
        (0, [A], NOTE.replace("AAAA", "\ud800"), None),
    ],
)
def test_what_has_no_file_is_refused(
    index: int, hashes: list[bytes], note: str, extra: bytes | None
) -> None:
    """Numbers, hashes, notes and extras that cannot be written are refused at once."""
    with pytest.raises(MalformedError):
        ProofFile(index, tuple(hashes), note, extra)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"a" * (MAX_PROOF_FILE_BYTES + 1), "\ud800", "\n\n"]
)
def test_what_is_no_proof_file_is_refused(data: bytes | str) -> None:
    """Other bytes, and too many, are malformed."""
    with pytest.raises(MalformedError):
        ProofFile.parse(data)


def test_a_list_of_hashes_will_do() -> None:
    """Makers return lists; the file keeps a tuple, so that equal files are equal."""
    assert ProofFile(0, [A], NOTE) == ProofFile(0, (A,), NOTE)  # type: ignore[arg-type]


def test_the_longest_entry_fits_as_extra() -> None:
    """65,535 bytes and some framing travel in the extra line."""
    proof = ProofFile(0, (A,) * 63, NOTE, bytes(65_600))
    assert ProofFile.parse(proof.encode()) == proof

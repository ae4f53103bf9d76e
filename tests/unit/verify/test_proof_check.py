"""Proof files are made from a store alone and checked with a verifier key alone."""

from __future__ import annotations

import attrs
import pytest

import biotrail
from biotrail.canonical import encode_value
from biotrail.errors import (
    CanonicalError,
    ForkedError,
    MalformedError,
    MissingError,
    ProofError,
    SignatureError,
)
from biotrail.signing import Ed25519Signer
from biotrail.tlog import ProofFile
from biotrail.verify import prove_entry

ORIGIN = "example.com/door"


@attrs.define
class Sample:
    """A log in memory with a genesis entry and three events."""

    store: biotrail.MemoryStore
    log: biotrail.AuditLogger
    earlier: str


def _sample(signer: Ed25519Signer) -> Sample:
    store = biotrail.MemoryStore()
    log = biotrail.AuditLogger(store, signer)
    for number in range(3):
        log.record(biotrail.Event(action=f"door.{number}", decision="denied", reason="policy"))
        if number == 1:
            earlier = log.checkpoint().note
    return Sample(store, log, earlier)


@pytest.fixture
def signer() -> Ed25519Signer:
    """The log's only key."""
    return Ed25519Signer.generate(ORIGIN)


@pytest.fixture
def sample(signer: Ed25519Signer) -> Sample:
    """A log of four entries."""
    return _sample(signer)


def _remade(proof: ProofFile, **changes: object) -> bytes:
    fields = {
        "index": proof.index,
        "hashes": proof.hashes,
        "checkpoint_note": proof.checkpoint_note,
        "extra": proof.extra,
        **changes,
    }
    return ProofFile(**fields).encode()  # type: ignore[arg-type]


@pytest.mark.parametrize("index", range(4))
def test_every_entry_is_proven(sample: Sample, index: int) -> None:
    """The proof of each entry verifies and gives the entry back."""
    data = prove_entry(sample.store, index).encode()
    proven = biotrail.verify_proof(data, sample.log.verifier_key)
    assert proven.index == index
    assert proven.checkpoint.size == 4
    assert proven.entry.kind == ("event" if index else "genesis")


def test_the_logger_makes_the_same_file(sample: Sample) -> None:
    """Whoever holds only the store makes the same proof file as the logger."""
    assert sample.log.prove(2).encode() == prove_entry(sample.store, 2).encode()


def test_an_earlier_checkpoint_can_be_proven_against(sample: Sample) -> None:
    """A proof against a kept checkpoint leads to it, and to no other."""
    data = prove_entry(sample.store, 1, checkpoint=sample.earlier).encode()
    key = sample.log.verifier_key
    assert biotrail.verify_proof(data, key, checkpoint=sample.earlier).checkpoint.size == 3
    with pytest.raises(ProofError, match="size 3, not against the one of size 4"):
        biotrail.verify_proof(data, key, checkpoint=sample.log.checkpoint().note)


def test_a_split_view_is_named(signer: Ed25519Signer, sample: Sample) -> None:
    """Two signed checkpoints of one size and two roots are a fork."""
    other = _sample(signer)
    data = prove_entry(sample.store, 1).encode()
    with pytest.raises(ForkedError, match="split view"):
        biotrail.verify_proof(data, sample.log.verifier_key, checkpoint=other.log.checkpoint().note)


def test_another_key_did_not_sign(sample: Sample) -> None:
    """Under another key of the same name the file proves nothing."""
    stranger = Ed25519Signer.generate(ORIGIN).verifier_key
    with pytest.raises(SignatureError, match="no trusted key"):
        biotrail.verify_proof(prove_entry(sample.store, 1).encode(), stranger)


def test_another_entry_does_not_lead_to_the_root(sample: Sample) -> None:
    """An entry exchanged for another one of the same log does not fit its proof."""
    proof, other = prove_entry(sample.store, 1), prove_entry(sample.store, 2)
    with pytest.raises(ProofError):
        biotrail.verify_proof(_remade(proof, extra=other.extra), sample.log.verifier_key)


@pytest.mark.parametrize(
    "extra", [None, b"\x00", encode_value({"entry": 1}), encode_value({"entry": b"", "more": 1})]
)
def test_extra_has_one_form(sample: Sample, extra: bytes | None) -> None:
    """A file whose extra line is absent, or anything but one entry, is malformed."""
    data = _remade(prove_entry(sample.store, 1), extra=extra)
    with pytest.raises(MalformedError):
        biotrail.verify_proof(data, sample.log.verifier_key)


def test_every_byte_counts(sample: Sample) -> None:
    """Changing any one byte of a proof file makes it fail by a named error."""
    data = prove_entry(sample.store, 1).encode()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((MalformedError, SignatureError, ProofError)):
            biotrail.verify_proof(changed, sample.log.verifier_key)


def test_what_is_not_covered_cannot_be_proven(sample: Sample) -> None:
    """An index beyond the checkpoint, and a store without a head, are named."""
    with pytest.raises(ProofError, match="does not cover an entry 4"):
        prove_entry(sample.store, 4)
    with pytest.raises(MissingError, match="no checkpoint"):
        prove_entry(biotrail.MemoryStore(), 0)


def test_a_canonical_error_does_not_leak() -> None:
    """What is no proof file at all is malformed, by the same root of errors."""
    with pytest.raises(MalformedError) as caught:
        biotrail.verify_proof(b"hello", "example.com/door+00000000+AA==")
    assert not isinstance(caught.value, CanonicalError)


def test_a_checkpoint_that_has_no_form(sample: Sample, signer: Ed25519Signer) -> None:
    """A bad signature line is malformed, in the proof file and in the checkpoint that was kept."""
    proof = prove_entry(sample.store, 2)
    bad = proof.checkpoint_note + "\u2014 nobody\n"
    with pytest.raises(MalformedError, match="in the proof file"):
        biotrail.verify_proof(_remade(proof, checkpoint_note=bad), signer.verifier_key)
    with pytest.raises(MalformedError, match="was given"):
        biotrail.verify_proof(proof.encode(), signer.verifier_key, checkpoint=bad)


def test_a_kept_checkpoint_of_another_log(sample: Sample, signer: Ed25519Signer) -> None:
    """Two logs that are both trusted are not one log that is forked."""
    other = Ed25519Signer.generate("example.com/gate")
    proof = prove_entry(sample.store, 2)
    keys = [signer.verifier_key, other.verifier_key]
    kept = _sample(other).log.checkpoint().note
    with pytest.raises(ProofError, match="is of the log"):
        biotrail.verify_proof(proof.encode(), keys, checkpoint=kept)

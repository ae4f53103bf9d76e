"""A post-quantum cosignature that is asked for must be there, be right, and be of that key."""

from __future__ import annotations

from typing import Any

import pytest

import biotrail
from biotrail.errors import MalformedError, NotCosignedError, SignatureError
from biotrail.signing import Ed25519Signer, MlDsa44Cosigner
from biotrail.verify import prove_entry, verify_disclosure, verify_log, verify_proof

ORIGIN = "example.com/door"

pytestmark = pytest.mark.component("ml-dsa")


@pytest.fixture
def store() -> biotrail.MemoryStore:
    """Where the log lies."""
    return biotrail.MemoryStore()


@pytest.fixture
def log(store: biotrail.MemoryStore) -> biotrail.AuditLogger:
    """A log in memory with one event, its personal fields in the clear beside it."""
    log = biotrail.AuditLogger(store, Ed25519Signer.generate(ORIGIN))
    log.record(biotrail.Event(action="door.open", decision="granted", actor="ada"))
    return log


def test_a_kept_checkpoint_must_bear_it(
    store: biotrail.MemoryStore, log: biotrail.AuditLogger
) -> None:
    """`verify_log` takes a cosigned checkpoint, and no plain one, no other key's, and not none."""
    plain, key = log.checkpoint().note, log.verifier_key
    ours, other = MlDsa44Cosigner.generate(ORIGIN), MlDsa44Cosigner.generate(ORIGIN)
    kept = ours.cosign(plain)
    ways: list[Any] = [ours.key, str(ours.key), [str(other.key), ours.key]]
    for way in ways:
        found = verify_log(store, key, from_checkpoint=kept, require_post_quantum=way)
        assert found.complete_since == (2,)
    refusals: list[tuple[Any, MlDsa44Cosigner]] = [
        (plain, ours),
        (kept, other),
        ([kept, plain], ours),
        ((), ours),
    ]
    for notes, asked in refusals:
        with pytest.raises(NotCosignedError) as refused:
            verify_log(store, key, from_checkpoint=notes, require_post_quantum=asked.key)
        assert (refused.value.exit_code, refused.value.kind) == (22, "not cosigned")
    with pytest.raises(MalformedError):
        verify_log(store, key, from_checkpoint=kept, require_post_quantum=str(key))


def test_a_proof_must_bear_it(store: biotrail.MemoryStore, log: biotrail.AuditLogger) -> None:
    """`verify_proof` and `verify_disclosure` take a proof against a cosigned checkpoint only."""
    plain, key = log.checkpoint().note, log.verifier_key
    ours = MlDsa44Cosigner.generate(ORIGIN)
    ways: list[tuple[Any, tuple[str, ...]]] = [(verify_proof, ()), (verify_disclosure, ("actor",))]
    for check, fields in ways:
        good = prove_entry(store, 1, checkpoint=ours.cosign(plain), fields=fields).encode()
        bare = prove_entry(store, 1, checkpoint=plain, fields=fields).encode()
        check(good, key, require_post_quantum=ours.key)
        check(bare, key)
        with pytest.raises(NotCosignedError, match="no post-quantum cosignature"):
            check(bare, key, require_post_quantum=ours.key)


def test_a_cosignature_that_is_wrong(
    store: biotrail.MemoryStore, log: biotrail.AuditLogger
) -> None:
    """A line of the right key over another root is refused, as not cosigned and as not signed."""
    ours = MlDsa44Cosigner.generate(ORIGIN)
    early = ours.cosign(log.checkpoint().note).rstrip("\n").rpartition("\n")[2]
    log.record(biotrail.Event(action="door.open", decision="denied", reason="policy"))
    moved = f"{log.checkpoint().note}{early}\n"
    with pytest.raises(NotCosignedError) as refused:
        verify_log(store, log.verifier_key, from_checkpoint=moved, require_post_quantum=ours.key)
    assert isinstance(refused.value, SignatureError)

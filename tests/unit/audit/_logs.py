"""Logs and events for the tests of the writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import UUID

from biotrail import (
    AuditLogger,
    Comparison,
    Event,
    Receipt,
    Verification,
    verify_log,
    verify_proof,
)
from biotrail.audit import open_log
from biotrail.canonical import decode_entry
from biotrail.signing import Ed25519Signer, VerifierKey, open_checkpoint
from biotrail.stores import SQLiteReader, StoreReader

ORIGIN = "example.com/front-door"
SEED = bytes(range(32))


def signer(seed: bytes = SEED, origin: str = ORIGIN) -> Ed25519Signer:
    """A signer that needs no key file, whose opening takes long on purpose."""
    return Ed25519Signer.from_seed(origin, seed)


KEY = str(signer().verifier_key)


def event(number: int | None = None, **fields: Any) -> Event:
    """An event with most fields; the same number gives the same id, not the same time."""
    if number is not None:
        fields.setdefault("id", UUID(int=number + 1))
    given: dict[str, Any] = {
        "action": "door.open",
        "decision": "granted",
        "actor": f"guard-{(number or 0) % 5}",
        "subject": f"person-{(number or 0) % 7}",
        "modality": "face",
        "reason": "match",
        "comparison": Comparison(matcher="m", version="1", decision="match", score=0.8),
        **fields,
    }
    return Event(**given)


def opened(path: Path | str, **options: Any) -> AuditLogger:
    """The log at a path, signed by the key of the tests."""
    options.setdefault("signer", signer())
    return open_log(path, origin=ORIGIN, **options)


def verified(log: Path | StoreReader, key: str = KEY, **options: Any) -> Verification:
    """Verify all of a log, in this process."""
    given: Any = log
    return verify_log(given, key, strict=True, every_signature=True, workers=1, **options)


def ids_in(path: Path) -> list[UUID]:
    """The event ids that the entries themselves bear, in order."""
    reader = SQLiteReader(path)
    try:
        decoded = [decode_entry(one.entry) for one in reader.entries(0, 1 << 40)]
    finally:
        reader.close()
    return [UUID(bytes=one.content["id"]) for one in decoded if one.kind == "event"]  # type: ignore[arg-type]


def check_receipt(log: AuditLogger, receipt: Receipt, event_id: UUID | None = None) -> None:
    """What a receipt claims is true, with the public key alone."""
    assert event_id is None or receipt.event_id == event_id
    assert receipt.index < receipt.checkpoint.size
    open_checkpoint(receipt.checkpoint.note, [VerifierKey.parse(KEY)])
    proof = log.prove(receipt.index)
    proven = verify_proof(proof.encode(), KEY)
    assert (proven.index, proven.leaf_hash) == (receipt.index, receipt.leaf_hash)
    if receipt.checkpoint.size == log.checkpoint().size:
        verify_proof(proof.encode(), KEY, checkpoint=receipt.checkpoint.note)


def descriptors() -> set[str]:
    """The files that this process has open."""
    return {os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}

"""Logs with a vault, whose key-encryption key each process of a test has."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import biotrail
from biotrail.stores import SealedStore, SQLiteStore
from biotrail.vault import Vault
from tests.unit.vault._providers import CountingProvider

ORIGIN = "example.com/door"
WHY: dict[str, Any] = {"reason": "subject_request", "legal_basis": "GDPR Art. 17(1)(b)"}


def vault() -> Vault:
    """A vault; every one is of the same key-encryption key."""
    return Vault(CountingProvider())


def opened(store: SealedStore | Path, **options: Any) -> biotrail.AuditLogger:
    """A log on a store, or on a file."""
    place = SQLiteStore(store) if isinstance(store, Path) else store
    signer = biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32))
    return biotrail.AuditLogger(place, signer, **{"vault": vault(), **options})


def key() -> str:
    """The log's verifier key."""
    return str(biotrail.Ed25519Signer.from_seed(ORIGIN, bytes(32)).verifier_key)


def event(person: str, **changes: Any) -> biotrail.Event:
    """An attempt of somebody, at a reader and from an address of their own."""
    address = "10." + ".".join(str(one) for one in sha256(person.encode()).digest()[:3])
    fields: dict[str, Any] = {
        "action": "door.open",
        "modality": "face",
        "decision": "granted",
        "reason": "match",
        "subject": biotrail.Subject(id=person, name=f"Name of {person}"),
        "actor": "guard@example.com",
        "context": biotrail.Context(
            ip=address, device_id=f"device of {person}", user_agent="Firefox/140"
        ),
    }
    return biotrail.Event(**{**fields, **changes})


def everything(path: Path) -> bytes:
    """Every byte that lies in the folder of a log: the file, its journals, what is beside it."""
    return b"\n".join(path.parent.joinpath(name).read_bytes() for name in os.listdir(path.parent))

"""biotrail: every biometric access attempt becomes evidence that a stranger can check.

The door of the library. `open` a log, record an `Event` or wrap the login in `AuditLogger.attempt`,
and let anybody who holds the verifier key `verify_log` it.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail._version import __version__
from biotrail.audit import Attempt, AuditLogger, Receipt, SignedCheckpoint
from biotrail.errors import BiotrailError, VerificationError
from biotrail.events import (
    Action,
    Actor,
    ActorKind,
    ApplicationDecision,
    Comparison,
    ComparisonDecision,
    ComparisonType,
    Context,
    Event,
    Factor,
    FactorRole,
    Location,
    Modality,
    Outcome,
    PresentationAttackDecision,
    Provenance,
    Reason,
    Subject,
)
from biotrail.signing import Ed25519Signer, Signer, VerifierKey
from biotrail.stores import MemoryStore

if TYPE_CHECKING:
    from biotrail.audit import (
        ErasureCertificate,
        ErasureReason,
        HoldReason,
        RetentionPolicy,
        RetentionRule,
        rotate_key_file,
        take_over,
    )
    from biotrail.audit import open_log as open
    from biotrail.audit.fallback import FailOpen, Fallback, Spool
    from biotrail.limits import NIST_SP_800_63B_4, PCI_DSS_8_3_4, Limit, LimitPolicy, Lock
    from biotrail.query import (
        LogQuery,
        Record,
        RecordReader,
        VerifiedEntry,
        Where,
        field,
        open_query,
        open_records,
        parse_condition,
    )
    from biotrail.stores import SQLiteStore
    from biotrail.vault import PassphraseKeyProvider, Vault
    from biotrail.verify import (
        ProvenEntry,
        ProvenErasure,
        ProvenFields,
        Verification,
        verify_certificate,
        verify_disclosure,
        verify_log,
        verify_proof,
    )

__all__ = [
    "NIST_SP_800_63B_4",
    "PCI_DSS_8_3_4",
    "Action",
    "Actor",
    "ActorKind",
    "ApplicationDecision",
    "Attempt",
    "AuditLogger",
    "BiotrailError",
    "Comparison",
    "ComparisonDecision",
    "ComparisonType",
    "Context",
    "Ed25519Signer",
    "ErasureCertificate",
    "ErasureReason",
    "Event",
    "Factor",
    "FactorRole",
    "FailOpen",
    "Fallback",
    "HoldReason",
    "Limit",
    "LimitPolicy",
    "Location",
    "Lock",
    "LogQuery",
    "MemoryStore",
    "Modality",
    "Outcome",
    "PassphraseKeyProvider",
    "PresentationAttackDecision",
    "ProvenEntry",
    "ProvenErasure",
    "ProvenFields",
    "Provenance",
    "Reason",
    "Receipt",
    "Record",
    "RecordReader",
    "RetentionPolicy",
    "RetentionRule",
    "SQLiteStore",
    "SignedCheckpoint",
    "Signer",
    "Spool",
    "Subject",
    "Vault",
    "Verification",
    "VerificationError",
    "VerifiedEntry",
    "VerifierKey",
    "Where",
    "__version__",
    "field",
    "open",
    "open_query",
    "open_records",
    "parse_condition",
    "rotate_key_file",
    "take_over",
    "verify_certificate",
    "verify_disclosure",
    "verify_log",
    "verify_proof",
]

# What not every program needs, or only once it runs: the auditor and files of keys above all.
__getattr__ = load_when_used(
    __name__,
    {
        "FailOpen": "biotrail.audit.fallback",
        "Limit": "biotrail.limits",
        "LimitPolicy": "biotrail.limits",
        "Lock": "biotrail.limits",
        "NIST_SP_800_63B_4": "biotrail.limits",
        "PCI_DSS_8_3_4": "biotrail.limits",
        "Fallback": "biotrail.audit.fallback",
        "ProvenEntry": "biotrail.verify",
        "LogQuery": "biotrail.query",
        "Record": "biotrail.query",
        "RecordReader": "biotrail.query",
        "ProvenFields": "biotrail.verify",
        "SQLiteStore": "biotrail.stores",
        "Spool": "biotrail.audit.fallback",
        "Verification": "biotrail.verify",
        "VerifiedEntry": "biotrail.query",
        "Where": "biotrail.query",
        "field": "biotrail.query",
        "ErasureCertificate": "biotrail.audit",
        "ErasureReason": "biotrail.audit",
        "HoldReason": "biotrail.audit",
        "RetentionPolicy": "biotrail.audit",
        "RetentionRule": "biotrail.audit",
        "PassphraseKeyProvider": "biotrail.vault",
        "Vault": "biotrail.vault",
        "ProvenErasure": "biotrail.verify",
        "verify_certificate": "biotrail.verify",
        "open": "biotrail.audit:open_log",
        "open_query": "biotrail.query",
        "open_records": "biotrail.query",
        "parse_condition": "biotrail.query",
        "rotate_key_file": "biotrail.audit",
        "take_over": "biotrail.audit",
        "verify_disclosure": "biotrail.verify",
        "verify_log": "biotrail.verify",
        "verify_proof": "biotrail.verify",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)

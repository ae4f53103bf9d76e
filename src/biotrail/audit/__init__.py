"""The one writer: attempts, group commit, recovery."""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.audit.attempt import Attempt
from biotrail.audit.logger import AuditLogger
from biotrail.audit.receipt import Receipt, SignedCheckpoint

if TYPE_CHECKING:
    from biotrail.audit.certificate import ErasureCertificate
    from biotrail.audit.doctor import Examination, examine, read_certificate
    from biotrail.audit.erasure_request import ErasureReason
    from biotrail.audit.holds import Hold, HoldReason
    from biotrail.audit.opening import open_log, rotate_key_file
    from biotrail.audit.reads import Read
    from biotrail.audit.reference_retention import (
        ReferenceRetention,
        ReferenceRetentionRun,
        apply_reference_retention,
    )
    from biotrail.audit.retention import RetentionRun
    from biotrail.audit.retention_policy import RetentionPolicy, RetentionRule
    from biotrail.audit.taking_over import take_over

__all__ = [
    "Attempt",
    "AuditLogger",
    "ErasureCertificate",
    "ErasureReason",
    "Examination",
    "Hold",
    "HoldReason",
    "Read",
    "Receipt",
    "ReferenceRetention",
    "ReferenceRetentionRun",
    "RetentionPolicy",
    "RetentionRule",
    "RetentionRun",
    "SignedCheckpoint",
    "apply_reference_retention",
    "examine",
    "open_log",
    "read_certificate",
    "rotate_key_file",
    "take_over",
]

__getattr__ = load_when_used(
    __name__,
    {
        "ErasureCertificate": "biotrail.audit.certificate",
        "ErasureReason": "biotrail.audit.erasure_request",
        "Examination": "biotrail.audit.doctor",
        "examine": "biotrail.audit.doctor",
        "read_certificate": "biotrail.audit.doctor",
        "Hold": "biotrail.audit.holds",
        "HoldReason": "biotrail.audit.holds",
        "Read": "biotrail.audit.reads",
        "ReferenceRetention": "biotrail.audit.reference_retention",
        "ReferenceRetentionRun": "biotrail.audit.reference_retention",
        "apply_reference_retention": "biotrail.audit.reference_retention",
        "RetentionPolicy": "biotrail.audit.retention_policy",
        "RetentionRule": "biotrail.audit.retention_policy",
        "RetentionRun": "biotrail.audit.retention",
        "open_log": "biotrail.audit.opening",
        "rotate_key_file": "biotrail.audit.opening",
        "take_over": "biotrail.audit.taking_over",
    },
)

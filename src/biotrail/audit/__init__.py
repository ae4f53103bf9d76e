"""The one writer: attempts, group commit, recovery."""

from biotrail.audit.attempt import Attempt
from biotrail.audit.logger import AuditLogger
from biotrail.audit.opening import open_log, rotate_key_file
from biotrail.audit.receipt import Receipt, SignedCheckpoint

__all__ = [
    "Attempt",
    "AuditLogger",
    "Receipt",
    "SignedCheckpoint",
    "open_log",
    "rotate_key_file",
]

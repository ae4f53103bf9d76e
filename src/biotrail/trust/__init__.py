"""Which key may sign which checkpoint of a log: read from the log's own entries."""

from biotrail.trust.admission import Admission
from biotrail.trust.compromise import Disbelief
from biotrail.trust.key_history import KEY_KINDS, KeyHistory

__all__ = ["KEY_KINDS", "Admission", "Disbelief", "KeyHistory"]

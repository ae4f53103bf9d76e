"""Which key may sign which checkpoint of a log: read from the log's own entries."""

from biotrail.trust.key_history import Admission, KeyHistory

__all__ = ["Admission", "KeyHistory"]

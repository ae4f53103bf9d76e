"""Which key may sign which checkpoint of a log: read from the log's own entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used
from biotrail.trust.admission import Admission
from biotrail.trust.key_history import KEY_KINDS, KeyHistory

if TYPE_CHECKING:
    from biotrail.trust.compromise import Disbelief

__all__ = ["KEY_KINDS", "Admission", "Disbelief", "KeyHistory"]

__getattr__ = load_when_used(__name__, {"Disbelief": "biotrail.trust.compromise"})

"""How many failed attempts are too many: policies, and the counting that they ask for.

Words and maths alone. What is counted comes in as `Facts`, the time is handed in, and what follows
comes out as a new `Counter` and a `Lock`. The log's writer applies it where a record commits.
"""

from biotrail.limits.counter import Counter, Lock, worst_of
from biotrail.limits.facts import FAILURES, HOST_REASONS, Facts
from biotrail.limits.policy import (
    NIST_SP_800_63B_4,
    PCI_DSS_8_3_4,
    Limit,
    LimitPolicy,
    Scope,
)

__all__ = [
    "FAILURES",
    "HOST_REASONS",
    "NIST_SP_800_63B_4",
    "PCI_DSS_8_3_4",
    "Counter",
    "Facts",
    "Limit",
    "LimitPolicy",
    "Lock",
    "Scope",
    "worst_of",
]

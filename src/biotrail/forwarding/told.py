"""What a forwarder tells of itself."""

from __future__ import annotations

import attrs

__all__ = ["Forwarded", "Lag", "Redelivered"]


@attrs.frozen
class Lag:
    """How far behind a forwarder is.

    Attributes:
        records: How many records are not delivered yet.
        seconds: How long ago the oldest of them was recorded; 0 where there is none.
        refused: How many were refused for good, and neither delivered since nor dropped.
    """

    records: int
    seconds: float
    refused: int = 0


@attrs.frozen
class Forwarded:
    """What one run did.

    Attributes:
        delivered: How many records the sink took.
        refused: How many it refused for good; they are in the dead-letter file.
        next: Index of the next record.
    """

    delivered: int
    refused: int
    next: int


@attrs.frozen
class Redelivered:
    """What became of dead letters.

    Attributes:
        delivered: How many records the sink took this time.
        refused: How many it refused again; they stay in the dead-letter file.
    """

    delivered: int
    refused: int

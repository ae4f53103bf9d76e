"""What a caller is given once a record is durable."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import attrs

from biotrail.signing import SignedCheckpoint

if TYPE_CHECKING:
    from biotrail.limits import Lock

__all__ = ["Receipt", "SignedCheckpoint"]


@attrs.frozen
class Receipt:
    """The answer to a record: it is durable, and this checkpoint covers it.

    Attributes:
        event_id: Id of the event.
        index: Index of the entry in the log, zero-based.
        leaf_hash: Leaf hash of the entry, 32 bytes.
        recorded: Time of recording.
        checkpoint: A signed checkpoint whose root covers the entry.
        repeated: Whether the event was in the log already, so that nothing new was written.
        lock: The lock of attempt limits in force once the event was recorded; None without one.
        overruled: Whether it was to be granted and is recorded as denied, because of the lock. Do
            not grant.
    """

    event_id: UUID
    index: int
    leaf_hash: bytes
    recorded: datetime
    checkpoint: SignedCheckpoint
    repeated: bool = False
    lock: Lock | None = None
    overruled: bool = False
